package dev.assize.server.endpoint.grpc;

import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyRequest;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.PolicySource;
import dev.assize.proto.v1.RevisionPrecondition;
import dev.assize.server.access.Permission;
import dev.assize.server.administration.ChangeOrigin;
import dev.assize.server.administration.ChangeResult;
import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.ChangeResult.Invalid;
import dev.assize.server.administration.ChangeResult.RevisionMoved;
import dev.assize.server.administration.ChangeResult.SelfEscalation;
import dev.assize.server.administration.ChangeResult.TenantCreationRefused;
import dev.assize.server.administration.ChangeSet;
import dev.assize.server.administration.ChangeSet.Precondition;
import dev.assize.server.administration.PolicyAdministration;
import dev.assize.server.authentication.Caller;
import dev.assize.server.decision.impact.Gains.Gain;
import dev.assize.server.endpoint.grpc.RefusedException.Violation;
import dev.assize.server.model.Names;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.FieldPlaces;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.Problem;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One ApplyPolicy: takes the parts of a change set as they come in, admits the caller to each scope the moment it is
 * named, and applies the whole at the end. Problems are told only to a caller that may apply policy.
 */
final class ApplyPolicyCall implements StreamObserver<ApplyPolicyRequest> {

    /** Documents and deletions of one change set. */
    static final int PARTS = 100_000;

    /** Bytes of YAML of one change set. */
    static final long SOURCE_BYTES = 32L * 1_024 * 1_024;

    static final int REASON_BYTES = 1_024;
    static final int FILE_BYTES = 1_024;
    static final int NAME_BYTES = 256;
    static final int MANAGER_BYTES = 128;

    private final PolicyAdministration administration;
    private final Gate gate;
    private final Replies replies;
    private final StreamObserver<ApplyPolicyResponse> observer;

    private final Set<PolicyScope> admitted = new HashSet<>();
    private final Set<TenantId> creatable = new HashSet<>();
    private final List<Document> puts = new ArrayList<>();
    private final List<dev.assize.server.policy.DocumentKey> deletes = new ArrayList<>();
    private final List<Precondition> preconditions = new ArrayList<>();
    private final List<Problem> problems = new ArrayList<>();
    private final FieldPlaces places = new FieldPlaces();
    private @Nullable ApplyPolicyHeader header;
    private int parts;
    private long sourceBytes;

    /** Once refused, what still comes in is not looked at. */
    private boolean ended;

    ApplyPolicyCall(
            PolicyAdministration administration,
            Gate gate,
            Replies replies,
            StreamObserver<ApplyPolicyResponse> observer) {
        this.administration = administration;
        this.gate = gate;
        this.replies = replies;
        this.observer = observer;
    }

    @Override
    public void onNext(ApplyPolicyRequest request) {
        if (ended) {
            return;
        }
        try {
            take(request);
        } catch (RuntimeException | Error failure) {
            ended = true;
            replies.fail(observer, failure);
        }
    }

    @Override
    public void onError(Throwable cancelled) {
        ended = true;
    }

    @Override
    public void onCompleted() {
        if (!ended) {
            ended = true;
            replies.reply(observer, this::apply);
        }
    }

    private void take(ApplyPolicyRequest request) {
        if ((header == null) != request.hasHeader()) {
            throw RefusedException.invalid(
                    "header", request.getPartCase().name(), "the header as the first message, and only there");
        }
        switch (request.getPartCase()) {
            case HEADER -> begin(request.getHeader());
            case PUT -> put(request.getPut());
            case DELETE -> delete(request.getDelete());
            case PART_NOT_SET -> throw RefusedException.invalid("part", "", "`put` or `delete`");
        }
    }

    private void count(int more) {
        parts += more;
        if (parts > PARTS) {
            throw RefusedException.invalid(
                    "part", parts + " documents and deletions", "at most " + PARTS + " in a change");
        }
    }

    private void begin(ApplyPolicyHeader newHeader) {
        header = newHeader;
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

    private void put(PolicySource source) {
        sourceBytes += source.getYaml().size();
        if (sourceBytes > SOURCE_BYTES) {
            throw RefusedException.invalid(
                    "put.yaml", sourceBytes + " bytes in all", "at most " + SOURCE_BYTES + " bytes in a change");
        }
        String file = source.getFile();
        if (Names.utf8Length(file) > FILE_BYTES || !Names.isClean(file)) {
            throw RefusedException.invalid(
                    "put.file", file, "at most " + FILE_BYTES + " bytes without control characters");
        }
        int line = Math.max(1, source.getLine());
        byte[] yaml = source.getYaml().toByteArray();
        ReadResult read = DocumentReader.read(file, line, yaml);
        places.add(file, line, yaml);
        count(Math.max(1, read.documents().size()));
        read.documents().forEach(document -> {
            admit(document.scope());
            puts.add(document);
        });
        problems.addAll(read.problems());
    }

    private void delete(DocumentKey key) {
        count(1);
        PolicyScope scope = Fields.scope("delete.tenant", key.getTenant());
        admit(scope);
        Kind kind = Kind.ofText(key.getKind())
                .orElseThrow(() -> RefusedException.invalid("delete.kind", key.getKind(), "a kind such as `Role`"));
        if (key.getName().isEmpty() || Names.utf8Length(key.getName()) > NAME_BYTES || !Names.isClean(key.getName())) {
            throw RefusedException.invalid("delete.name", key.getName(), "the name of a document");
        }
        deletes.add(new dev.assize.server.policy.DocumentKey(scope, kind, key.getName()));
    }

    private void admit(PolicyScope scope) {
        if (admitted.add(scope)) {
            gate.admit(scope);
        }
    }

    private ApplyPolicyResponse apply() {
        if (admitted.isEmpty()) {
            requireAnywhere();
        }
        ApplyPolicyHeader given = header;
        if (given == null) {
            throw RefusedException.invalid("header", "", "the header as the first message");
        }
        String reason = Fields.text("header.reason", given.getReason(), REASON_BYTES);
        if (!problems.isEmpty()) {
            return given.getDryRun()
                    ? ChangeTranslator.response(
                            new Compared(List.of(), List.of(), List.of(), List.of(), List.of(), 0), problems)
                    : refuse(problems);
        }
        if (admitted.isEmpty()) {
            throw RefusedException.invalid("part", "nothing", "at least one document or deletion");
        }
        String manager = Fields.text("header.prune_manager", given.getPruneManager(), MANAGER_BYTES);
        ChangeSet change = new ChangeSet(
                puts, deletes, preconditions, given.getDryRun(), given.getForce(), reason, ChangeOrigin.APPLY, manager);
        admitCreations();
        return response(administration.apply(change, CallContext.current().recorder(), creatable::contains));
    }

    /** Where no document could be read nobody knows which tenant was meant; but strangers are told nothing. */
    private void requireAnywhere() {
        Caller caller = CallContext.current().caller();
        boolean permitted = caller.tenants().stream().anyMatch(tenant -> gate.permits(tenant, Permission.APPLY_POLICY));
        if (!permitted) {
            gate.require(caller.home(), Permission.APPLY_POLICY);
        }
    }

    /** Asked before the transaction, so that nothing waits for the engine under lock. */
    private void admitCreations() {
        puts.stream()
                .filter(TenantDocument.class::isInstance)
                .flatMap(document -> document.scope().tenant().stream())
                .filter(tenant -> gate.permits(tenant, Permission.CREATE_TENANT))
                .forEach(creatable::add);
    }

    private ApplyPolicyResponse response(ChangeResult result) {
        return switch (result) {
            case Accepted accepted -> ChangeTranslator.response(accepted.changes(), accepted.violations());
            case Compared compared -> ChangeTranslator.response(compared, places.refine(compared.problems()));
            case Invalid invalid -> refuse(places.refine(invalid.problems()));
            case RevisionMoved moved ->
                throw RefusedException.precondition(
                        ErrorReason.REVISION_MOVED,
                        moved.scope().key(),
                        moved.scope() + " is at revision " + moved.actual() + ": the change was made for "
                                + moved.expected());
            case SelfEscalation escalation -> throw refusal(escalation.gain());
            case TenantCreationRefused refused -> {
                gate.require(refused.tenant(), Permission.CREATE_TENANT);
                // Granted in the meantime.
                throw RefusedException.retry(
                        ErrorReason.REVISION_NOT_REACHED,
                        "permissions changed while the change was judged; apply it again",
                        Duration.ZERO);
            }
        };
    }

    private static ApplyPolicyResponse refuse(List<Problem> problems) {
        throw refusal(problems);
    }

    /** Of what its author would be given by a change. */
    static RefusedException refusal(Gain gain) {
        return RefusedException.of(
                ErrorReason.SELF_ESCALATION,
                ImpactTranslator.message(gain)
                        + "; nobody gives themselves anything: let somebody else make this change",
                Map.of("tenant", gain.tenant().value()));
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
