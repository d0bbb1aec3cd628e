package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.audit.ErasureEvents;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.Beliefs.Belief;
import dev.assize.server.storage.Beliefs.Course;
import dev.assize.server.storage.LedgerWriter.Ahead;
import dev.assize.server.storage.LedgerWriter.HeadRow;
import dev.assize.server.storage.TenantTransaction.Mode;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The ledger's entries in PostgreSQL. */
final class PostgresLedgerStore implements LedgerStore {

    private static final Logger LOG = LoggerFactory.getLogger(PostgresLedgerStore.class);

    /** How long a reader may take over what it has read, before it reads on. */
    private static final Duration READER_LIMIT = Duration.ofMinutes(2);

    /** Positions for which a second connection is taken. */
    private static final int WORTH_READING_AHEAD = 4_000;

    private static final String NOTICES = "SELECT seq, frame, entry_hash FROM assize.ledger_entry WHERE tenant_id = ?"
            + " AND resource = ANY (?) AND seq >= ? AND type = '" + ErasureEvents.TYPE + "' ORDER BY seq";

    private final Database database;
    private final LedgerWriter writer;
    private final Beliefs beliefs = new Beliefs();

    @Inject
    PostgresLedgerStore(Database database, LedgerWriter writer) {
        this.database = database;
        this.writer = writer;
    }

    @Override
    public List<AppendResult> append(TenantId tenant, List<AppendCommand> commands) {
        return commands.isEmpty() ? List.of() : prepare(tenant, commands).write();
    }

    @Override
    public Prepared prepare(TenantId tenant, List<AppendCommand> commands) {
        database.requireNoTransaction();
        Belief belief = beliefs.of(tenant);
        synchronized (belief) {
            if (belief.mayHaveOldAnswers(writer.now())) {
                database.soon(() -> removeOldAnswers(tenant));
            }
            LedgerHead head = LedgerWriter.mayGoAhead(commands) ? belief.head() : null;
            boolean alone = belief.isQuiet();
            Ahead ahead = head == null ? null : ahead(tenant, commands, head);
            Course course = new Course();
            Course before = belief.follow(course, ahead == null ? null : ahead.head());
            return new Writing(tenant, commands, belief, ahead, alone, before, course);
        }
    }

    /** Null where nothing may be appended behind what is believed: another node may have gone on, and signed that. */
    private @Nullable Ahead ahead(TenantId tenant, List<AppendCommand> commands, LedgerHead believed) {
        try {
            return writer.ahead(tenant, commands, believed);
        } catch (LedgerHaltedException e) {
            LOG.debug("the head of tenant {} is another than {}: {}", tenant, believed, e.getMessage());
            return null;
        }
    }

    private void removeOldAnswers(TenantId tenant) {
        while (database.inTransaction(
                tenant.value(), transaction -> KeptAnswers.removeOld(transaction, tenant, writer.now()))) {
            LOG.debug("removed old answers of tenant {}", tenant);
        }
    }

    /** Commands on their way: ahead of the head where it is believed to be known, and otherwise with the head locked. */
    private final class Writing implements Prepared {

        private final TenantId tenant;
        private final List<AppendCommand> commands;
        private final Belief belief;
        private final @Nullable Ahead ahead;
        private final boolean alone;
        private final Course before;
        private final Course course;

        Writing(
                TenantId tenant,
                List<AppendCommand> commands,
                Belief belief,
                @Nullable Ahead ahead,
                boolean alone,
                Course before,
                Course course) {
            this.tenant = tenant;
            this.commands = commands;
            this.belief = belief;
            this.ahead = ahead;
            this.alone = alone;
            this.before = before;
            this.course = course;
        }

        @Override
        public boolean mayBeFollowed() {
            return ahead != null;
        }

        @Override
        public List<AppendResult> write() {
            try {
                if (ahead != null) {
                    if (isWritten(ahead)) {
                        return ahead.results();
                    }
                    course.settles();
                    synchronized (belief) {
                        belief.wasWrong();
                    }
                }
                return locked();
            } catch (RuntimeException | Error e) {
                synchronized (belief) {
                    belief.isUnknown();
                }
                throw e;
            } finally {
                course.ends();
            }
        }

        /**
         * Alone the head is locked first, and a wrong belief costs a round trip. Behind others the entries are inserted
         * while those are made durable.
         */
        private boolean isWritten(Ahead ahead) {
            if (alone) {
                return database.atOnce(
                        tenant.value(), new Trip().then(ahead.seal()).then(ahead.entries()), course::connects);
            }
            before.awaitConnected();
            return database.inTwo(
                    tenant.value(), ahead.entries(), course::connects, before::awaitSettled, ahead.seal());
        }

        /** Behind everything that was prepared before, so that commands are appended in the order in which they came. */
        private List<AppendResult> locked() {
            before.awaitEnded();
            AtomicReference<@Nullable LedgerHead> reached = new AtomicReference<>();
            LedgerWriter.Opening opening = writer.open(tenant, commands);
            List<AppendResult> results = database.inTransaction(
                    tenant.value(),
                    opening.trip(),
                    transaction -> writer.appendAndCommit(transaction, tenant, commands, opening, reached::set));
            LedgerHead head = reached.get();
            if (head != null) {
                synchronized (belief) {
                    belief.reached(course, head);
                }
            }
            return results;
        }
    }

    @Override
    public Optional<LedgerHead> head(TenantId tenant) {
        return database.inSnapshot(tenant.value(), transaction -> head(transaction, tenant));
    }

    @Override
    public Optional<LedgerHead> scan(
            TenantId tenant, long fromSeq, long toSeq, Predicate<StoredEntry> reader, BooleanSupplier pause) {
        return database.inTransaction(Mode.SNAPSHOT, tenant.value(), READER_LIMIT, transaction -> {
            Optional<LedgerHead> head = head(transaction, tenant);
            BooleanSupplier within = () -> database.asked(transaction, pause);
            EntryCopy copy = new EntryCopy(transaction.connection(), tenant, reader, within);
            long size = head.map(LedgerHead::size).orElse(0L);
            if (Math.min(toSeq, size) - fromSeq < WORTH_READING_AHEAD
                    || !isReadAhead(copy, transaction, tenant, fromSeq, toSeq)) {
                copy.read(fromSeq, toSeq);
            }
            return head;
        });
    }

    /** False where nothing was read, for want of a second connection. */
    private boolean isReadAhead(
            EntryCopy copy, TenantTransaction transaction, TenantId tenant, long fromSeq, long toSeq)
            throws SQLException {
        Optional<SecondReader> second = database.besides(transaction, READER_LIMIT);
        if (second.isEmpty()) {
            return false;
        }
        try (ReadAhead ahead = ReadAhead.start(second.get(), tenant, fromSeq, toSeq)) {
            copy.read(ahead);
            return true;
        }
    }

    @Override
    public List<StoredEntry> notices(TenantId tenant, List<Long> seqs, long fromSeq) {
        return database.inSnapshot(tenant.value(), transaction -> {
            List<StoredEntry> found = new ArrayList<>();
            try (PreparedStatement statement = transaction.connection().prepareStatement(NOTICES)) {
                StatementArrays values = new StatementArrays(statement);
                values.text(tenant.value());
                values.texts(seqs, seq -> ErasureEvents.resource(tenant, seq).value());
                values.longNumber(fromSeq);
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        found.add(new StoredEntry(
                                row.getLong(1),
                                row.getBytes(2),
                                Digest.of(row.getBytes(3)),
                                Collections.emptySortedMap()));
                    }
                }
            }
            return found;
        });
    }

    private static Optional<LedgerHead> head(TenantTransaction transaction, TenantId tenant) throws SQLException {
        return LedgerWriter.head(transaction, tenant).map(HeadRow::head).filter(head -> head.size() > 0);
    }
}
