package dev.assize.server.administration;

import com.google.inject.Inject;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.ShorthandResult.Done;
import dev.assize.server.administration.ShorthandResult.NotThere;
import dev.assize.server.administration.Shorthands.Order;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.RecordedOnce;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a tenant as a whole. A tenant that is suspended has a freeze of everything in it, which nothing but
 * {@link #resume} lifts: so checks are denied on every node as soon as by any other freeze, while its ledger and its policy
 * stay as they are. One that is suspended can be deleted: everything in it in one change, and then its keys; its ledger
 * stays. Each step is recorded in the tenant's ledger, by its change of policy, and then in tenant `assize`'s: where the
 * second fails, the same request under the same key records it. Blocks.
 */
public final class TenantLife {

    /** The name of the freeze. */
    public static final String SUSPENSION = "tenant-suspended";

    static final String SUSPEND = "suspend";
    static final String RESUME = "resume";
    static final String DELETE = "delete";

    private static final Set<String> STEPS = Set.of(SUSPEND, RESUME, DELETE);

    private final Shorthands shorthands;
    private final RecordedOnce records;
    private final PolicyRepository policies;
    private final TenantKeys keys;

    @Inject
    TenantLife(Shorthands shorthands, RecordedOnce records, PolicyRepository policies, TenantKeys keys) {
        this.shorthands = shorthands;
        this.records = records;
        this.policies = policies;
        this.keys = keys;
    }

    /**
     * How a step ended.
     *
     * @param seq of its entry in tenant `assize`'s ledger; -1 where it was not taken
     * @param keysRevoked with it
     */
    public record Step(ShorthandResult result, long seq, int keysRevoked) {}

    /** Stops everything in a tenant, by a freeze of the name above. */
    public Step suspend(TenantId tenant, FreezeDocument freeze, Order order) {
        return recorded(tenant, SUSPEND, order, shorthands.freeze(tenant, freeze, SUSPEND, order));
    }

    /** Lifts that freeze. */
    public Step resume(TenantId tenant, Order order) {
        return recorded(tenant, RESUME, order, shorthands.unfreeze(tenant, SUSPENSION, RESUME, order));
    }

    /**
     * Deletes a tenant that is suspended. Whoever asks again, after the policy is gone, ends what is left to do: so nothing
     * stays half done, whatever failed in between.
     */
    public Step delete(TenantId tenant, Order order) {
        DocumentKey suspension = new DocumentKey(PolicyScope.of(tenant), Kind.FREEZE, SUSPENSION);
        ShorthandResult result = shorthands.deleteAll(
                tenant,
                DELETE,
                order,
                present -> present.find(suspension).isPresent() ? null : new ShorthandResult.NotSuspended(tenant));
        Done done = result instanceof Done now ? now : deletedBefore(tenant, result);
        if (done == null) {
            return new Step(result, -1, 0);
        }
        int revoked = keys.revokeAll(tenant, order.recorder());
        RevisionRecord made = policies.revisions(
                        PolicyScope.of(tenant), done.revision().next(), 1)
                .getFirst();
        return new Step(done, record(tenant, DELETE, made.actor(), made.reason().orElse(null), done), revoked);
    }

    /** The deletion that was committed before, where there is nothing any more for that reason. */
    private @Nullable Done deletedBefore(TenantId tenant, ShorthandResult result) {
        if (!(result instanceof NotThere none) || none.key().kind() != Kind.TENANT) {
            return null;
        }
        return policies.revisions(PolicyScope.of(tenant), null, 1).stream()
                .findFirst()
                .map(last -> new Done(tenant.value(), last.revision(), last.seq(), last.committedAt(), true))
                .orElse(null);
    }

    /** Whether a change may touch a document, by what made the change. */
    static boolean isReserved(DocumentKey key, ChangeOrigin origin) {
        return key.kind() == Kind.FREEZE
                && key.name().equals(SUSPENSION)
                && !key.scope().equals(PolicyScope.PLATFORM)
                && !isStep(origin);
    }

    /** Whether a change is one of these steps, each of which records itself. */
    static boolean isStep(ChangeOrigin origin) {
        return STEPS.contains(origin.text());
    }

    private Step recorded(TenantId tenant, String action, Order order, ShorthandResult result) {
        return result instanceof Done done
                ? new Step(done, record(tenant, action, order.recorder(), order.reason(), done), 0)
                : new Step(result, -1, 0);
    }

    private long record(TenantId tenant, String action, Recorder by, @Nullable String reason, Done done) {
        AuditEvent event = TenantEvents.of(action, tenant, by, reason, done);
        String key = "tenant/" + action + "/" + tenant + "/" + done.revision().value();
        return records.record(TenantId.ASSIZE, by, event, key);
    }
}
