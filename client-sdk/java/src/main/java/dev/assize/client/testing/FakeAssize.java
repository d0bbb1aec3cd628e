package dev.assize.client.testing;

import com.google.protobuf.ByteString;
import dev.assize.client.AssizeClient;
import dev.assize.client.Obligation;
import dev.assize.proto.v1.Acknowledgement;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.AppendedEntry;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecidedBy;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.SearchActionsResponse;
import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchResourcesResponse;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SearchSubjectsResponse;
import dev.assize.proto.v1.SpoolPosition;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * An Assize in memory. It denies what it was not told to allow, keeps what is appended, and can be out of reach. The client it
 * gives is the real one, with all it does where answers are wrong or missing.
 *
 * <pre>{@code
 * FakeAssize assize = new FakeAssize().allow("user:alice", "replay:922", "execute");
 * try (AssizeClient client = assize.client(AssizeClient.builder().tenant("acme"))) {
 *     …
 *     assertThat(assize.appended()).hasSize(1);
 * }
 * }</pre>
 */
public final class FakeAssize {

    /** What a rule may leave open. */
    public static final String ANY = "*";

    /** Newest first. */
    private final List<Rule> rules = new CopyOnWriteArrayList<>();

    private final List<Asked> asked = new CopyOnWriteArrayList<>();
    private final List<Appended> appended = new CopyOnWriteArrayList<>();
    private final Map<AppendAuditRequest, AppendAuditResponse> answers = new HashMap<>();
    private final Map<Key, AppendAuditRequest> contents = new HashMap<>();
    private long spooled;
    private volatile boolean reachable = true;
    private volatile boolean spooling;

    private record Rule(String subject, String resource, String action, CheckResponse answer) {

        boolean isOpen(Function<Rule, String> part) {
            return part.apply(this).equals(ANY);
        }

        boolean fits(CheckRequest request) {
            return fits(subject, request.getSubject())
                    && fits(resource, request.getResource())
                    && fits(action, request.getAction());
        }

        private static boolean fits(String said, String asked) {
            return said.equals(ANY) || said.equals(asked);
        }
    }

    /** A question that was asked. */
    public record Asked(String tenant, String env, String subject, String resource, String action) {}

    /** An event that was appended. */
    public record Appended(
            String tenant,
            String type,
            String actor,
            String action,
            String resource,
            String env,
            String outcome,
            String decisionId,
            String payload) {}

    /** Under which events were appended. */
    private record Key(String tenant, String text) {}

    /** Allows this from now on, where no rule denies it; each name may be {@link #ANY}. */
    public FakeAssize allow(String subject, String resource, String action, Obligation... obligations) {
        return rule(subject, resource, action, Decision.DECISION_ALLOW, Reason.REASON_ALLOWED, obligations);
    }

    /** Denies this from now on, with advice, whatever allows it. */
    public FakeAssize deny(String subject, String resource, String action, Obligation... advice) {
        return rule(subject, resource, action, Decision.DECISION_DENY, Reason.REASON_EXPLICIT_DENY, advice);
    }

    private FakeAssize rule(
            String subject,
            String resource,
            String action,
            Decision decision,
            Reason reason,
            Obligation... obligations) {
        CheckResponse.Builder answer = CheckResponse.newBuilder()
                .setDecision(decision)
                .setReason(reason)
                .setRevision(1)
                .setDecidedBy(DecidedBy.newBuilder().setBinding("fake").setRole("fake"));
        for (Obligation obligation : obligations) {
            answer.addObligations(dev.assize.proto.v1.Obligation.newBuilder()
                    .setId(obligation.id())
                    .setType(obligation.type())
                    .putAllProperties(obligation.properties()));
        }
        rules.addFirst(new Rule(subject, resource, action, answer.build()));
        return this;
    }

    /** Whether it answers at all; where not, every call is {@code UNAVAILABLE}. */
    public FakeAssize reachable(boolean reachable) {
        this.reachable = reachable;
        return this;
    }

    /** Whether it is a sidecar: one answers who is content with its spool when the events are there. */
    public FakeAssize spooling(boolean spooling) {
        this.spooling = spooling;
        return this;
    }

    /** What was asked, in its order. */
    public List<Asked> asked() {
        return List.copyOf(asked);
    }

    /** What was appended, in its order. */
    public List<Appended> appended() {
        return List.copyOf(appended);
    }

    /** A client of it; of the builder's options those about the connection do not count. */
    public AssizeClient client(AssizeClient.Builder options) {
        return options.build(channel());
    }

    private ManagedChannel channel() {
        return new FakeChannel(Map.of(
                DecisionServiceGrpc.getSearchSubjectsMethod().getFullMethodName(),
                request -> answer((SearchSubjectsRequest) request),
                DecisionServiceGrpc.getSearchResourcesMethod().getFullMethodName(),
                request -> answer((SearchResourcesRequest) request),
                DecisionServiceGrpc.getSearchActionsMethod().getFullMethodName(),
                request -> answer((SearchActionsRequest) request),
                DecisionServiceGrpc.getCheckMethod().getFullMethodName(),
                request -> answer((CheckRequest) request),
                DecisionServiceGrpc.getCheckBatchMethod().getFullMethodName(),
                request -> answer((CheckBatchRequest) request),
                LedgerServiceGrpc.getAppendAuditMethod().getFullMethodName(),
                request -> answer((AppendAuditRequest) request)));
    }

    private CheckResponse answer(CheckRequest request) {
        requireReachable();
        asked.add(new Asked(
                request.getTenant(),
                request.getEnv(),
                request.getSubject(),
                request.getResource(),
                request.getAction()));
        return judged(request).toBuilder()
                .setDecisionId(UUID.randomUUID().toString())
                .setHistorical(request.getAtRevision() != 0 || request.hasAsOf())
                .build();
    }

    private CheckResponse judged(CheckRequest request) {
        return rules.stream()
                .filter(it -> it.fits(request))
                .map(Rule::answer)
                .min(Comparator.comparing(it -> it.getDecision() != Decision.DECISION_DENY))
                .orElseGet(() -> CheckResponse.newBuilder()
                        .setDecision(Decision.DECISION_DENY)
                        .setReason(Reason.REASON_NO_GRANT)
                        .setRevision(1)
                        .build());
    }

    private SearchSubjectsResponse answer(SearchSubjectsRequest request) {
        CheckRequest check = request.getCheck();
        Found found = found(
                Rule::subject,
                it -> check.toBuilder().setSubject(it).build(),
                ofType(request.getSubjectType()),
                request.getLimit(),
                request.getCursor());
        return SearchSubjectsResponse.newBuilder()
                .addAllSubjects(found.names)
                .addAllWildcards(found.wildcards)
                .setCursor(found.cursor)
                .setTruncated(!found.cursor.isEmpty())
                .build();
    }

    private SearchResourcesResponse answer(SearchResourcesRequest request) {
        CheckRequest check = request.getCheck();
        Found found = found(
                Rule::resource,
                it -> check.toBuilder().setResource(it).build(),
                it -> ofType(request.getResourceType()).test(it.substring(it.lastIndexOf('/') + 1)),
                request.getLimit(),
                request.getCursor());
        return SearchResourcesResponse.newBuilder()
                .addAllResources(found.names)
                .setCursor(found.cursor)
                .setTruncated(!found.cursor.isEmpty())
                .build();
    }

    private SearchActionsResponse answer(SearchActionsRequest request) {
        CheckRequest check = request.getCheck();
        Found found = found(
                Rule::action,
                it -> check.toBuilder().setAction(it).build(),
                _ -> true,
                request.getLimit(),
                request.getCursor());
        return SearchActionsResponse.newBuilder()
                .addAllActions(found.names)
                .setCursor(found.cursor)
                .setTruncated(!found.cursor.isEmpty())
                .build();
    }

    /** The names of its rules that it would allow, behind the cursor, which is the last name before. */
    private Found found(
            Function<Rule, String> part,
            Function<String, CheckRequest> asked,
            Predicate<String> wanted,
            int limit,
            String cursor) {
        requireReachable();
        Predicate<String> allowed = it -> judged(asked.apply(it)).getDecision() == Decision.DECISION_ALLOW;
        List<String> all = rules.stream()
                .filter(it -> !it.isOpen(part))
                .map(part)
                .distinct()
                .sorted()
                .filter(it -> it.compareTo(cursor) > 0 && wanted.test(it) && allowed.test(it))
                .toList();
        boolean more = limit > 0 && all.size() > limit;
        List<String> names = more ? all.subList(0, limit) : all;
        List<String> wildcards = allowed.test(ANY) ? List.of(ANY) : List.of();
        return new Found(names, wildcards, more ? names.getLast() : "");
    }

    private record Found(List<String> names, List<String> wildcards, String cursor) {}

    private static Predicate<String> ofType(String type) {
        return name -> type.isEmpty() || name.equals(type) || name.startsWith(type + ":");
    }

    private CheckBatchResponse answer(CheckBatchRequest request) {
        CheckBatchResponse.Builder results = CheckBatchResponse.newBuilder();
        request.getItemsList()
                .forEach(
                        item -> results.addResults(CheckBatchResult.newBuilder().setResponse(answer(item))));
        return results.build();
    }

    private synchronized AppendAuditResponse answer(AppendAuditRequest request) {
        requireReachable();
        Key key = new Key(request.getTenant(), request.getIdempotencyKey());
        if (!key.text.isEmpty() && contents.containsKey(key)) {
            return replayed(contents.get(key), request);
        }
        List<AppendedEntry> entries = new ArrayList<>();
        for (AuditEvent event : request.getEventsList()) {
            entries.add(AppendedEntry.newBuilder()
                    .setSeq(appended.size())
                    .setEntryHash(ByteString.copyFrom(new byte[32]))
                    .build());
            appended.add(appended(request.getTenant(), event));
        }
        boolean spools = spooling && request.getAcknowledgement() == Acknowledgement.ACKNOWLEDGEMENT_SPOOLED;
        AppendAuditResponse answer = spools
                ? AppendAuditResponse.newBuilder()
                        .setAcknowledgement(Acknowledgement.ACKNOWLEDGEMENT_SPOOLED)
                        .setSpooled(
                                SpoolPosition.newBuilder().setSpoolId("fake").setNumber(++spooled))
                        .build()
                : AppendAuditResponse.newBuilder().addAllEntries(entries).build();
        contents.put(key, request);
        answers.put(request, answer);
        return answer;
    }

    private AppendAuditResponse replayed(@Nullable AppendAuditRequest before, AppendAuditRequest again) {
        AppendAuditResponse answer = answers.get(again);
        if (!again.equals(before) || answer == null) {
            throw Status.ALREADY_EXISTS
                    .withDescription("the key was used with other content")
                    .asRuntimeException();
        }
        return answer.toBuilder().setReplayed(true).build();
    }

    private static Appended appended(String tenant, AuditEvent event) {
        return new Appended(
                tenant,
                event.getType(),
                event.getActor(),
                event.getAction(),
                event.getResource(),
                event.getEnv(),
                event.getOutcome().name().replace("OUTCOME_", ""),
                event.getDecisionId(),
                event.getPayload());
    }

    private void requireReachable() {
        if (!reachable) {
            throw Status.UNAVAILABLE
                    .withDescription("out of reach, as the test says")
                    .asRuntimeException();
        }
    }
}
