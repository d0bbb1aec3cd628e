package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.AccessChange;
import dev.assize.proto.v1.AccessGrant;
import dev.assize.proto.v1.AccessUse;
import dev.assize.proto.v1.AccessUseState;
import dev.assize.proto.v1.ReviewAccessRequest;
import dev.assize.proto.v1.ReviewAccessResponse;
import dev.assize.server.administration.PolicyAdministration;
import dev.assize.server.administration.review.AccessReview;
import dev.assize.server.administration.review.GrantFilter;
import dev.assize.server.administration.review.GrantRecords;
import dev.assize.server.administration.review.GrantRecords.Use;
import dev.assize.server.administration.review.GrantRow;
import dev.assize.server.administration.review.GrantRow.Position;
import dev.assize.server.administration.review.ReviewedGrant;
import dev.assize.server.administration.review.ReviewedGrant.Change;
import dev.assize.server.administration.review.ReviewedGrant.LastUse;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Deadlines;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.Messages;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.call.TenantDirectory;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Forms;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.stub.ServerCallStreamObserver;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** `AccessService/ReviewAccess`: rows as the transport takes them, with what was written down about each. */
final class ReviewCalls {

    /** How long a review goes on whose caller has set no deadline, or a later one. */
    static final Duration LONGEST_REVIEW = Duration.ofSeconds(60);

    /** What is left of a deadline for the last message's way back. */
    private static final Duration WAY_BACK = Duration.ofMillis(50);

    private final PolicyAdministration policies;
    private final GrantRecords records;
    private final Gate gate;
    private final TenantDirectory tenants;
    private final PageTokens tokens;
    private final Replies replies;
    private final InstantSource clock;

    @Inject
    ReviewCalls(
            PolicyAdministration policies,
            GrantRecords records,
            Gate gate,
            TenantDirectory tenants,
            PageTokens tokens,
            Replies replies,
            InstantSource clock) {
        this.policies = policies;
        this.records = records;
        this.gate = gate;
        this.tenants = tenants;
        this.tokens = tokens;
        this.replies = replies;
        this.clock = clock;
    }

    void review(ReviewAccessRequest request, ServerCallStreamObserver<ReviewAccessResponse> stream) {
        // Without a handler of its own a cancelled call would throw at whoever writes to it.
        stream.setOnCancelHandler(() -> {});
        try {
            stream.setOnReadyHandler(admitted(request, stream)::sendWhileReady);
        } catch (RuntimeException | Error failure) {
            replies.fail(stream, failure);
        }
    }

    private Reviewing admitted(ReviewAccessRequest request, ServerCallStreamObserver<ReviewAccessResponse> stream) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        int pageSize = Fields.pageSize(request.getPageSize());
        if (request.getLimit() < 0) {
            throw RefusedException.invalid("limit", Long.toString(request.getLimit()), "1 or more, or 0 for no limit");
        }
        GrantFilter filter = filter(request, tenant);
        byte[] question = Messages.bytes(
                request.toBuilder().clearPageSize().clearLimit().clearCursor().build());
        Position after = position(tokens.position("cursor", request.getCursor(), question));
        tenants.requireExists(tenant);
        AccessReview review = new AccessReview(
                policies.export(PolicyScope.of(tenant)),
                policies.export(PolicyScope.PLATFORM),
                clock.instant(),
                filter,
                after,
                records,
                CallContext.current().caller().envs());
        return new Reviewing(review, pageSize, request.getLimit(), question, stream);
    }

    private static GrantFilter filter(ReviewAccessRequest request, TenantId tenant) {
        Subject subject = Fields.readOptional("subject", request.getSubject(), Subject::parseOfRequest);
        TenantId home = Fields.readOptional("subject_tenant", request.getSubjectTenant(), TenantId::new);
        if (subject == null && home != null) {
            throw RefusedException.invalid("subject_tenant", home.value(), "nothing without `subject`");
        }
        return new GrantFilter(
                subject, home == null ? tenant : home, Fields.readOptional("role", request.getRole(), Forms::name));
    }

    /** No name has a line feed in it. */
    private static @Nullable Position position(@Nullable String cursor) {
        if (cursor == null) {
            return null;
        }
        String[] parts = cursor.split("\n", -1);
        return parts.length == 1 ? new Position(parts[0], null, null) : new Position(parts[0], parts[1], parts[2]);
    }

    private static String text(Position position) {
        return position.subject() == null
                ? position.binding()
                : position.binding() + "\n" + position.subject() + "\n" + position.role();
    }

    /** A review under way. Callbacks of one call come one after the other: no guard is needed. */
    private final class Reviewing {

        private final AccessReview review;
        private final int pageSize;
        private final long limit;
        private final byte[] question;
        private final ServerCallStreamObserver<ReviewAccessResponse> stream;
        private final Deadline end;
        private long sent;
        private boolean over;

        Reviewing(
                AccessReview review,
                int pageSize,
                long limit,
                byte[] question,
                ServerCallStreamObserver<ReviewAccessResponse> stream) {
            this.review = review;
            this.pageSize = pageSize;
            this.limit = limit;
            this.question = question;
            this.stream = stream;
            Deadline longest = Deadline.after(LONGEST_REVIEW.toNanos(), TimeUnit.NANOSECONDS);
            Deadline ofCall = Context.current().getDeadline();
            this.end = ofCall == null ? longest : longest.minimum(ofCall);
        }

        void sendWhileReady() {
            try {
                while (!over && stream.isReady()) {
                    Deadlines.requireListener();
                    send();
                }
            } catch (RuntimeException | Error failure) {
                over = true;
                replies.fail(stream, failure);
            }
        }

        private void send() {
            int room = limit == 0 ? pageSize : (int) Math.min(pageSize, limit - sent);
            List<ReviewedGrant> grants = review.next(room, this::hasTime);
            sent += grants.size();
            boolean truncated = review.hasNext() && ((limit > 0 && sent == limit) || !hasTime());
            over = truncated || !review.hasNext();
            ReviewAccessResponse.Builder response = ReviewAccessResponse.newBuilder()
                    .setTruncated(truncated)
                    .setCursor(review.hasNext() ? cursor() : "")
                    .setRevision(review.tenant().revision().value())
                    .setPlatformRevision(review.platform().revision().value())
                    .setReviewedAt(Fields.timestamp(review.now()));
            grants.forEach(grant -> response.addGrants(wire(grant)));
            stream.onNext(response.build());
            if (over) {
                stream.onCompleted();
            }
        }

        private String cursor() {
            Position position = review.position();
            return position == null ? "" : tokens.of(text(position), question);
        }

        private boolean hasTime() {
            return end.timeRemaining(TimeUnit.MILLISECONDS) > WAY_BACK.toMillis();
        }
    }

    private static AccessGrant wire(ReviewedGrant grant) {
        GrantRow row = grant.row();
        RoleBindingDocument binding = row.binding();
        AccessGrant.Builder wire = AccessGrant.newBuilder()
                .setSubject(row.subject().toString())
                .setSubjectTenant(row.home().value())
                .setRole(row.role())
                .setBinding(binding.name())
                .addAllGroups(row.groups())
                .addAllInheritedThrough(row.inheritedThrough())
                .setCondition(orEmpty(binding.when()))
                .setReason(orEmpty(binding.reason()))
                .setLastUse(wire(grant.lastUse()));
        binding.scopeOfGrant().environments().ifPresent(any -> wire.addAllEnvironments(names(any)));
        binding.scopeOfGrant().resourceTypes().ifPresent(any -> wire.addAllResourceTypes(names(any)));
        binding.scopeOfGrant().resources().ifPresent(paths -> paths.forEach(path -> wire.addResources(path.value())));
        if (binding.notBefore() != null) {
            wire.setNotBefore(Fields.timestamp(binding.notBefore()));
        }
        if (binding.notAfter() != null) {
            wire.setNotAfter(Fields.timestamp(binding.notAfter()));
        }
        if (grant.given() != null) {
            wire.setGiven(wire(grant.given()));
        }
        if (grant.joined() != null) {
            wire.setJoined(wire(grant.joined()));
        }
        return wire.build();
    }

    private static <T> List<String> names(AnyOf<T> any) {
        return switch (any) {
            case AnyOf.All<T> _ -> List.of("*");
            case AnyOf.Listed<T> listed ->
                listed.values().stream().map(String::valueOf).toList();
        };
    }

    static AccessChange wire(Change change) {
        return AccessChange.newBuilder()
                .setRevision(change.written().revision().value())
                .setAt(Fields.timestamp(change.written().at()))
                .setBy(change.written().by().caller().toString())
                .setByTenant(change.written().by().home().value())
                .setReason(change.written().reason().orElse(""))
                .setSeq(change.written().seq())
                .setOrigin(change.origin())
                .setProposal(change.proposal())
                .addAllApprovers(change.approvers())
                .build();
    }

    private static AccessUse wire(LastUse use) {
        return switch (use) {
            case LastUse.OnRecord(Use on) ->
                AccessUse.newBuilder()
                        .setState(AccessUseState.ACCESS_USE_STATE_ON_RECORD)
                        .setAt(Fields.timestamp(on.at()))
                        .setSeq(on.seq())
                        .build();
            case LastUse.NoneFound _ ->
                AccessUse.newBuilder()
                        .setState(AccessUseState.ACCESS_USE_STATE_NONE_FOUND)
                        .build();
            case LastUse.NotRecorded _ ->
                AccessUse.newBuilder()
                        .setState(AccessUseState.ACCESS_USE_STATE_NOT_RECORDED)
                        .build();
        };
    }

    private static String orEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }
}
