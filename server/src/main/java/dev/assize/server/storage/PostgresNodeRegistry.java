package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.decision.node.Node;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.decision.node.NodeRegistry;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** Nodes in PostgreSQL; by its clock, since theirs may differ. */
final class PostgresNodeRegistry implements NodeRegistry {

    private static final String SEEN = "INSERT INTO assize.node AS n"
            + " (instance_id, name, freshness_bound, started_at, last_seen_at)"
            + " VALUES (?, ?, ?, clock_timestamp(), clock_timestamp())"
            + " ON CONFLICT (instance_id) DO UPDATE SET last_seen_at = excluded.last_seen_at";

    private static final String ASKED =
            "SELECT tenant_id, revision FROM assize.node_confirmation WHERE instance_id = ? AND confirmed_at IS NULL";

    private static final String LEFT = "DELETE FROM assize.node WHERE instance_id = ?";

    private static final String NODES = "SELECT instance_id, name, freshness_bound, started_at, last_seen_at,"
            + " greatest(0, extract(epoch FROM clock_timestamp() - last_seen_at) * 1000)::bigint AS unseen"
            + " FROM assize.node ORDER BY name, instance_id";

    private static final String ASK =
            "INSERT INTO assize.node_confirmation (tenant_id, revision, instance_id, asked_at)"
                    + " SELECT ?, ?, a.id, clock_timestamp() FROM unnest(?::text[]) AS a (id)"
                    + " ON CONFLICT (tenant_id, revision, instance_id)"
                    + " DO UPDATE SET asked_at = excluded.asked_at";

    private static final String CONFIRM = "UPDATE assize.node_confirmation SET confirmed_at = clock_timestamp()"
            + " WHERE tenant_id = ? AND revision <= ? AND instance_id = ? AND confirmed_at IS NULL";

    private static final String UNCONFIRMED = "SELECT instance_id FROM assize.node_confirmation"
            + " WHERE tenant_id = ? AND revision = ? AND confirmed_at IS NULL";

    /**
     * Somebody else may wait for the same change: what is not confirmed stays until nobody can wait for it any more, or a
     * row that is gone would pass for a confirmation.
     */
    private static final String SETTLE = "DELETE FROM assize.node_confirmation WHERE tenant_id = ?"
            + " AND (revision = ? AND confirmed_at IS NOT NULL"
            + " OR asked_at < clock_timestamp() - interval '10 minutes')";

    private static final String PLATFORM = PolicyScope.PLATFORM.key();

    private final Database database;

    @Inject
    PostgresNodeRegistry(Database database) {
        this.database = database;
    }

    @Override
    public List<Asked> seen(NodeIdentity node) {
        return database.inTransaction(PLATFORM, transaction -> {
            int _ = transaction.write(SEEN, parameters -> {
                parameters.text(node.instanceId());
                parameters.text(node.name());
                parameters.longNumber(node.freshnessBound().toMillis());
            });
            return transaction.read(
                    ASKED,
                    parameters -> parameters.text(node.instanceId()),
                    row -> new Asked(new TenantId(row.getString(1)), new Revision(row.getLong(2))));
        });
    }

    @Override
    public void left(NodeIdentity node) {
        remove(node);
    }

    @Override
    public List<Node> nodes() {
        List<Node> all = database.inSnapshot(
                PLATFORM,
                transaction -> transaction.read(
                        NODES,
                        parameters -> {},
                        row -> new Node(
                                new NodeIdentity(row.getString(1), row.getString(2), Duration.ofMillis(row.getLong(3))),
                                Times.read(row, 4),
                                Times.read(row, 5),
                                Duration.ofMillis(row.getLong(6)))));
        all.stream().filter(Node::isGone).map(Node::identity).forEach(this::remove);
        return all.stream().filter(node -> !node.isGone()).toList();
    }

    private void remove(NodeIdentity node) {
        int _ = database.inTransaction(
                PLATFORM, transaction -> transaction.write(LEFT, parameters -> parameters.text(node.instanceId())));
    }

    @Override
    public void ask(TenantId tenant, Revision revision, Collection<NodeIdentity> nodes) {
        int _ = database.inTransaction(tenant.value(), transaction -> {
            int asked = transaction.write(ASK, parameters -> {
                parameters.text(tenant.value());
                parameters.longNumber(revision.value());
                parameters.texts(List.copyOf(nodes), NodeIdentity::instanceId);
            });
            PostgresChangeSignals.announce(transaction, new Asked(tenant, revision));
            return asked;
        });
    }

    @Override
    public void confirm(NodeIdentity node, Asked asked) {
        int _ = database.inTransaction(
                asked.tenant().value(),
                transaction -> transaction.write(CONFIRM, parameters -> {
                    parameters.text(asked.tenant().value());
                    parameters.longNumber(asked.revision().value());
                    parameters.text(node.instanceId());
                }));
    }

    @Override
    public Set<String> unconfirmed(TenantId tenant, Revision revision) {
        return database.inSnapshot(
                tenant.value(),
                transaction -> Set.copyOf(transaction.read(
                        UNCONFIRMED,
                        parameters -> {
                            parameters.text(tenant.value());
                            parameters.longNumber(revision.value());
                        },
                        row -> row.getString(1))));
    }

    @Override
    public void settle(TenantId tenant, Revision revision) {
        int _ = database.inTransaction(
                tenant.value(),
                transaction -> transaction.write(SETTLE, parameters -> {
                    parameters.text(tenant.value());
                    parameters.longNumber(revision.value());
                }));
    }
}
