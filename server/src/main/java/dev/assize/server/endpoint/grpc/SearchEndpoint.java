package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.Message;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.Detail;
import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.SearchActionsResponse;
import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchResourcesResponse;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SearchSubjectsResponse;
import dev.assize.server.access.Permission;
import dev.assize.server.decision.SearchService;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.search.Search;
import dev.assize.server.decision.search.Search.Surroundings;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.Messages;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.call.SearchSlots;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Forms;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.InstantSource;
import java.util.function.Function;
import java.util.function.Supplier;

/** Serves the searches of `DecisionService`: checks with one part left open. */
final class SearchEndpoint {

    private static final String CHECK = "check.";

    private final SearchService searches;
    private final SearchSlots slots;
    private final Gate gate;
    private final RevisionWaits revisions;
    private final PageTokens tokens;
    private final Replies replies;
    private final InstantSource clock;

    @Inject
    SearchEndpoint(
            SearchService searches,
            SearchSlots slots,
            Gate gate,
            RevisionWaits revisions,
            PageTokens tokens,
            Replies replies,
            InstantSource clock) {
        this.searches = searches;
        this.slots = slots;
        this.gate = gate;
        this.revisions = revisions;
        this.tokens = tokens;
        this.replies = replies;
        this.clock = clock;
    }

    void subjects(SearchSubjectsRequest request, StreamObserver<SearchSubjectsResponse> observer) {
        stream(
                observer,
                () -> {
                    TenantId tenant = gate.admit(request.getCheck().getTenant());
                    Fields.requireKnown("request", request);
                    requireSought("subject", request.getCheck().getSubject());
                    return plan(
                            tenant,
                            request.getCheck(),
                            around -> new Search.Subjects(
                                    Fields.readOptional(
                                            "subject_type", request.getSubjectType(), SearchEndpoint::subjectType),
                                    CheckTranslator.resource(CHECK, request.getCheck()),
                                    CheckTranslator.action(CHECK, request.getCheck()),
                                    around),
                            new Paging(request.getPageSize(), request.getLimit(), request.getCursor()),
                            request.toBuilder()
                                    .setCheck(sought(request.getCheck()))
                                    .clearPageSize()
                                    .clearLimit()
                                    .clearCursor());
                },
                page -> SearchSubjectsResponse.newBuilder()
                        .addAllSubjects(page.found())
                        .addAllWildcards(page.wildcards())
                        .setCursor(page.cursor())
                        .setTruncated(page.truncated())
                        .build());
    }

    void resources(SearchResourcesRequest request, StreamObserver<SearchResourcesResponse> observer) {
        stream(
                observer,
                () -> {
                    TenantId tenant = gate.admit(request.getCheck().getTenant());
                    Fields.requireKnown("request", request);
                    requireSought("resource", request.getCheck().getResource());
                    return plan(
                            tenant,
                            request.getCheck(),
                            around -> new Search.Resources(
                                    CheckTranslator.subject(CHECK, request.getCheck()),
                                    CheckTranslator.action(CHECK, request.getCheck()),
                                    Fields.read("resource_type", request.getResourceType(), Forms::type),
                                    around),
                            new Paging(request.getPageSize(), request.getLimit(), request.getCursor()),
                            request.toBuilder()
                                    .setCheck(sought(request.getCheck()))
                                    .clearPageSize()
                                    .clearLimit()
                                    .clearCursor());
                },
                page -> SearchResourcesResponse.newBuilder()
                        .addAllResources(page.found())
                        .setCursor(page.cursor())
                        .setTruncated(page.truncated())
                        .build());
    }

    void actions(SearchActionsRequest request, StreamObserver<SearchActionsResponse> observer) {
        stream(
                observer,
                () -> {
                    TenantId tenant = gate.admit(request.getCheck().getTenant());
                    Fields.requireKnown("request", request);
                    requireSought("action", request.getCheck().getAction());
                    return plan(
                            tenant,
                            request.getCheck(),
                            around -> new Search.Actions(
                                    CheckTranslator.subject(CHECK, request.getCheck()),
                                    CheckTranslator.resource(CHECK, request.getCheck()),
                                    around),
                            new Paging(request.getPageSize(), request.getLimit(), request.getCursor()),
                            request.toBuilder()
                                    .setCheck(sought(request.getCheck()))
                                    .clearPageSize()
                                    .clearLimit()
                                    .clearCursor());
                },
                page -> SearchActionsResponse.newBuilder()
                        .addAllActions(page.found())
                        .setCursor(page.cursor())
                        .setTruncated(page.truncated())
                        .build());
    }

    private <R> void stream(
            StreamObserver<R> observer, Supplier<SearchStream.Plan> reading, Function<SearchStream.Page, R> wire) {
        SearchStream.Plan plan;
        try {
            plan = reading.get();
        } catch (RuntimeException | Error failure) {
            replies.fail(observer, failure);
            return;
        }
        new SearchStream<>(plan, searches, slots, tokens, replies, (ServerCallStreamObserver<R>) observer, wire)
                .start();
    }

    private SearchStream.Plan plan(
            TenantId tenant,
            CheckRequest check,
            Function<Surroundings, Search> sought,
            Paging paging,
            Message.Builder conditions) {
        if (check.getAtRevision() != 0 || check.hasAsOf()) {
            gate.require(tenant, Permission.READ_HISTORY);
        }
        requirePlain(check);
        Surroundings around = CheckTranslator.surroundings(CHECK, check, tenant, Environment.DEFAULT);
        Search search = sought.apply(around);
        PointInTime at = CheckTranslator.pointInTime(CHECK, check, clock.instant());
        int pageSize = Fields.pageSize(paging.size());
        if (paging.limit() < 0) {
            throw RefusedException.invalid("limit", Integer.toString(paging.limit()), "1 or more, or 0 for no limit");
        }
        byte[] question = Messages.bytes(conditions.build());
        String after = tokens.position("cursor", paging.cursor(), question);
        gate.requireEnvironment(around.env());
        revisions.await(CHECK, tenant, check.getMinRevision());
        return new SearchStream.Plan(search, at, pageSize, paging.limit(), after, question);
    }

    /** A later page may be asked of a newer policy. */
    private static CheckRequest sought(CheckRequest check) {
        return check.toBuilder().clearMinRevision().build();
    }

    private static void requireSought(String part, String text) {
        if (!text.isEmpty()) {
            throw RefusedException.invalid(CHECK + part, text, "nothing: it is what is sought");
        }
    }

    private static void requirePlain(CheckRequest check) {
        if (check.getExplain()) {
            throw RefusedException.invalid(CHECK + "explain", "true", "false: a search has no trace");
        }
        if (check.getDetailValue() != Detail.DETAIL_UNSPECIFIED_VALUE) {
            throw RefusedException.invalid(
                    CHECK + "detail", Integer.toString(check.getDetailValue()), "nothing: a search gives names");
        }
    }

    private static String subjectType(String text) {
        if (text.equals(Subject.GROUP_TYPE)) {
            throw new MalformedException(text, "a type of subjects that ask; a group does not");
        }
        return Forms.type(text);
    }

    private record Paging(int size, int limit, String cursor) {}
}
