package dev.assize.server.endpoint.grpc;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.inject.Inject;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.FreezeEntry;
import dev.assize.proto.v1.FreezeReach;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.FreezeResponse;
import dev.assize.proto.v1.FrozenBinding;
import dev.assize.proto.v1.GrantRequest;
import dev.assize.proto.v1.GrantResponse;
import dev.assize.proto.v1.ListFreezesRequest;
import dev.assize.proto.v1.ListFreezesResponse;
import dev.assize.proto.v1.NodeConfirmations;
import dev.assize.proto.v1.PolicyCommit;
import dev.assize.proto.v1.RevokeRequest;
import dev.assize.proto.v1.RevokeResponse;
import dev.assize.proto.v1.UnconfirmedNode;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.proto.v1.UnfreezeResponse;
import dev.assize.server.administration.ChangeResult;
import dev.assize.server.administration.PolicyAdministration;
import dev.assize.server.administration.ShorthandResult;
import dev.assize.server.administration.ShorthandResult.Done;
import dev.assize.server.administration.Shorthands;
import dev.assize.server.administration.Shorthands.Order;
import dev.assize.server.decision.NodeConfirmations.Confirmations;
import dev.assize.server.decision.node.Node;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Deadlines;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Limits;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Forms;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Serves what is short in `PolicyService`: a grant, a revocation, a freeze and its lifting. */
final class ShorthandCalls {

    static final int REASON_BYTES = 1_024;
    static final int KEY_BYTES = 128;
    static final Duration DEFAULT_WAIT = Duration.ofSeconds(1);
    static final Duration LONGEST_WAIT = Duration.ofSeconds(10);
    static final int REACHED_BINDINGS = 100;
    static final int REACHED_SUBJECTS = 10;

    private final Shorthands shorthands;
    private final PolicyAdministration administration;
    private final Gate gate;
    private final PageTokens tokens;
    private final InstantSource clock;

    @Inject
    ShorthandCalls(
            Shorthands shorthands,
            PolicyAdministration administration,
            Gate gate,
            PageTokens tokens,
            InstantSource clock) {
        this.shorthands = shorthands;
        this.administration = administration;
        this.gate = gate;
        this.tokens = tokens;
        this.clock = clock;
    }

    GrantResponse grant(GrantRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        if (request.getSubjectsCount() == 0 || request.getSubjectsCount() > Limits.BATCH_ITEMS) {
            throw RefusedException.invalid(
                    "subjects", request.getSubjectsCount() + " subjects", "1 to " + Limits.BATCH_ITEMS);
        }
        String reason = Fields.text("reason", request.getReason(), REASON_BYTES);
        DocumentDraft draft = new DocumentDraft("RoleBinding", tenant, name(request.getName(), "grant-"))
                .list("subjects", request.getSubjectsList())
                .text("role", request.getRole())
                .inner(
                        "scope",
                        scope -> scope.list("environments", request.getEnvironmentsList())
                                .list("resourceTypes", request.getResourceTypesList())
                                .list("resources", request.getResourcesList()))
                .text("fromTenant", request.getFromTenant())
                .text("when", request.getWhen())
                .text("reason", request.getReason());
        if (request.hasNotBefore()) {
            draft.time("notBefore", Fields.instant("not_before", request.getNotBefore()));
        }
        if (request.hasNotAfter()) {
            draft.time("notAfter", Fields.instant("not_after", request.getNotAfter()));
        }
        Order order = order(
                "Grant",
                reason,
                request.getIdempotencyKey(),
                request.toBuilder().clearIdempotencyKey().build());
        Done done = done(shorthands.grant(tenant, (RoleBindingDocument) draft.read(), order));
        return GrantResponse.newBuilder()
                .setName(done.name())
                .setCommit(commit(done))
                .build();
    }

    RevokeResponse revoke(RevokeRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        String binding = Fields.read("binding", request.getBinding(), Forms::name);
        String subject = request.getSubject().isEmpty() ? null : request.getSubject();
        Order order = order(
                "Revoke",
                Fields.text("reason", request.getReason(), REASON_BYTES),
                request.getIdempotencyKey(),
                request.toBuilder().clearIdempotencyKey().build());
        return RevokeResponse.newBuilder()
                .setCommit(commit(done(shorthands.revoke(tenant, binding, subject, order))))
                .build();
    }

    FreezeResponse freeze(FreezeRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        requireTarget(request, tenant);
        Duration wait = wait(request.hasWait(), request.getWait());
        String reason = Fields.text("reason", request.getReason(), REASON_BYTES);
        DocumentDraft draft = new DocumentDraft("Freeze", tenant, name(request.getName(), "freeze-"))
                .text("subject", request.getSubject())
                .text("role", request.getRole())
                .text("action", request.getAction())
                .text("resource", request.getResource())
                .text("resourceType", request.getResourceType())
                .text("environment", request.getEnvironment())
                .text("run", request.getRun())
                .truth("tenant", request.getAll())
                .text("reason", request.getReason());
        if (request.hasFrom()) {
            draft.time("from", Fields.instant("from", request.getFrom()));
        }
        if (request.hasUntil()) {
            draft.time("until", Fields.instant("until", request.getUntil()));
        }
        FreezeDocument freeze = (FreezeDocument) draft.read();
        Order order = order(
                "Freeze",
                reason,
                request.getIdempotencyKey(),
                request.toBuilder().clearIdempotencyKey().clearWait().build());
        Done done = done(shorthands.freeze(tenant, freeze, order));
        return FreezeResponse.newBuilder()
                .setName(done.name())
                .setCommit(commit(done))
                .setNodes(confirmations(tenant, done.revision(), wait))
                .setReach(reach(shorthands.reach(tenant, freeze)))
                .build();
    }

    UnfreezeResponse unfreeze(UnfreezeRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        Duration wait = wait(request.hasWait(), request.getWait());
        String name = Fields.read("name", request.getName(), Forms::name);
        Order order = order(
                "Unfreeze",
                Fields.text("reason", request.getReason(), REASON_BYTES),
                request.getIdempotencyKey(),
                request.toBuilder().clearIdempotencyKey().clearWait().build());
        Done done = done(shorthands.unfreeze(tenant, name, order));
        return UnfreezeResponse.newBuilder()
                .setCommit(commit(done))
                .setNodes(confirmations(tenant, done.revision(), wait))
                .build();
    }

    ListFreezesResponse list(ListFreezesRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        int size = Fields.pageSize(request.getPageSize());
        byte[] conditions = ("ListFreezes/" + tenant).getBytes(UTF_8);
        String after = tokens.position(request.getPageToken(), conditions);
        PolicySet policy = administration.export(PolicyScope.of(tenant));
        if (policy.ofKind(TenantDocument.class).isEmpty()) {
            throw RefusedException.notFound(ErrorReason.TENANT_NOT_FOUND, "tenant", tenant.value());
        }
        List<FreezeDocument> freezes = policy.ofKind(FreezeDocument.class).stream()
                .sorted(Comparator.comparing(FreezeDocument::key))
                .filter(freeze -> after == null || freeze.name().compareTo(after) > 0)
                .limit(size + 1L)
                .toList();
        Instant now = clock.instant();
        ListFreezesResponse.Builder response =
                ListFreezesResponse.newBuilder().setRevision(policy.revision().value());
        freezes.stream().limit(size).forEach(freeze -> response.addFreezes(entry(freeze, now)));
        if (freezes.size() > size) {
            response.setNextPageToken(tokens.of(freezes.get(size - 1).name(), conditions));
        }
        return response.build();
    }

    /** Names that are given are read with the document. */
    private String name(String given, String prefix) {
        return given.isEmpty() ? shorthands.nextName(prefix) : given;
    }

    private static void requireTarget(FreezeRequest request, TenantId tenant) {
        List<String> named = new ArrayList<>();
        Map.of(
                        "subject", request.getSubject(),
                        "role", request.getRole(),
                        "action", request.getAction(),
                        "resource", request.getResource(),
                        "resource_type", request.getResourceType(),
                        "environment", request.getEnvironment(),
                        "run", request.getRun())
                .forEach((field, value) -> {
                    if (!value.isEmpty()) {
                        named.add(field);
                    }
                });
        if (!request.getAll() && named.isEmpty()) {
            throw RefusedException.invalid(
                    "subject",
                    "",
                    "what to stop: at least one of subject, role, action, resource, resource_type, environment, run, or"
                            + " all");
        }
        if (request.getAll() && !named.isEmpty()) {
            named.sort(Comparator.naturalOrder());
            throw RefusedException.invalid("all", "true", "false beside " + String.join(", ", named));
        }
        if (request.getAll() && tenant.equals(TenantId.ASSIZE)) {
            throw RefusedException.invalid(
                    "all", "true", "false in tenant `assize`: it would stop everybody who could lift it");
        }
    }

    static Duration wait(boolean given, com.google.protobuf.Duration wait) {
        if (!given) {
            return Deadlines.left(DEFAULT_WAIT);
        }
        Duration asked = Duration.ofSeconds(wait.getSeconds(), wait.getNanos());
        if (asked.isNegative() || asked.compareTo(LONGEST_WAIT) > 0) {
            throw RefusedException.invalid("wait", asked.toString(), "0 to " + LONGEST_WAIT.toSeconds() + " s");
        }
        return Deadlines.left(asked);
    }

    static Order order(String rpc, @Nullable String reason, String key, Message content) {
        return new Order(
                CallContext.current().recorder(),
                reason,
                Fields.text("idempotency_key", key, KEY_BYTES),
                Digest.sha256((rpc + "\n").getBytes(UTF_8), content.toByteArray()),
                CallContext.current().caller().breakGlass(),
                CallContext.current().caller().envs());
    }

    static Done done(ShorthandResult result) {
        return switch (result) {
            case Done done -> done;
            case ShorthandResult.NotThere(DocumentKey key) ->
                throw RefusedException.notFound(
                        key.kind() == Kind.TENANT ? ErrorReason.TENANT_NOT_FOUND : ErrorReason.DOCUMENT_NOT_FOUND,
                        key.kind().text(),
                        key.name());
            case ShorthandResult.SubjectNotThere(DocumentKey binding, String subject) ->
                throw RefusedException.notFound(
                        ErrorReason.DOCUMENT_NOT_FOUND, "subject in RoleBinding " + binding.name(), subject);
            case ShorthandResult.AlreadyThere(DocumentKey key) ->
                throw RefusedException.of(
                        ErrorReason.DOCUMENT_EXISTS,
                        "there is a " + key.kind().text() + " `" + key.name() + "` already",
                        Map.of("kind", key.kind().text(), "name", key.name()));
            case ShorthandResult.NotSuspended(TenantId tenant) ->
                throw RefusedException.precondition(
                        ErrorReason.TENANT_NOT_SUSPENDED,
                        tenant.value(),
                        "tenant `" + tenant + "` is not suspended: expected one that was stopped before it is deleted"
                                + " (AccessService/SuspendTenant, `assize tenant suspend`)");
            case ShorthandResult.KeyReused(String key) -> throw LedgerEndpoint.keyReused(key);
            case ShorthandResult.Refused(ChangeResult refused) -> throw refused(refused);
        };
    }

    static RefusedException refused(ChangeResult result) {
        return switch (result) {
            case ChangeResult.Invalid invalid -> ApplyPolicyCall.refusal(invalid.problems());
            case ChangeResult.AcceptanceNeeded needed -> ApplyPolicyCall.refusal(needed);
            case ChangeResult.BeyondEnvironments(DocumentKey document) -> throw ApplyPolicyCall.beyond(document);
            case ChangeResult.SelfEscalation escalation -> ApplyPolicyCall.refusal(escalation.gain());
            case ChangeResult.Accepted _,
                    ChangeResult.Compared _,
                    ChangeResult.Replayed _,
                    ChangeResult.KeyReused _,
                    ChangeResult.RevisionMoved _,
                    ChangeResult.LiftRefused _,
                    ChangeResult.TermsRefused _,
                    ChangeResult.TenantCreationRefused _ ->
                throw new IllegalStateException("Neither a precondition nor a tenant was asked for: " + result);
        };
    }

    static PolicyCommit commit(Done done) {
        return PolicyCommit.newBuilder()
                .setRevision(done.revision().value())
                .setSeq(done.seq())
                .setCommittedAt(Fields.timestamp(done.committedAt()))
                .setReplayed(done.replayed())
                .build();
    }

    NodeConfirmations confirmations(TenantId tenant, Revision revision, Duration wait) {
        Confirmations found = shorthands.confirmations(tenant, revision, wait);
        NodeConfirmations.Builder nodes = NodeConfirmations.newBuilder()
                .setConfirmed(found.confirmed().size())
                .setUnknown(!found.complete());
        found.unconfirmed().forEach(node -> nodes.addUnconfirmed(unconfirmed(node)));
        return nodes.build();
    }

    private static UnconfirmedNode unconfirmed(Node node) {
        return UnconfirmedNode.newBuilder()
                .setName(node.identity().name())
                .setInstanceId(node.identity().instanceId())
                .setLastSeenAt(Fields.timestamp(node.lastSeenAt()))
                .setCutOff(node.isCutOff())
                .setFreshnessBound(com.google.protobuf.Duration.newBuilder()
                        .setSeconds(node.identity().freshnessBound().toSeconds())
                        .setNanos(node.identity().freshnessBound().toNanosPart()))
                .build();
    }

    private static FreezeReach reach(dev.assize.server.policy.FreezeReach found) {
        FreezeReach.Builder reach =
                FreezeReach.newBuilder().setCount(found.bindings().size());
        found.bindings().stream()
                .limit(REACHED_BINDINGS)
                .forEach(binding -> reach.addBindings(FrozenBinding.newBuilder()
                        .setBinding(binding.name())
                        .setRole(binding.role())
                        .addAllSubjects(binding.subjects().stream()
                                .limit(REACHED_SUBJECTS)
                                .map(Object::toString)
                                .toList())));
        return reach.build();
    }

    private static FreezeEntry entry(FreezeDocument freeze, Instant now) {
        FreezeTarget target = freeze.target();
        FreezeEntry.Builder entry = FreezeEntry.newBuilder()
                .setName(freeze.name())
                .setSubject(text(target.subject()))
                .setRole(text(target.role()))
                .setAction(text(target.action()))
                .setResource(text(target.resource()))
                .setResourceType(text(target.resourceType()))
                .setEnvironment(text(target.environment()))
                .setRun(text(target.run()))
                .setAll(target.wholeTenant())
                .setReason(freeze.reason())
                .setActive((freeze.from() == null || !now.isBefore(freeze.from()))
                        && (freeze.until() == null || now.isBefore(freeze.until())));
        set(freeze.from(), entry::setFrom);
        set(freeze.until(), entry::setUntil);
        return entry.build();
    }

    private static String text(@Nullable Object value) {
        return value == null ? "" : value.toString();
    }

    private static void set(@Nullable Instant moment, Function<Timestamp, ?> setter) {
        if (moment != null) {
            var _ = setter.apply(Fields.timestamp(moment));
        }
    }
}
