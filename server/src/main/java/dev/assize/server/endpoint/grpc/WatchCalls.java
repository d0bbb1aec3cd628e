package dev.assize.server.endpoint.grpc;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecisionConfirmed;
import dev.assize.proto.v1.Detail;
import dev.assize.proto.v1.WatchDecisionRequest;
import dev.assize.proto.v1.WatchDecisionResponse;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.proto.v1.WatchPolicyResponse;
import dev.assize.server.access.Permission;
import dev.assize.server.authentication.Caller;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.DecisionService.RevisionWait;
import dev.assize.server.decision.PolicyRecords;
import dev.assize.server.decision.PolicyStates;
import dev.assize.server.decision.PolicyStates.State;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.endpoint.call.AnswersOnRecord;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Deadlines;
import dev.assize.server.endpoint.call.DecisionIds;
import dev.assize.server.endpoint.call.Elsewhere;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Serves what goes on: the answer to one question, and the states of a tenant's policy. */
final class WatchCalls {

    /** Types of subjects that a listener may ask to speak for. */
    static final int ACT_AS = 32;

    private final DecisionService decisions;
    private final PolicyStates states;
    private final PolicyRecords records;
    private final PolicyParts parts;
    private final Elsewhere elsewhere;
    private final Watches watches;
    private final Gate gate;
    private final DecisionIds ids;
    private final AnswersOnRecord onRecord;
    private final Replies replies;
    private final Ticker ticker;

    @Inject
    WatchCalls(
            DecisionService decisions,
            PolicyStates states,
            PolicyRecords records,
            PolicyParts parts,
            Elsewhere elsewhere,
            Watches watches,
            Gate gate,
            DecisionIds ids,
            AnswersOnRecord onRecord,
            Replies replies,
            Ticker ticker) {
        this.decisions = decisions;
        this.states = states;
        this.records = records;
        this.parts = parts;
        this.elsewhere = elsewhere;
        this.watches = watches;
        this.gate = gate;
        this.ids = ids;
        this.onRecord = onRecord;
        this.replies = replies;
        this.ticker = ticker;
    }

    void decision(WatchDecisionRequest request, StreamObserver<WatchDecisionResponse> observer, Checks checks) {
        started(observer, () -> {
            CheckRequest check = request.getCheck();
            TenantId tenant = gate.admit(check.getTenant());
            Fields.requireKnown("request", request);
            requirePresent(check);
            Checks.Asked asked = checks.read("check.", check, tenant, Environment.DEFAULT);
            stream(observer, new OneQuestion(asked.query(), asked.detail()), tenant);
        });
    }

    void policy(WatchPolicyRequest request, StreamObserver<WatchPolicyResponse> observer) {
        started(observer, () -> {
            TenantId tenant = gate.admit(request.getTenant());
            Fields.requireKnown("request", request);
            Revision known = revision("known_revision", request.getKnownRevision());
            Revision knownOfPlatform = revision("known_platform_revision", request.getKnownPlatformRevision());
            if (request.getDocuments()) {
                stream(observer, feed(request, tenant, known, knownOfPlatform), tenant);
                return;
            }
            requireNoDocuments(request);
            requireCommitted("known_platform_revision", PolicyScope.PLATFORM, knownOfPlatform);
            await(tenant, known);
            stream(observer, new OnePolicy(tenant, known, knownOfPlatform), tenant);
        });
    }

    /** What only means something with documents must not be overlooked without them. */
    private static void requireNoDocuments(WatchPolicyRequest request) {
        WatchPolicyRequest plain = WatchPolicyRequest.newBuilder()
                .setTenant(request.getTenant())
                .setKnownRevision(request.getKnownRevision())
                .setKnownPlatformRevision(request.getKnownPlatformRevision())
                .build();
        if (!request.equals(plain)) {
            throw RefusedException.invalid(
                    "documents", "false", "true, where `whole`, `act_as`, digests or incarnations are given");
        }
    }

    private PolicyFeed feed(WatchPolicyRequest request, TenantId tenant, Revision known, Revision knownOfPlatform) {
        if (elsewhere.isThere()) {
            throw RefusedException.of(
                    ErrorReason.NOT_AT_A_SIDECAR, "a sidecar hands on no documents: ask its centre", Map.of());
        }
        requireUnlimited(CallContext.current().caller());
        gate.require(tenant, Permission.READ_POLICY);
        if (request.getActAsCount() > ACT_AS) {
            throw RefusedException.invalid(
                    "act_as", request.getActAsCount() + " types", "at most " + ACT_AS + " types of subjects");
        }
        request.getActAsList().forEach(type -> {
            boolean _ = gate.mayActAs(tenant, type);
        });
        boolean isTenantOurs = isOfThisHistory(
                request, PolicyScope.of(tenant), known, request.getKnownPolicyDigest(), request.getKnownIncarnation());
        boolean isPlatformOurs = isOfThisHistory(
                request,
                PolicyScope.PLATFORM,
                knownOfPlatform,
                request.getKnownPlatformPolicyDigest(),
                request.getKnownPlatformIncarnation());
        boolean ours = isTenantOurs && isPlatformOurs;
        boolean hasDocuments = !request.getWhole() && !known.equals(Revision.NONE);
        return new PolicyFeed(
                tenant,
                request.getActAsList(),
                ours ? known : Revision.NONE,
                ours ? knownOfPlatform : Revision.NONE,
                hasDocuments,
                states,
                parts,
                gate,
                ticker);
    }

    /** Whoever decides by the documents for others is not told of these limits, and so could not hold them to them. */
    private static void requireUnlimited(Caller caller) {
        if (!caller.envs().isEmpty()) {
            throw RefusedException.of(
                    ErrorReason.ENVIRONMENT_NOT_ALLOWED,
                    "documents are not handed to a credential that is limited to environments: use one without limits",
                    Map.of());
        }
        if (!caller.rpcs().isEmpty() || caller.breakGlass()) {
            throw RefusedException.of(
                    ErrorReason.RPC_NOT_ALLOWED,
                    "documents are not handed to a credential that is limited to RPCs or for emergencies: use one"
                            + " without limits",
                    Map.of("rpc", CallContext.current().rpc()));
        }
    }

    /**
     * Whether a state that a listener knows was committed here; one that was not is another history's, which it may only
     * leave where the ledger says that it has lost its tail.
     */
    private boolean isOfThisHistory(
            WatchPolicyRequest request, PolicyScope scope, Revision known, ByteString digest, int incarnation) {
        if (known.equals(Revision.NONE)
                || parts.digest(scope, known).filter(digest::equals).isPresent()) {
            return true;
        }
        if (request.getWhole() && records.incarnation(scope) > incarnation) {
            return false;
        }
        throw RefusedException.precondition(
                ErrorReason.POLICY_STATE_UNKNOWN,
                scope.toString(),
                "revision " + known + " of " + scope + " with that digest is not in this history, which is at revision "
                        + records.present(scope) + ", incarnation " + records.incarnation(scope)
                        + ": the database here is older, or another");
    }

    private void started(StreamObserver<?> observer, Runnable start) {
        try {
            start.run();
        } catch (RuntimeException | Error failure) {
            replies.fail(observer, failure);
        }
    }

    private <R> void stream(StreamObserver<R> observer, WatchStream.Look<R> look, TenantId tenant) {
        new WatchStream<>(watches, replies, gate, (ServerCallStreamObserver<R>) observer, look).start(states, tenant);
    }

    private static void requirePresent(CheckRequest check) {
        if (check.getAtRevision() != 0 || check.hasAsOf()) {
            throw RefusedException.invalid("check", "a question about the past", "one about the present");
        }
        if (check.getExplain()) {
            throw RefusedException.invalid("check.explain", "true", "false: Check explains");
        }
    }

    private static Revision revision(String field, long revision) {
        if (revision < 0) {
            throw RefusedException.invalid(field, Long.toString(revision), "a revision, 0 or more");
        }
        return new Revision(revision);
    }

    private void await(TenantId tenant, Revision known) {
        if (known.equals(Revision.NONE)) {
            return;
        }
        RevisionWait end = decisions.awaitRevision(tenant, known, Deadlines.left(RevisionWaits.LONGEST_WAIT));
        switch (end) {
            case REACHED -> {}
            case NEVER_COMMITTED -> throw neverCommitted("known_revision", PolicyScope.of(tenant), known);
            case TIMED_OUT ->
                throw RefusedException.retry(
                        ErrorReason.REVISION_NOT_REACHED,
                        "this node has not seen revision " + known + " of tenant `" + tenant + "` yet",
                        Duration.ofSeconds(1));
        }
    }

    private void requireCommitted(String field, PolicyScope scope, Revision known) {
        if (known.compareTo(records.present(scope)) > 0) {
            throw neverCommitted(field, scope, known);
        }
    }

    private static RefusedException neverCommitted(String field, PolicyScope scope, Revision revision) {
        return RefusedException.violated(
                ErrorReason.REVISION_NEVER_COMMITTED,
                field,
                revision.toString(),
                "a revision that was committed in " + scope);
    }

    /** One question, for as long as somebody listens. */
    private final class OneQuestion implements WatchStream.Look<WatchDecisionResponse> {

        private final CheckQuery query;
        private final Detail detail;

        /** Without what changes though the answer does not. */
        private @Nullable CheckResponse last;

        OneQuestion(CheckQuery query, Detail detail) {
            this.query = query;
            this.detail = detail;
        }

        @Override
        public @Nullable WatchDecisionResponse next(boolean due) {
            gate.require(query.tenant(), Permission.CHECK);
            Answer answer = last == null ? decisions.evaluate(query) : decisions.evaluateOwn(query);
            String id = ids.next();
            CheckResponse response =
                    AnswerTranslator.response(answer, id, detail).build();
            CheckResponse essence = response.toBuilder()
                    .clearDecisionId()
                    .clearRevision()
                    .clearPlatformRevision()
                    .clearValidUntil()
                    .build();
            if (!essence.equals(last)) {
                onRecord.put(query.tenant(), List.of(onRecord.given(id, query, answer)));
                last = essence;
                return WatchDecisionResponse.newBuilder().setResponse(response).build();
            }
            return due ? confirmed(answer) : null;
        }

        private WatchDecisionResponse confirmed(Answer answer) {
            DecisionConfirmed.Builder confirmed = DecisionConfirmed.newBuilder()
                    .setRevision(answer.revision().value())
                    .setPlatformRevision(answer.platformRevision().value());
            if (answer.validUntil() != null) {
                confirmed.setValidUntil(Fields.timestamp(answer.validUntil()));
            }
            return WatchDecisionResponse.newBuilder().setConfirmed(confirmed).build();
        }
    }

    /** The states of one tenant, for as long as somebody listens. */
    private final class OnePolicy implements WatchStream.Look<WatchPolicyResponse> {

        private final TenantId tenant;
        private Revision known;
        private Revision knownOfPlatform;

        OnePolicy(TenantId tenant, Revision known, Revision knownOfPlatform) {
            this.tenant = tenant;
            this.known = known;
            this.knownOfPlatform = knownOfPlatform;
        }

        @Override
        public @Nullable WatchPolicyResponse next(boolean due) {
            gate.require(tenant, Permission.WATCH_POLICY);
            State state = states.state(tenant);
            if (state == null) {
                throw RefusedException.notFound(ErrorReason.TENANT_NOT_FOUND, "tenant", tenant.value());
            }
            if (state.revision().compareTo(known) < 0
                    || state.platformRevision().compareTo(knownOfPlatform) < 0) {
                // Behind what the listener knows: it hears nothing until that has been seen here, too.
                return null;
            }
            if (state.revision().equals(known) && state.platformRevision().equals(knownOfPlatform)) {
                return due
                        ? WatchPolicyResponse.newBuilder()
                                .setConfirmedAt(Fields.timestamp(state.confirmedAt()))
                                .build()
                        : null;
            }
            known = state.revision();
            knownOfPlatform = state.platformRevision();
            return WatchPolicyResponse.newBuilder()
                    .setState(
                            parts.name(tenant, state).toBuilder().setConfirmedAt(Fields.timestamp(state.confirmedAt())))
                    .build();
        }
    }
}
