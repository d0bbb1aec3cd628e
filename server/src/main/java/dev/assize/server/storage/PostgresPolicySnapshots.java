package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.administration.PolicyDriftException;
import dev.assize.server.administration.PolicySnapshots;
import dev.assize.server.administration.SnapshotParts;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.PolicyDigest;
import dev.assize.server.policy.PolicySum;
import dev.assize.server.policy.StoredDocument;
import dev.assize.server.storage.PostgresPolicyLedger.Found;
import dev.assize.server.storage.TenantTransaction.Mode;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Writes snapshots from the rows as they are stored. A policy is read and laid into entries while everybody goes on, and
 * only then its scope's row is shared, so that it stands still, and its ledger's head locked by the first entries: so these
 * follow each other, and every change of the scope is either before them and in them, or behind them. Where the policy has
 * moved it is read anew; one that is too large for that, or moves each time, is read under the locks, a few entries in
 * memory at a time.
 */
final class PostgresPolicySnapshots implements PolicySnapshots {

    /** How long the transaction may do something else than talk to the database; it computes a digest meanwhile. */
    private static final Duration READER_LIMIT = Duration.ofMinutes(1);

    /** Entries written together: at most 4 MiB. */
    private static final int BATCH = 64;

    /** A node that stops without a word keeps the others from a scope for as long. */
    private static final Duration LEASE = Duration.ofMinutes(10);

    /** Entries that are held in memory: at most 64 MiB, the policy of some 150,000 bindings. */
    private static final int HELD = 1_024;

    /** So often a policy is read before it is locked. */
    private static final int ROUNDS_AHEAD = 3;

    private static final String PRESENT = "SELECT revision FROM assize.policy_scope WHERE scope_key = ?";

    private static final String LOCK = PRESENT + " FOR SHARE";

    private static final String STORED =
            "SELECT policy_digest FROM assize.policy_revision WHERE scope_key = ? AND revision = ?";

    private static final String NOTE = "INSERT INTO assize.policy_snapshot AS s (scope_key, revision, leased_until)"
            + " VALUES (?, ?, now()) ON CONFLICT (scope_key) DO UPDATE SET revision = excluded.revision";

    private static final String BEHIND = "SELECT p.scope_key, coalesce(s.revision, 0) FROM assize.policy_scope p"
            + " LEFT JOIN assize.policy_snapshot s USING (scope_key) WHERE p.revision > coalesce(s.revision, 0)"
            + " AND (s.leased_until IS NULL OR s.leased_until <= now() OR s.leased_until > now() + interval '1 day')";

    private static final String IS_DUE = "SELECT 1 FROM assize.policy_revision WHERE scope_key = ? AND revision = ?"
            + " AND committed_at <= now() - ? * interval '1 millisecond'";

    /** A lease that ends later than any lease does was not given by a node. */
    private static final String TAKE = "INSERT INTO assize.policy_snapshot AS s (scope_key, revision, leased_until)"
            + " VALUES (?, 0, now() + ? * interval '1 millisecond') ON CONFLICT (scope_key) DO UPDATE"
            + " SET leased_until = excluded.leased_until WHERE s.leased_until <= now()"
            + " OR s.leased_until > now() + interval '1 day' RETURNING 1";

    private final Database database;
    private final LedgerWriter ledger;
    private final PostgresPolicyLedger entries;
    private final AuditCodec codec;

    @Inject
    PostgresPolicySnapshots(Database database, LedgerWriter ledger, PostgresPolicyLedger entries, AuditCodec codec) {
        this.database = database;
        this.ledger = ledger;
        this.entries = entries;
        this.codec = codec;
    }

    @Override
    public void cover(TenantId tenant, long seq) {
        Stream.concat(
                        tenant.equals(TenantId.ASSIZE) ? Stream.of(PolicyScope.PLATFORM) : Stream.of(),
                        Stream.of(PolicyScope.of(tenant)))
                .forEach(scope -> {
                    boolean _ = write(scope, (found, _) -> found.first() >= seq);
                });
    }

    @Override
    public boolean write(PolicyScope scope) {
        return write(scope, (found, present) -> found.revision().equals(present));
    }

    @Override
    public List<PolicyScope> takeDue(Duration age, int limit) {
        return database.inTransaction(PolicyScope.PLATFORM.key(), transaction -> {
            List<PolicyScope> taken = new ArrayList<>();
            for (Behind behind : behind(transaction)) {
                if (taken.size() < limit && isDue(transaction, behind, age) && take(transaction, behind.scope)) {
                    taken.add(behind.scope);
                }
            }
            return taken;
        });
    }

    private boolean write(PolicyScope scope, Sufficient sufficient) {
        for (int round = 0; round < ROUNDS_AHEAD; round++) {
            Ahead ahead = readAhead(scope, sufficient).orElse(null);
            if (ahead == null) {
                break;
            }
            Optional<Boolean> written = underLock(scope, sufficient, ahead.revision, ahead::write);
            if (written.isPresent()) {
                return written.get();
            }
        }
        return underLock(scope, sufficient, null, (transaction, present) -> {
                    read(transaction, scope, present, full -> append(transaction, scope, full));
                    return true;
                })
                .orElseThrow();
    }

    /** What is written where a snapshot is due; false where it is not what is wanted by now. */
    private interface Writing {
        boolean run(TenantTransaction transaction, Revision present) throws SQLException;
    }

    /** Takes entries as they are full, and leaves none. */
    private interface Taking {
        void take(List<AuditEvent> full) throws SQLException;
    }

    /**
     * The policy stands still from here on; empty, and nothing is written, where it is at another revision than expected.
     *
     * @param expected null for any
     */
    private Optional<Boolean> underLock(
            PolicyScope scope, Sufficient sufficient, @Nullable Revision expected, Writing writing) {
        return database.inTransaction(Mode.WRITE, scope.key(), READER_LIMIT, transaction -> {
            Revision present = lock(transaction, scope);
            if (expected != null && !present.equals(expected)) {
                transaction.abandon();
                return Optional.empty();
            }
            if (present.equals(Revision.NONE)) {
                return Optional.of(false);
            }
            Revision there = sufficient(transaction, scope, sufficient, present).orElse(null);
            if (there == null && !writing.run(transaction, present)) {
                transaction.abandon();
                return Optional.empty();
            }
            transaction.actFor(scope.key());
            note(transaction, scope, there == null ? present : there);
            return Optional.of(there == null);
        });
    }

    /** The revision of a snapshot that does; empty where there is none. */
    private Optional<Revision> sufficient(
            TenantTransaction transaction, PolicyScope scope, Sufficient sufficient, Revision present)
            throws SQLException {
        transaction.actFor(scope.ledgerTenant().value());
        return entries.newest(transaction, scope, Long.MAX_VALUE)
                .filter(found -> sufficient.test(found, present))
                .map(Found::revision);
    }

    /** Reads and holds up nobody; empty where there is more than is to be held in memory. */
    private Optional<Ahead> readAhead(PolicyScope scope, Sufficient sufficient) {
        return database.inLongSnapshot(scope.key(), transaction -> {
            Revision present = revision(transaction, scope, PRESENT);
            List<AuditEvent> events = new ArrayList<>();
            boolean isDue = !present.equals(Revision.NONE)
                    && sufficient(transaction, scope, sufficient, present).isEmpty();
            boolean isWhole = !isDue
                    || read(
                            transaction,
                            scope,
                            present,
                            full -> {
                                events.addAll(full);
                                full.clear();
                            },
                            HELD);
            return isWhole ? Optional.of(new Ahead(scope, present, events)) : Optional.empty();
        });
    }

    /** A policy as it was read, and the entries that hold it; none where no snapshot was due. */
    private final class Ahead {

        private final PolicyScope scope;
        private final Revision revision;
        private final List<AuditEvent> events;

        Ahead(PolicyScope scope, Revision revision, List<AuditEvent> events) {
            this.scope = scope;
            this.revision = revision;
            this.events = List.copyOf(events);
        }

        boolean write(TenantTransaction transaction, Revision present) throws SQLException {
            for (int from = 0; from < events.size(); from += BATCH) {
                append(
                        transaction,
                        scope,
                        new ArrayList<>(events.subList(from, Math.min(events.size(), from + BATCH))));
            }
            return !events.isEmpty() && present.equals(revision);
        }
    }

    private void read(TenantTransaction transaction, PolicyScope scope, Revision revision, Taking taking)
            throws SQLException {
        boolean _ = read(transaction, scope, revision, taking, Long.MAX_VALUE);
    }

    /** Hands on what is full, a batch at a time; false where there are more entries than the limit, and then not all. */
    private static boolean read(
            TenantTransaction transaction, PolicyScope scope, Revision revision, Taking taking, long limit)
            throws SQLException {
        transaction.actFor(scope.key());
        Digest digest = stored(transaction, scope, revision);
        List<AuditEvent> full = new ArrayList<>();
        SnapshotParts parts = new SnapshotParts(scope, revision, digest, full::add);
        PolicySum.Running sum = new PolicySum.Running();
        long count = 0;
        long taken = 0;
        try (StoredTexts texts = StoredTexts.current(transaction, scope)) {
            for (Optional<StoredDocument> next = texts.next(); next.isPresent(); next = texts.next()) {
                StoredDocument document = next.get();
                parts.add(document);
                sum.add(document.key(), document.yaml());
                count++;
                if (full.size() >= BATCH) {
                    taken += full.size();
                    if (taken > limit) {
                        return false;
                    }
                    taking.take(full);
                    transaction.actFor(scope.key());
                }
            }
        }
        Digest computed = PolicyDigest.ofPolicy(scope, count, sum.sum());
        if (!computed.equals(digest)) {
            throw new PolicyDriftException(
                    scope, "revision " + revision + " had digest " + digest + ", and what is stored has " + computed);
        }
        parts.finish();
        taking.take(full);
        return true;
    }

    private void append(TenantTransaction transaction, PolicyScope scope, List<AuditEvent> events) throws SQLException {
        TenantId tenant = scope.ledgerTenant();
        transaction.actFor(tenant.value());
        AppendCommand command = new AppendCommand(
                Recorder.ASSIZE, OwnDrafts.of(transaction, codec, events, Recorder.ASSIZE, tenant), null);
        ledger.append(transaction, tenant, List.of(command));
        events.clear();
    }

    private static Revision lock(TenantTransaction transaction, PolicyScope scope) throws SQLException {
        return revision(transaction, scope, LOCK);
    }

    private static Revision revision(TenantTransaction transaction, PolicyScope scope, String query)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(query)) {
            statement.setString(1, scope.key());
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? new Revision(row.getLong(1)) : Revision.NONE;
            }
        }
    }

    private static Digest stored(TenantTransaction transaction, PolicyScope scope, Revision revision)
            throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(STORED)) {
            statement.setString(1, scope.key());
            statement.setLong(2, revision.value());
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    throw new PolicyDriftException(scope, "revision " + revision + " is not among its revisions");
                }
                return Digest.of(row.getBytes(1));
            }
        }
    }

    private static void note(TenantTransaction transaction, PolicyScope scope, Revision revision) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(NOTE)) {
            statement.setString(1, scope.key());
            statement.setLong(2, revision.value());
            statement.executeUpdate();
        }
    }

    private static List<Behind> behind(TenantTransaction transaction) throws SQLException {
        List<Behind> all = new ArrayList<>();
        try (PreparedStatement statement = transaction.connection().prepareStatement(BEHIND);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                all.add(new Behind(PolicyScope.ofKey(row.getString(1)), row.getLong(2)));
            }
        }
        return all;
    }

    /** Whether the first change that the newest snapshot does not hold is so old. */
    private static boolean isDue(TenantTransaction transaction, Behind behind, Duration age) throws SQLException {
        transaction.actFor(behind.scope.key());
        try (PreparedStatement statement = transaction.connection().prepareStatement(IS_DUE)) {
            statement.setString(1, behind.scope.key());
            statement.setLong(2, behind.revision + 1);
            statement.setLong(3, age.toMillis());
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        } finally {
            transaction.actFor(PolicyScope.PLATFORM.key());
        }
    }

    private static boolean take(TenantTransaction transaction, PolicyScope scope) throws SQLException {
        try (PreparedStatement statement = transaction.connection().prepareStatement(TAKE)) {
            statement.setString(1, scope.key());
            statement.setLong(2, LEASE.toMillis());
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        }
    }

    /** A scope whose newest snapshot is of an earlier revision. */
    private record Behind(PolicyScope scope, long revision) {}

    /** Whether a snapshot that is there does, at a scope's present revision. */
    private interface Sufficient {
        boolean test(Found newest, Revision present);
    }
}
