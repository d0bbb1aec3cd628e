package dev.assize.server.storage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.inject.Inject;
import dev.assize.server.administration.PolicyLedger;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.replay.PolicyEntry;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Finds entries that tell of policy by the column that holds their type, and reads everything else in the frame. */
final class PostgresPolicyLedger implements PolicyLedger {

    /** Entries of one read: at most 6 MiB. */
    private static final int ENTRIES = 100;

    private static final ObjectMapper JSON = new ObjectMapper();

    /** Of each type the next few: three short walks along an index, whatever else the ledger holds. */
    private static final String NEXT = "SELECT e.seq, e.frame, e.entry_hash FROM unnest(ARRAY['" + PolicyEntry.MANIFEST
            + "', '" + PolicyEntry.DIFF + "', '" + PolicyEntry.SNAPSHOT + "']) AS t (type) CROSS JOIN LATERAL (SELECT"
            + " l.seq, l.frame, l.entry_hash FROM assize.ledger_entry l WHERE l.tenant_id = ? AND l.type = t.type"
            + EntrySearch.OWN_TYPE + " AND l.seq >= ? ORDER BY l.seq LIMIT " + ENTRIES + ") AS e ORDER BY e.seq LIMIT "
            + ENTRIES;

    private static final String NEWEST =
            "SELECT seq, frame, entry_hash FROM assize.ledger_entry WHERE tenant_id = ?" + " AND type = '"
                    + PolicyEntry.SNAPSHOT + "'" + EntrySearch.OWN_TYPE + " AND seq < ? ORDER BY seq DESC LIMIT 1";

    private static final String MANIFESTS = "SELECT seq, frame, entry_hash FROM assize.ledger_entry WHERE tenant_id = ?"
            + " AND seq = ANY (?) AND type = '" + PolicyEntry.MANIFEST + "'";

    private final Database database;
    private final AuditCodec codec;

    @Inject
    PostgresPolicyLedger(Database database, AuditCodec codec) {
        this.database = database;
        this.codec = codec;
    }

    @Override
    public OptionalLong newestSnapshot(PolicyScope scope, Revision atMost) {
        TenantId ledger = scope.ledgerTenant();
        return database.inSnapshot(ledger.value(), transaction -> {
            Optional<Found> found = newest(transaction, scope, Long.MAX_VALUE);
            while (found.isPresent() && found.get().revision.compareTo(atMost) > 0) {
                found = newest(transaction, scope, found.get().first);
            }
            return found.isEmpty() ? OptionalLong.empty() : OptionalLong.of(found.get().first);
        });
    }

    @Override
    public List<PolicyEntry> manifests(TenantId ledger, List<Long> seqs) {
        return database.inSnapshot(ledger.value(), transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(MANIFESTS)) {
                statement.setString(1, ledger.value());
                statement.setArray(2, transaction.connection().createArrayOf("bigint", seqs.toArray()));
                return entries(statement);
            }
        });
    }

    @Override
    public List<PolicyEntry> read(TenantId ledger, long fromSeq) {
        return database.inSnapshot(ledger.value(), transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(NEXT)) {
                statement.setString(1, ledger.value());
                statement.setLong(2, fromSeq);
                return entries(statement);
            }
        });
    }

    private List<PolicyEntry> entries(PreparedStatement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            List<PolicyEntry> entries = new ArrayList<>();
            while (row.next()) {
                entries.add(entry(row));
            }
            return entries;
        }
    }

    /**
     * A snapshot that is whole.
     *
     * @param first position of its first part
     */
    record Found(long first, Revision revision) {}

    /** The last whole snapshot of a scope before a position; the transaction acts for the ledger's tenant. */
    Optional<Found> newest(TenantTransaction transaction, PolicyScope scope, long before) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(NEWEST)) {
            for (long bound = before; ; ) {
                statement.setString(1, scope.ledgerTenant().value());
                statement.setLong(2, bound);
                try (ResultSet row = statement.executeQuery()) {
                    if (!row.next()) {
                        return Optional.empty();
                    }
                    PolicyEntry last = entry(row);
                    JsonNode part = json(last);
                    long first = last.seq() - part.path("parts").asLong(1) + 1;
                    if (part.has("parts") && part.path("scope").asText().equals(scope.key())) {
                        return Optional.of(new Found(
                                first, new Revision(part.path("revision").asLong())));
                    }
                    bound = first;
                }
            }
        }
    }

    private PolicyEntry entry(ResultSet row) throws SQLException {
        AuditEvent event =
                codec.decode(row.getBytes(2), Digest.of(row.getBytes(3))).event();
        return new PolicyEntry(row.getLong(1), event.type(), event.payload() == null ? "" : event.payload());
    }

    private static JsonNode json(PolicyEntry entry) {
        try {
            return JSON.readTree(entry.payload());
        } catch (JsonProcessingException e) {
            throw new StorageException("entry " + entry.seq() + " is no snapshot of policy: its payload is no JSON", e);
        }
    }
}
