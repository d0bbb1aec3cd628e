package dev.assize.server.endpoint.grpc;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.RevisionPrecondition;
import dev.assize.server.access.Permission;
import dev.assize.server.administration.ChangeOrigin;
import dev.assize.server.administration.ChangeOrigin.Once;
import dev.assize.server.administration.ChangeResult;
import dev.assize.server.administration.ChangeResult.AcceptanceNeeded;
import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.BeyondEnvironments;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.ChangeResult.Invalid;
import dev.assize.server.administration.ChangeResult.KeyReused;
import dev.assize.server.administration.ChangeResult.LiftRefused;
import dev.assize.server.administration.ChangeResult.Replayed;
import dev.assize.server.administration.ChangeResult.RevisionMoved;
import dev.assize.server.administration.ChangeResult.SelfEscalation;
import dev.assize.server.administration.ChangeResult.TenantCreationRefused;
import dev.assize.server.administration.ChangeResult.TermsRefused;
import dev.assize.server.administration.ChangeSet;
import dev.assize.server.administration.ChangeSet.Precondition;
import dev.assize.server.administration.PolicyAdministration;
import dev.assize.server.authentication.Caller;
import dev.assize.server.decision.impact.Gains.Gain;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.call.RefusedException.Violation;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicyDigest;
import dev.assize.server.policy.Problem;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One ApplyPolicy: takes the parts of a change set as they come in, admits the caller to each scope the moment it is
 * named, and applies the whole at the end. Problems are told only to a caller that may apply policy.
 */
final class ApplyPolicyCall extends ChangeCall<ApplyPolicyRequest, ApplyPolicyResponse> {

    static final int REASON_BYTES = 1_024;
    static final int MANAGER_BYTES = 128;
    static final int KEY_BYTES = 128;

    private final PolicyAdministration administration;
    private final LedgerComparisons ledger;
    private final Gate gate;

    private final Set<PolicyScope> admitted = new HashSet<>();
    private final Set<TenantId> creatable = new HashSet<>();
    private final Set<TenantId> liftable = new HashSet<>();
    private final ChangeParts parts = new ChangeParts(this::admit);
    private final List<Precondition> preconditions = new ArrayList<>();
    private @Nullable ApplyPolicyHeader header;

    /** The decisions on record that a dry run is put to; null for none. */
    private @Nullable Duration period;

    private boolean admittedSomewhere;

    ApplyPolicyCall(
            PolicyAdministration administration,
            LedgerComparisons ledger,
            Gate gate,
            Replies replies,
            StreamObserver<ApplyPolicyResponse> observer) {
        super(replies, observer);
        this.administration = administration;
        this.ledger = ledger;
        this.gate = gate;
    }

    @Override
    void take(ApplyPolicyRequest request) {
        if ((header == null) != request.hasHeader()) {
            throw RefusedException.invalid(
                    "header", request.getPartCase().name(), "the header as the first message, and only there");
        }
        switch (request.getPartCase()) {
            case HEADER -> begin(request.getHeader());
            case PUT -> {
                parts.put(request.getPut());
                // Whoever reaches every tenant may mean any of them: that shows with the first document.
                if (!CallContext.current().caller().allTenants()) {
                    requireSomewhere();
                }
            }
            case DELETE -> parts.delete(request.getDelete());
            case PART_NOT_SET -> throw RefusedException.invalid("part", "", "`put` or `delete`");
        }
    }

    private void begin(ApplyPolicyHeader newHeader) {
        header = newHeader;
        period = ledger.period(newHeader);
        for (int i = 0; i < newHeader.getPreconditionsCount(); i++) {
            RevisionPrecondition precondition = newHeader.getPreconditions(i);
            String field = "header.preconditions[" + i + "].";
            PolicyScope scope = Fields.scope(field + "tenant", precondition.getTenant());
            admit(scope);
            if (precondition.getRevision() < 0) {
                throw RefusedException.invalid(
                        field + "revision", Long.toString(precondition.getRevision()), "a revision, 0 or more");
            }
            preconditions.add(new Precondition(scope, new Revision(precondition.getRevision())));
        }
    }

    private void admit(PolicyScope scope) {
        if (admitted.add(scope)) {
            gate.admit(scope);
        }
    }

    @Override
    ApplyPolicyResponse answer() {
        requireSomewhere();
        ApplyPolicyHeader given = header;
        if (given == null) {
            throw RefusedException.invalid("header", "", "the header as the first message");
        }
        String reason = Fields.text("header.reason", given.getReason(), REASON_BYTES);
        if (!parts.problems().isEmpty()) {
            return given.getDryRun()
                    ? ChangeTranslator.response(Compared.NOTHING, parts.problems())
                    : refuse(parts.problems());
        }
        if (admitted.isEmpty()) {
            throw RefusedException.invalid("part", "nothing", "at least one document or deletion");
        }
        String manager = Fields.text("header.prune_manager", given.getPruneManager(), MANAGER_BYTES);
        ChangeSet change = new ChangeSet(
                parts.puts(),
                parts.deletes(),
                preconditions,
                given.getDryRun(),
                given.getForce(),
                reason,
                new ChangeOrigin(
                        CallContext.current().caller().breakGlass()
                                ? ChangeOrigin.BREAK_GLASS
                                : ChangeOrigin.APPLY.text(),
                        once(given),
                        actor(given),
                        null,
                        CallContext.current().caller().envs()),
                manager);
        admitCreations();
        admitDeletions();
        admitLiftings();
        return response(administration.apply(
                change, CallContext.current().recorder(), creatable::contains, liftable::contains));
    }

    /** On whose behalf, which the caller must be permitted to say in every tenant named; null for its own. */
    private @Nullable Recorder actor(ApplyPolicyHeader given) {
        if (given.getActor().isEmpty()) {
            return null;
        }
        Subject actor = Fields.read("header.actor", given.getActor(), Subject::parseOfActor);
        admitted.forEach(scope -> gate.requireActAs(scope.ledgerTenant(), actor));
        Recorder recorder = CallContext.current().recorder();
        return actor.equals(recorder.caller()) ? null : new Recorder(actor, recorder.home());
    }

    /** The change as it is meant, whatever the layout of its texts and the order of its parts. */
    private @Nullable Once once(ApplyPolicyHeader given) {
        String key = Fields.text("header.idempotency_key", given.getIdempotencyKey(), KEY_BYTES);
        if (key == null) {
            return null;
        }
        List<byte[]> content = new ArrayList<>();
        content.add("ApplyPolicy\n".getBytes(UTF_8));
        content.add(
                Digest.sha256(given.toBuilder().clearIdempotencyKey().build().toByteArray())
                        .bytes());
        new TreeSet<>(admitted)
                .forEach(scope -> content.add(PolicyDigest.ofChange(
                                scope,
                                parts.puts().stream()
                                        .filter(put -> put.scope().equals(scope))
                                        .toList(),
                                parts.deletes().stream()
                                        .filter(delete -> delete.scope().equals(scope))
                                        .toList())
                        .bytes()));
        return new Once(key, Digest.sha256(content.toArray(byte[][]::new)), "");
    }

    /**
     * Until a document could be read nobody knows which tenant is meant; but of strangers no more than one message is read,
     * and they are told nothing.
     */
    private void requireSomewhere() {
        if (!admitted.isEmpty() || admittedSomewhere) {
            return;
        }
        admittedSomewhere = true;
        Caller caller = CallContext.current().caller();
        boolean permitted = caller.tenants().stream().anyMatch(tenant -> gate.permits(tenant, Permission.APPLY_POLICY));
        if (!permitted) {
            gate.require(caller.home(), Permission.APPLY_POLICY);
        }
    }

    /** Asked before the transaction, so that nothing waits for the engine under lock. */
    private void admitCreations() {
        parts.puts().stream()
                .filter(TenantDocument.class::isInstance)
                .flatMap(document -> document.scope().tenant().stream())
                .filter(tenant -> gate.permits(tenant, Permission.CREATE_TENANT))
                .forEach(creatable::add);
    }

    /** A tenant that is deleted takes its policy with it, so this takes as much as deleting it as such. */
    private void admitDeletions() {
        parts.deletes().stream()
                .filter(key -> key.kind() == Kind.TENANT)
                .forEach(key -> gate.require(key.scope().ledgerTenant(), Permission.DELETE_TENANT));
    }

    /** What freezes are named may be lifted; whether it is shows under lock. */
    private void admitLiftings() {
        Stream.concat(parts.puts().stream().map(Document::key), parts.deletes().stream())
                .filter(key -> key.kind() == Kind.FREEZE)
                .map(key -> key.scope().ledgerTenant())
                .distinct()
                .filter(tenant -> gate.permits(tenant, Permission.LIFT_FREEZE))
                .forEach(liftable::add);
    }

    private ApplyPolicyResponse response(ChangeResult result) {
        return switch (result) {
            case Accepted accepted -> ChangeTranslator.response(accepted.changes(), accepted.violations());
            case Replayed replayed -> ChangeTranslator.replayed(replayed.changes());
            case KeyReused reused -> throw LedgerEndpoint.keyReused(reused.key());
            case Compared compared -> {
                ApplyPolicyResponse answer =
                        ChangeTranslator.response(compared, parts.places().refine(compared.problems()));
                yield period == null ? answer : ledger.addTo(answer, compared, period);
            }
            case Invalid invalid -> refuse(parts.places().refine(invalid.problems()));
            case RevisionMoved moved ->
                throw RefusedException.precondition(
                        ErrorReason.REVISION_MOVED,
                        moved.scope().key(),
                        moved.scope() + " is at revision " + moved.actual() + ": the change was made for "
                                + moved.expected());
            case SelfEscalation escalation -> throw refusal(escalation.gain());
            case AcceptanceNeeded needed -> throw refusal(needed);
            case TenantCreationRefused refused -> throw missing(refused.tenant(), Permission.CREATE_TENANT);
            case LiftRefused refused -> throw missing(refused.tenant(), Permission.LIFT_FREEZE);
            case BeyondEnvironments(DocumentKey document) -> throw beyond(document);
            case TermsRefused refused -> throw missing(refused.tenant(), Permission.CREATE_TENANT);
        };
    }

    private RefusedException missing(TenantId tenant, Permission permission) {
        gate.require(tenant, permission);
        // Granted in the meantime.
        return RefusedException.retry(
                ErrorReason.REVISION_NOT_REACHED,
                "permissions changed while the change was judged; apply it again",
                Duration.ZERO);
    }

    private static ApplyPolicyResponse refuse(List<Problem> problems) {
        throw refusal(problems);
    }

    /** Of what its author would be given by a change. */
    static RefusedException refusal(Gain gain) {
        return RefusedException.of(
                ErrorReason.SELF_ESCALATION,
                ImpactTranslator.message(gain)
                        + "; nobody gives themselves anything: let somebody else make this change, or propose it",
                Map.of("tenant", gain.tenant().value()));
    }

    /** Of a document that concerns more than the credential is for. */
    static RefusedException beyond(DocumentKey document) {
        return RefusedException.of(
                ErrorReason.ENVIRONMENT_NOT_ALLOWED,
                "the credential is for some environments, and " + document
                        + " concerns others, too: it changes bindings,"
                        + " freezes, approval rules and separations of duty that name none but its own, and none of"
                        + " tenant `assize`",
                Map.of("kind", document.kind().text(), "name", document.name()));
    }

    /** Of what others must accept. */
    static RefusedException refusal(AcceptanceNeeded needed) {
        String others = needed.acceptances() == 1 ? "1 other accepts" : needed.acceptances() + " others accept";
        return RefusedException.precondition(
                ErrorReason.ACCEPTANCE_NEEDED,
                needed.scope().key(),
                needed.scope() + " is changed only as " + others
                        + ": propose this change instead (PolicyService/ProposeChange, `assize policy propose`)");
    }

    /** What a caller is told whose change is not valid. */
    static RefusedException refusal(List<Problem> problems) {
        List<Violation> violations = problems.stream()
                .map(problem -> new Violation(problem.field(), problem.message()))
                .toList();
        String first = problems.getFirst().message();
        return RefusedException.violated(
                ErrorReason.POLICY_INVALID,
                problems.size() == 1 ? first : problems.size() + " problems, the first: " + first,
                violations);
    }
}
