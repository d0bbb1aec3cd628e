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

/**
 * Writes snapshots from the rows as they are stored, a few entries in memory at a time. The scope's row is shared first, so
 * that its policy stands still, and then its ledger's head is locked by the first entries and for the rest of the
 * transaction: so the entries follow each other, and every change of the scope is either before them and in them, or
 * behind them.
 */
final class PostgresPolicySnapshots implements PolicySnapshots {

    /** How long the transaction may do something else than talk to the database; it computes a digest meanwhile. */
    private static final Duration READER_LIMIT = Duration.ofMinutes(1);

    /** Entries written together: at most 4 MiB. */
    private static final int BATCH = 64;

    /** A node that stops without a word keeps the others from a scope for as long. */
    private static final Duration LEASE = Duration.ofMinutes(10);

    private static final String LOCK = "SELECT revision FROM assize.policy_scope WHERE scope_key = ? FOR SHARE";

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
        String tenant = scope.ledgerTenant().value();
        return database.inTransaction(Mode.WRITE, scope.key(), READER_LIMIT, transaction -> {
            Revision present = lock(transaction, scope);
            if (present.equals(Revision.NONE)) {
                return false;
            }
            transaction.actFor(tenant);
            Optional<Found> newest = entries.newest(transaction, scope, Long.MAX_VALUE);
            boolean written = newest.isEmpty() || !sufficient.test(newest.get(), present);
            if (written) {
                write(transaction, scope, present);
            }
            transaction.actFor(scope.key());
            note(transaction, scope, written ? present : newest.orElseThrow().revision());
            return written;
        });
    }

    private void write(TenantTransaction transaction, PolicyScope scope, Revision revision) throws SQLException {
        transaction.actFor(scope.key());
        Digest digest = stored(transaction, scope, revision);
        List<AuditEvent> full = new ArrayList<>();
        SnapshotParts parts = new SnapshotParts(scope, revision, digest, full::add);
        PolicySum.Running sum = new PolicySum.Running();
        long count = 0;
        try (StoredTexts texts = StoredTexts.current(transaction, scope)) {
            for (Optional<StoredDocument> next = texts.next(); next.isPresent(); next = texts.next()) {
                StoredDocument document = next.get();
                parts.add(document);
                sum.add(document.key(), document.yaml());
                count++;
                if (full.size() >= BATCH) {
                    append(transaction, scope, full);
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
        append(transaction, scope, full);
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
        try (PreparedStatement statement = transaction.connection().prepareStatement(LOCK)) {
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
