package dev.assize.server.storage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.inject.Inject;
import dev.assize.server.anchor.Prefixes;
import dev.assize.server.anchor.StandingRecords;
import dev.assize.server.audit.ActorEvents;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.Pseudonym;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.audit.SpoolLossEvent;
import dev.assize.server.ledger.MalformedFrameException;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PiiPattern;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Hold;
import dev.assize.server.retention.HoldEvents;
import dev.assize.server.retention.PruningEvents;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Holds rows that stand beside a ledger to the entries that say so: each hold, proposal to prune and pruned part to all
 * that is in its entries, and there is one for each; each spool to the last entry that was appended of it. Entries are
 * found by their type, and verification holds that column to their frames.
 *
 * <p>What only frames tell, the walk over them holds to rows ({@link PostgresMentions}): a spool's row that is gone or was put
 * back, and the name of one who stands in entries as {@code on_behalf_of} only. What is left out: entries that were pruned,
 * and spools of which no other is left; a spool's last hash, which the spool compares with its own; what it was told last,
 * and when.
 */
final class PostgresStandingRecords implements StandingRecords {

    private static final String BASE = "SELECT coalesce(max(to_seq), 0) FROM assize.ledger_pruned WHERE tenant_id = ?";

    private static final String OF_TYPES = "SELECT frame, entry_hash FROM assize.ledger_entry"
            + " WHERE tenant_id = ? AND type = ANY (?)" + EntrySearch.OWN_TYPE + " ORDER BY seq";

    private static final String PRUNINGS = "SELECT pruning_id, proposed_seq, from_seq, to_seq, proposed_by,"
            + " proposed_by_tenant, proposed_at, reason FROM assize.ledger_pruning WHERE tenant_id = ?";

    private static final String PRUNED = "SELECT to_seq::text, pruned_seq, from_seq, to_seq, pruned_by,"
            + " pruned_by_tenant, pruned_at, pruning_id || ' ' || object || ' ' || note"
            + " FROM assize.ledger_pruned WHERE tenant_id = ?";

    private static final String SPOOLS = "SELECT s.spool_id, s.recorded_by, s.recorded_by_tenant, s.next_number,"
            + " s.last_hash IS NULL, s.last_seq, s.last_recorded_at, s.last_entry_hash, e.frame, e.recorded_at,"
            + " e.entry_hash, h.incarnation FROM assize.ledger_spool s"
            + " JOIN assize.ledger_head h ON h.tenant_id = s.tenant_id LEFT JOIN LATERAL"
            + " (SELECT * FROM assize.ledger_entry e WHERE e.tenant_id = s.tenant_id AND e.seq = s.last_seq LIMIT 1) e"
            + " ON true WHERE s.tenant_id = ? ORDER BY s.spool_id, s.recorded_by, s.recorded_by_tenant";

    private static final String PSEUDONYMS =
            "SELECT pseudonym, subject, salt FROM assize.ledger_pseudonym WHERE tenant_id = ?";

    /** Of entries that were pruned it stays on record, vouched for by their note, what was done to which resource. */
    private static final String ERASED_BEFORE = "SELECT resource FROM assize.ledger_past_action WHERE tenant_id = ?"
            + " AND resource >= ? || 'pseudonym:' AND resource < ? || 'pseudonym;' AND action = '" + ActorEvents.ERASE
            + "'";

    /** What is kept of parts that were never pruned is in no digest; there are few parts, and each has many rows. */
    private static final String STRAY_ACTIONS = "WITH RECURSIVE part (to_seq) AS ((SELECT min(a.to_seq)"
            + " FROM assize.ledger_past_action a WHERE a.tenant_id = ?) UNION ALL SELECT (SELECT min(a.to_seq)"
            + " FROM assize.ledger_past_action a WHERE a.tenant_id = ? AND a.to_seq > part.to_seq) FROM part"
            + " WHERE part.to_seq IS NOT NULL) SELECT part.to_seq FROM part WHERE part.to_seq IS NOT NULL"
            + " AND NOT EXISTS (SELECT FROM assize.ledger_pruned p WHERE p.tenant_id = ? AND p.to_seq = part.to_seq)"
            + " ORDER BY part.to_seq LIMIT 1";

    private static final List<String> PSEUDONYMOUS = List.of(pseudonymous("actor"), pseudonymous("recorded_by"));

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Database database;
    private final AuditCodec codec;

    @Inject
    PostgresStandingRecords(Database database, AuditCodec codec) {
        this.database = database;
        this.codec = codec;
    }

    @Override
    public Optional<Fault> fault(TenantId tenant) {
        return database.inSnapshot(tenant.value(), transaction -> {
            try {
                long base = base(transaction, tenant);
                Fault fault = holds(transaction, tenant, base);
                fault = fault == null ? parts(transaction, tenant, base, PruningEvents.PROPOSED, PRUNINGS) : fault;
                fault = fault == null ? parts(transaction, tenant, base, Prefixes.TYPE, PRUNED) : fault;
                fault = fault == null ? strayActions(transaction, tenant) : fault;
                fault = fault == null ? spools(transaction, tenant, base) : fault;
                fault = fault == null ? pseudonyms(transaction, tenant) : fault;
                return Optional.ofNullable(fault);
            } catch (MalformedFrameException | MalformedException e) {
                return Optional.of(new Fault(
                        0, Kind.PROJECTION, "what stands beside the ledger cannot be read: " + e.getMessage()));
            }
        });
    }

    private static long base(TenantTransaction transaction, TenantId tenant) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(BASE)) {
            statement.setString(1, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? row.getLong(1) : 0;
            }
        }
    }

    private List<RecordedEvent> entries(TenantTransaction transaction, TenantId tenant, String... types)
            throws SQLException {
        List<RecordedEvent> entries = new ArrayList<>();
        try (PreparedStatement statement = transaction.connection().prepareStatement(OF_TYPES)) {
            statement.setString(1, tenant.value());
            statement.setArray(2, transaction.connection().createArrayOf("text", types));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    entries.add(codec.decode(row.getBytes(1), Digest.of(row.getBytes(2))));
                }
            }
        }
        return entries;
    }

    private @Nullable Fault holds(TenantTransaction transaction, TenantId tenant, long base) throws SQLException {
        Map<String, Hold> told = new TreeMap<>();
        Set<String> masked = new HashSet<>();
        for (RecordedEvent entry : entries(transaction, tenant, HoldEvents.PLACED, HoldEvents.RELEASED)) {
            Hold hold = HoldEvents.read(entry, null);
            told.merge(hold.id(), hold, (before, _) -> HoldEvents.read(entry, before));
            if (entry.event().type().equals(HoldEvents.PLACED) && entry.masked().contains("reason")) {
                masked.add(hold.id());
            }
        }
        for (Hold row : PostgresRetentionRepository.holds(transaction, tenant)) {
            Hold entries = told.remove(row.id());
            boolean same = entries == null ? isPruned(row, base) : isSame(row, entries, masked.contains(row.id()));
            if (!same) {
                return fault(row.placed().seq(), "legal hold " + row.id());
            }
        }
        return told.values().stream()
                .findFirst()
                .map(hold -> fault(hold.placed().seq(), "legal hold " + hold.id()))
                .orElse(null);
    }

    private static boolean isPruned(Hold row, long base) {
        Hold.Act released = row.released();
        return row.placed().seq() < base && (released == null || released.seq() < base);
    }

    private static boolean isSame(Hold row, Hold entries, boolean masked) {
        // Where the entry that placed it was pruned, the one that released it tells of its scope.
        boolean isPlacedBefore = entries.placed().equals(entries.released());
        boolean placed = isPlacedBefore
                || (row.placed().equals(entries.placed()) && isText(row.reason(), entries.reason(), masked));
        return placed && row.scope().equals(entries.scope()) && Objects.equals(row.released(), entries.released());
    }

    /** Of a text that was masked in its entry an older row may have what was masked, and nothing else than that. */
    private static boolean isText(String row, String entry, boolean masked) {
        return row.equals(entry) || (masked && PiiPattern.isMasked(entry, row));
    }

    /** Both what was proposed and what was done: a range, who said so, and when. */
    private record Part(long seq, long from, long to, String by, String home, String at, String rest) {}

    private @Nullable Fault parts(TenantTransaction transaction, TenantId tenant, long base, String type, String query)
            throws SQLException {
        Map<String, Part> told = new TreeMap<>();
        Set<Long> masked = new HashSet<>();
        for (RecordedEvent entry : entries(transaction, tenant, type)) {
            JsonNode json = payload(entry);
            boolean proposed = type.equals(PruningEvents.PROPOSED);
            String id = json.path("pruning_id").asText();
            long to = json.path("to").asLong();
            String rest = proposed
                    ? String.valueOf(entry.event().reason())
                    : id + " " + json.path("object").asText() + " "
                            + json.path(Prefixes.NOTE).asText();
            told.put(
                    proposed ? id : Long.toString(to),
                    new Part(
                            entry.seq(),
                            json.path("from").asLong(),
                            to,
                            entry.recorder().caller().toString(),
                            entry.recorder().home().value(),
                            entry.recordedAt().toString(),
                            rest));
            if (proposed && entry.masked().contains("reason")) {
                masked.add(entry.seq());
            }
        }
        String what = "what is on record of pruning ";
        try (PreparedStatement statement = transaction.connection().prepareStatement(query)) {
            statement.setString(1, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    Part part = new Part(
                            row.getLong(2),
                            row.getLong(3),
                            row.getLong(4),
                            row.getString(5),
                            row.getString(6),
                            Times.read(row, 7).toString(),
                            row.getString(8));
                    Part entry = told.remove(row.getString(1));
                    boolean same = entry == null ? part.seq < base : isSame(part, entry, masked);
                    if (!same) {
                        return fault(part.seq, what + row.getString(1));
                    }
                }
            }
        }
        return told.entrySet().stream()
                .findFirst()
                .map(missing -> fault(missing.getValue().seq, what + missing.getKey()))
                .orElse(null);
    }

    private static boolean isSame(Part row, Part entry, Set<Long> masked) {
        Part compared = isText(row.rest, entry.rest, masked.contains(entry.seq))
                ? new Part(entry.seq, entry.from, entry.to, entry.by, entry.home, entry.at, row.rest)
                : entry;
        return row.equals(compared);
    }

    private static @Nullable Fault strayActions(TenantTransaction transaction, TenantId tenant) throws SQLException {
        return transaction
                .find(
                        STRAY_ACTIONS,
                        parameters -> {
                            parameters.text(tenant.value());
                            parameters.text(tenant.value());
                            parameters.text(tenant.value());
                        },
                        row -> row.getLong(1))
                .map(to -> fault(to - 1, "what is kept of actions before entry " + to))
                .orElse(null);
    }

    private @Nullable Fault spools(TenantTransaction transaction, TenantId tenant, long base) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(SPOOLS)) {
            statement.setString(1, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                Set<String> losses = row.isBeforeFirst() ? losses(transaction, tenant) : Set.of();
                while (row.next()) {
                    if (!isBorneOut(tenant, row, losses, base)) {
                        return fault(Math.max(base, row.getLong(6)), farAs(row.getString(1)));
                    }
                }
                return null;
            }
        }
    }

    private static String farAs(String spool) {
        return "how far spool " + spool + " is";
    }

    /** What was declared lost, as the name of the spool with the last number. */
    private Set<String> losses(TenantTransaction transaction, TenantId tenant) throws SQLException {
        Set<String> losses = new TreeSet<>();
        for (RecordedEvent entry : entries(transaction, tenant, SpoolLossEvent.TYPE)) {
            JsonNode json = payload(entry);
            losses.add(loss(
                    entry.event().resource().value(),
                    json.path("recorded_by_tenant").asText(),
                    json.path("recorded_by").asText(),
                    json.path("through_number").asLong()));
        }
        return losses;
    }

    private boolean isBorneOut(TenantId tenant, ResultSet row, Set<String> losses, long base) throws SQLException {
        String spool = row.getString(1);
        String caller = row.getString(2);
        String home = row.getString(3);
        long next = row.getLong(4);
        boolean hashed = !row.getBoolean(5);
        boolean lost = losses.contains(loss("tenant:" + tenant + "/spool:" + spool, home, caller, next - 1));
        long lastSeq = row.getLong(6);
        if (row.wasNull()) {
            return lost ? !hashed : next == 1 && hashed;
        }
        byte @Nullable [] frame = row.getBytes(9);
        if (frame == null
                || !Times.read(row, 7).equals(Times.readIfThere(row, 10))
                || !Arrays.equals(row.getBytes(8), row.getBytes(11))) {
            // Behind a loss of entries the place of the spool is found anew by what it sends next.
            return lastSeq < base || row.getInt(12) > 1;
        }
        RecordedEvent entry = codec.decode(frame, Digest.of(row.getBytes(11)));
        OptionalLong number = codec.spoolNumber(frame, spool);
        return number.isPresent()
                && entry.recorder().caller().toString().equals(caller)
                && entry.recorder().home().value().equals(home)
                && (next == number.getAsLong() + 1 ? hashed : lost && !hashed && next > number.getAsLong());
    }

    /**
     * Each opens its commitment; one that is gone was erased, and one that was erased is gone. Where the entry that says so
     * was pruned it cannot be told any more from one in which a caller said the same: that excuses, and does not accuse.
     */
    private @Nullable Fault pseudonyms(TenantTransaction transaction, TenantId tenant) throws SQLException {
        Set<String> erased = new HashSet<>();
        for (RecordedEvent entry : entries(transaction, tenant, ActorEvents.ERASED)) {
            erased.add(payload(entry).path("pseudonym").asText());
        }
        Set<String> known = erasedBefore(transaction, tenant);
        try (PreparedStatement statement = transaction.connection().prepareStatement(PSEUDONYMS)) {
            statement.setString(1, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    String name = row.getString(1);
                    Pseudonym opened = new Pseudonym(Subject.parse(row.getString(2)), row.getBytes(3));
                    if (!opened.name().toString().equals(name)) {
                        return new Fault(0, Kind.COMMITMENT, name + " does not stand for the name beside it");
                    }
                    if (erased.contains(name)) {
                        return new Fault(
                                0, Kind.COMMITMENT, "the name behind " + name + " was erased, and is not gone");
                    }
                    known.add(name);
                }
            }
        }
        known.addAll(erased);
        for (String query : PSEUDONYMOUS) {
            Fault fault = lost(transaction, tenant, query, known);
            if (fault != null) {
                return fault;
            }
        }
        return null;
    }

    /** An entry that was written within the minute after may be left of one whose erasure was pruned. */
    private static Set<String> erasedBefore(TenantTransaction transaction, TenantId tenant) throws SQLException {
        String of = "tenant:" + tenant + "/";
        Set<String> erased = new HashSet<>();
        try (PreparedStatement statement = transaction.connection().prepareStatement(ERASED_BEFORE)) {
            statement.setString(1, tenant.value());
            statement.setString(2, of);
            statement.setString(3, of);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    erased.add(row.getString(1).substring(of.length()));
                }
            }
        }
        return erased;
    }

    /** Each pseudonym in a column, with its first entry, by as many descents of the index as there are. */
    private static String pseudonymous(String column) {
        String of = " FROM assize.ledger_entry e WHERE e.tenant_id = ? AND e." + column + " >= 'pseudonym:'" + " AND e."
                + column + " < 'pseudonym;'";
        String first = " ORDER BY e." + column + ", e.seq LIMIT 1)";
        return "WITH RECURSIVE named (name, seq) AS ((SELECT e." + column + ", e.seq" + of + first
                + " UNION ALL SELECT next.name, next.seq FROM named, LATERAL (SELECT e." + column + " AS name, e.seq"
                + of + " AND e." + column + " > named.name" + first + " next) SELECT name, seq FROM named";
    }

    private static @Nullable Fault lost(TenantTransaction transaction, TenantId tenant, String query, Set<String> told)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(query)) {
            statement.setString(1, tenant.value());
            statement.setString(2, tenant.value());
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    String name = row.getString(1);
                    if (!told.contains(name)) {
                        return new Fault(
                                row.getLong(2),
                                Kind.COMMITMENT,
                                "the name behind " + name + " is gone, and no entry says that it was erased");
                    }
                }
            }
        }
        return null;
    }

    private static String loss(String spool, String home, String caller, long through) {
        return spool + " " + home + " " + caller + " " + through;
    }

    private static JsonNode payload(RecordedEvent entry) {
        String payload = String.valueOf(entry.event().payload());
        try {
            return JSON.readTree(payload);
        } catch (JsonProcessingException e) {
            throw new MalformedException(payload, "what entry " + entry.seq() + " says as an object");
        }
    }

    private static Fault fault(long seq, String what) {
        return new Fault(Math.max(0, seq), Kind.PROJECTION, what + " is not as the ledger's entries say");
    }
}
