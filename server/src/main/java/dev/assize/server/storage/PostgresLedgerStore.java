package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.LEDGER_HEAD;

import com.google.inject.Inject;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.TenantTransaction.Mode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** The ledger's entries in PostgreSQL. */
final class PostgresLedgerStore implements LedgerStore {

    /** How long a reader may take over what it has read, before it reads on. */
    private static final Duration READER_LIMIT = Duration.ofMinutes(2);

    private final Database database;
    private final LedgerWriter writer;

    @Inject
    PostgresLedgerStore(Database database, LedgerWriter writer) {
        this.database = database;
        this.writer = writer;
    }

    @Override
    public List<AppendResult> append(TenantId tenant, List<AppendCommand> commands) {
        if (commands.isEmpty()) {
            return List.of();
        }
        LedgerWriter.Opening opening = writer.open(tenant, commands);
        return database.inTransaction(
                tenant.value(),
                opening.trip(),
                transaction -> writer.appendAndCommit(transaction, tenant, commands, opening));
    }

    @Override
    public Optional<LedgerHead> head(TenantId tenant) {
        return database.inSnapshot(tenant.value(), transaction -> head(transaction, tenant));
    }

    @Override
    public Optional<LedgerHead> scan(TenantId tenant, long fromSeq, long toSeq, Predicate<StoredEntry> reader) {
        return database.inTransaction(Mode.SNAPSHOT, tenant.value(), READER_LIMIT, transaction -> {
            Optional<LedgerHead> head = head(transaction, tenant);
            new EntryCopy(transaction.connection(), tenant, reader).read(fromSeq, toSeq);
            return head;
        });
    }

    private static Optional<LedgerHead> head(TenantTransaction transaction, TenantId tenant) {
        return LedgerWriter.headRow(transaction, tenant)
                .and(LEDGER_HEAD.SIZE.gt(0L))
                .fetchOptional(LedgerWriter::head);
    }
}
