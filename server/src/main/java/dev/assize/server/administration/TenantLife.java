package dev.assize.server.administration;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.google.inject.Inject;
import dev.assize.server.administration.ShorthandResult.Done;
import dev.assize.server.administration.Shorthands.Order;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.RecordedOnce;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import java.util.List;

/**
 * What becomes of a tenant as a whole. A tenant that is suspended has a freeze of everything in it, which nothing but
 * {@link #resume} lifts: so checks are denied on every node as soon as by any other freeze, while its ledger and its policy
 * stay as they are. Each step is recorded in the tenant's ledger, by its change of policy, and then in tenant `assize`'s:
 * where the second fails, the same request under the same key records it. Blocks.
 */
public final class TenantLife {

    /** The name of the freeze. */
    public static final String SUSPENSION = "tenant-suspended";

    static final String SUSPEND = "suspend";
    static final String RESUME = "resume";

    private static final String CATEGORY = "tenant";

    private final Shorthands shorthands;
    private final RecordedOnce records;

    @Inject
    TenantLife(Shorthands shorthands, RecordedOnce records) {
        this.shorthands = shorthands;
        this.records = records;
    }

    /**
     * How a step ended.
     *
     * @param seq of its entry in tenant `assize`'s ledger; -1 where it was not taken
     */
    public record Step(ShorthandResult result, long seq) {}

    /** Stops everything in a tenant, by a freeze of the name above. */
    public Step suspend(TenantId tenant, FreezeDocument freeze, Order order) {
        return recorded(tenant, SUSPEND, order, shorthands.freeze(tenant, freeze, SUSPEND, order));
    }

    /** Lifts that freeze. */
    public Step resume(TenantId tenant, Order order) {
        return recorded(tenant, RESUME, order, shorthands.unfreeze(tenant, SUSPENSION, RESUME, order));
    }

    /** Whether a change may touch a document, by what made the change. */
    static boolean isReserved(DocumentKey key, ChangeOrigin origin) {
        return key.kind() == Kind.FREEZE
                && key.name().equals(SUSPENSION)
                && !key.scope().equals(PolicyScope.PLATFORM)
                && !origin.text().equals(SUSPEND)
                && !origin.text().equals(RESUME);
    }

    private Step recorded(TenantId tenant, String action, Order order, ShorthandResult result) {
        return result instanceof Done done ? new Step(done, record(tenant, action, order, done)) : new Step(result, -1);
    }

    private long record(TenantId tenant, String action, Order order, Done done) {
        String payload = JsonNodeFactory.instance
                .objectNode()
                .put("tenant", tenant.value())
                .put("revision", done.revision().value())
                .put("seq", done.seq())
                .toString();
        AuditEvent event = new AuditEvent(
                AuditEvent.OWN_TYPES + "tenant." + action,
                CATEGORY,
                order.recorder().caller(),
                null,
                new Action(action),
                ResourcePath.parse("tenant:" + tenant),
                Environment.DEFAULT,
                Outcome.SUCCESS,
                null,
                null,
                null,
                order.reason(),
                false,
                payload,
                List.of(),
                List.of(),
                null,
                null);
        String key = "tenant/" + action + "/" + tenant + "/" + done.revision().value();
        return records.record(TenantId.ASSIZE, order.recorder(), event, key);
    }
}
