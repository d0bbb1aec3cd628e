package dev.assize.server.endpoint.grpc;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.inject.Inject;
import dev.assize.proto.v1.DeleteTenantRequest;
import dev.assize.proto.v1.DeleteTenantResponse;
import dev.assize.proto.v1.ListTenantsRequest;
import dev.assize.proto.v1.ListTenantsResponse;
import dev.assize.proto.v1.ResumeTenantRequest;
import dev.assize.proto.v1.ResumeTenantResponse;
import dev.assize.proto.v1.SuspendTenantRequest;
import dev.assize.proto.v1.SuspendTenantResponse;
import dev.assize.proto.v1.TenantEntry;
import dev.assize.server.administration.ShorthandResult.Done;
import dev.assize.server.administration.Shorthands.Order;
import dev.assize.server.administration.TenantLife;
import dev.assize.server.administration.TenantLife.Step;
import dev.assize.server.administration.TenantRegister;
import dev.assize.server.administration.TenantRegister.Registered;
import dev.assize.server.administration.review.AccessReview;
import dev.assize.server.administration.review.GrantRecords;
import dev.assize.server.administration.review.ReviewedGrant.Change;
import dev.assize.server.authentication.Caller;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.PageTokens;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.TenantTerms;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** The calls of `AccessService` that are about a tenant as a whole. */
final class TenantCalls {

    private final TenantLife life;
    private final TenantRegister register;
    private final GrantRecords records;
    private final ShorthandCalls shorthands;
    private final Gate gate;
    private final PageTokens tokens;

    @Inject
    TenantCalls(
            TenantLife life,
            TenantRegister register,
            GrantRecords records,
            ShorthandCalls shorthands,
            Gate gate,
            PageTokens tokens) {
        this.life = life;
        this.register = register;
        this.records = records;
        this.shorthands = shorthands;
        this.gate = gate;
        this.tokens = tokens;
    }

    ListTenantsResponse list(ListTenantsRequest request) {
        PolicyScope scope = gate.admitToScope(request.getTenant());
        Fields.requireKnown("request", request);
        int size = Fields.pageSize(request.getPageSize());
        byte[] conditions = ("ListTenants/" + request.getTenant()).getBytes(UTF_8);
        String token = tokens.position(request.getPageToken(), conditions);
        TenantId one = scope.tenantOrNull();
        ListTenantsResponse.Builder response = ListTenantsResponse.newBuilder();
        if (one != null) {
            response.addTenants(wire(register.find(one)
                    .orElseThrow(
                            () -> RefusedException.notFound(ErrorReason.TENANT_NOT_FOUND, "tenant", one.value()))));
            return response.build();
        }
        // A page has fewer than it may where names are out of reach; what comes next is behind all that were looked at.
        Caller caller = CallContext.current().caller();
        List<TenantId> names = register.names(token == null ? null : new TenantId(token), size);
        names.stream()
                .filter(caller::mayActIn)
                .flatMap(name -> register.find(name).stream())
                .forEach(found -> response.addTenants(wire(found)));
        if (names.size() == size) {
            response.setNextPageToken(tokens.of(names.getLast().value(), conditions));
        }
        return response.build();
    }

    /** How many valid keys a tenant may have. */
    int keysOf(TenantId tenant) {
        return register.find(tenant)
                .flatMap(found -> Optional.ofNullable(found.document()))
                .flatMap(document -> Optional.ofNullable(document.terms().keys()))
                .orElse(Integer.MAX_VALUE);
    }

    SuspendTenantResponse suspend(SuspendTenantRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        requireNotOwn(tenant);
        Duration wait = ShorthandCalls.wait(request.hasWait(), request.getWait());
        String reason = reason(request.getReason());
        FreezeDocument freeze = (FreezeDocument) new DocumentDraft("Freeze", tenant, TenantLife.SUSPENSION)
                .truth("tenant", true)
                .text("reason", reason)
                .read();
        Order order = ShorthandCalls.order(
                "SuspendTenant",
                reason,
                request.getIdempotencyKey(),
                request.toBuilder().clearIdempotencyKey().clearWait().build());
        Step step = life.suspend(tenant, freeze, order);
        Done done = ShorthandCalls.done(step.result());
        return SuspendTenantResponse.newBuilder()
                .setCommit(ShorthandCalls.commit(done))
                .setNodes(shorthands.confirmations(tenant, done.revision(), wait))
                .setRecordedSeq(step.seq())
                .build();
    }

    ResumeTenantResponse resume(ResumeTenantRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        Duration wait = ShorthandCalls.wait(request.hasWait(), request.getWait());
        Order order = ShorthandCalls.order(
                "ResumeTenant",
                reason(request.getReason()),
                request.getIdempotencyKey(),
                request.toBuilder().clearIdempotencyKey().clearWait().build());
        Step step = life.resume(tenant, order);
        Done done = ShorthandCalls.done(step.result());
        return ResumeTenantResponse.newBuilder()
                .setCommit(ShorthandCalls.commit(done))
                .setNodes(shorthands.confirmations(tenant, done.revision(), wait))
                .setRecordedSeq(step.seq())
                .build();
    }

    DeleteTenantResponse delete(DeleteTenantRequest request) {
        TenantId tenant = gate.admit(request.getTenant());
        Fields.requireKnown("request", request);
        requireNotOwn(tenant);
        Duration wait = ShorthandCalls.wait(request.hasWait(), request.getWait());
        Order order = ShorthandCalls.order(
                "DeleteTenant",
                reason(request.getReason()),
                request.getIdempotencyKey(),
                request.toBuilder().clearIdempotencyKey().clearWait().build());
        Step step = life.delete(tenant, order);
        Done done = ShorthandCalls.done(step.result());
        return DeleteTenantResponse.newBuilder()
                .setCommit(ShorthandCalls.commit(done))
                .setNodes(shorthands.confirmations(tenant, done.revision(), wait))
                .setRecordedSeq(step.seq())
                .setKeysRevoked(step.keysRevoked())
                .build();
    }

    private static void requireNotOwn(TenantId tenant) {
        if (tenant.equals(TenantId.ASSIZE)) {
            throw RefusedException.invalid(
                    "tenant", tenant.value(), "another tenant: Assize guards itself by the policy of this one");
        }
    }

    private static String reason(String text) {
        String reason = Fields.text("reason", text, ShorthandCalls.REASON_BYTES);
        if (reason == null) {
            throw RefusedException.invalid("reason", "", "why, in 1 to " + ShorthandCalls.REASON_BYTES + " bytes");
        }
        return reason;
    }

    private TenantEntry wire(Registered found) {
        TenantEntry.Builder wire = TenantEntry.newBuilder()
                .setTenant(found.tenant().value())
                .setExists(found.document() != null)
                .setRevision(found.revision().value())
                .setChangedAt(Fields.timestamp(found.changedAt()));
        if (found.document() != null) {
            found.document().environments().stream().map(Environment::value).forEach(wire::addEnvironments);
            TenantTerms terms = found.document().terms();
            wire.setPlan(Objects.requireNonNullElse(terms.plan(), ""));
            if (terms.documents() != null) {
                wire.setMaxDocuments(terms.documents());
            }
            if (terms.keys() != null) {
                wire.setMaxKeys(terms.keys());
            }
        }
        if (found.used().documents() != null) {
            wire.setDocuments(found.used().documents());
        }
        if (found.used().keys() != null) {
            wire.setKeys(found.used().keys());
        }
        if (found.isSuspended()) {
            PolicyScope scope = PolicyScope.of(found.tenant());
            DocumentKey key = new DocumentKey(scope, Kind.FREEZE, TenantLife.SUSPENSION);
            Change change =
                    AccessReview.change(records.written(scope, List.of(key)).get(key));
            if (change != null) {
                wire.setSuspended(ReviewCalls.wire(change));
            }
        }
        return wire.build();
    }
}
