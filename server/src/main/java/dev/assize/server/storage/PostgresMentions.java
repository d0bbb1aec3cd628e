package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.audit.ActorEvents;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.MentionCheck;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import org.jspecify.annotations.Nullable;

/**
 * Looks for what no column has, and only the frames tell: the name behind a pseudonym for which something was done, and how
 * far a spool is of which something was appended. Some entries' mentions are looked up at a time.
 */
final class PostgresMentions implements MentionCheck {

    /**
     * Of an erased name there is no row, and an entry that says so, or there was one that was pruned: what is kept of those
     * is held to a signed digest, by the parts that were pruned.
     */
    private static final String LOST_NAMES = "SELECT m.name FROM unnest(?::text[]) AS m (name)"
            + " WHERE NOT EXISTS (SELECT FROM assize.ledger_pseudonym p WHERE p.tenant_id = ? AND p.pseudonym = m.name)"
            + " AND NOT EXISTS (SELECT FROM assize.ledger_entry e WHERE e.tenant_id = ?"
            + " AND e.resource = 'tenant:' || ? || '/' || m.name AND e.type = '" + ActorEvents.ERASED + "')"
            + " AND NOT EXISTS (SELECT FROM assize.ledger_past_action a JOIN assize.ledger_pruned p"
            + " ON p.tenant_id = a.tenant_id AND p.to_seq = a.to_seq WHERE a.tenant_id = ?"
            + " AND a.resource = 'tenant:' || ? || '/' || m.name AND a.action = '" + ActorEvents.ERASE + "') LIMIT 1";

    /** A spool's row is moved with each of its entries, so it is never before one of them. */
    private static final String LOST_SPOOLS = "SELECT m.id FROM unnest(?::text[], ?::bigint[]) AS m (id, seq)"
            + " WHERE NOT EXISTS (SELECT FROM assize.ledger_spool s WHERE s.tenant_id = ? AND s.spool_id = m.id"
            + " AND s.last_seq >= m.seq) LIMIT 1";

    private final Database database;

    @Inject
    PostgresMentions(Database database) {
        this.database = database;
    }

    @Override
    public @Nullable Fault fault(TenantId tenant, Map<String, Mention> mentions) {
        Fault unsaid = noName(mentions);
        if (unsaid != null) {
            return unsaid;
        }
        List<Entry<String, Mention>> spools = mentions.entrySet().stream()
                .filter(mention -> mention.getKey().startsWith(AuditCodec.MENTIONED_SPOOL))
                .toList();
        List<String> names = mentions.keySet().stream()
                .filter(name -> !name.startsWith(AuditCodec.MENTIONED_SPOOL))
                .toList();
        return database.inSnapshot(tenant.value(), transaction -> {
            String name = names.isEmpty() ? null : lostName(transaction, tenant, names);
            if (name != null) {
                return fault(
                        mentions,
                        name,
                        Kind.COMMITMENT,
                        "the name behind " + name + " is gone, and no entry says that it was erased");
            }
            String spool = spools.isEmpty() ? null : lostSpool(transaction, tenant, spools);
            return spool == null
                    ? null
                    : fault(
                            mentions,
                            AuditCodec.MENTIONED_SPOOL + spool,
                            Kind.PROJECTION,
                            "how far spool " + spool + " is is not as the ledger's entries say");
        });
    }

    /** PostgreSQL knows no U+0000: there is no row of it, and it cannot be asked for. No server writes such an entry. */
    private static @Nullable Fault noName(Map<String, Mention> mentions) {
        return mentions.entrySet().stream()
                .filter(mention -> mention.getKey().indexOf('\0') >= 0)
                .findFirst()
                .map(mention -> new Fault(
                        mention.getValue().firstSeq(),
                        Kind.FRAME,
                        "entry " + mention.getValue().firstSeq() + " mentions `"
                                + MalformedException.shown(mention.getKey()) + "`, which stands for nobody"))
                .orElse(null);
    }

    private static Fault fault(Map<String, Mention> mentions, String mentioned, Kind kind, String message) {
        Mention mention = mentions.get(mentioned);
        return new Fault(mention == null ? 0 : mention.firstSeq(), kind, message);
    }

    private static @Nullable String lostName(TenantTransaction transaction, TenantId tenant, List<String> names)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(LOST_NAMES)) {
            StatementArrays values = new StatementArrays(statement);
            values.texts(names, name -> name);
            for (int i = 0; i < 5; i++) {
                values.text(tenant.value());
            }
            return first(statement);
        }
    }

    private static @Nullable String lostSpool(
            TenantTransaction transaction, TenantId tenant, List<Entry<String, Mention>> spools) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(LOST_SPOOLS)) {
            StatementArrays values = new StatementArrays(statement);
            values.texts(spools, spool -> spool.getKey().substring(AuditCodec.MENTIONED_SPOOL.length()));
            values.longs(spools, spool -> spool.getValue().lastSeq());
            values.text(tenant.value());
            return first(statement);
        }
    }

    private static @Nullable String first(PreparedStatement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            return row.next() ? row.getString(1) : null;
        }
    }
}
