package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.LEDGER_PRUNED;

import com.google.inject.Inject;
import dev.assize.server.anchor.PrunedException;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditExport;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads entries a page after the other, within one snapshot: so many are in memory at a time, whatever the export is of, here
 * and in the database.
 */
final class PostgresAuditExport implements AuditExport {

    /** How long a reader may take over the rows of one fetch; then the database ends the transaction. */
    static final Duration READER_LIMIT = Duration.ofMinutes(2);

    /** Entries in memory at a time. */
    private static final int ROWS = 500;

    private final Database database;
    private final AuditCodec codec;

    @Inject
    PostgresAuditExport(Database database, AuditCodec codec) {
        this.database = database;
        this.codec = codec;
    }

    @Override
    public void read(TenantId tenant, AuditFilter filter, long toSeq, Reader reader) {
        database.inReplica(tenant, READER_LIMIT, transaction -> {
            requireHere(transaction, tenant, filter.afterSeq());
            reader.begin(LedgerWriter.head(transaction, tenant)
                    .map(row -> row.head().size())
                    .orElse(0L));
            EntrySearch search =
                    EntrySearch.begin(transaction, tenant, filter, toSeq).orElse(null);
            while (search != null && !search.isAtEnd()) {
                handOut(transaction, tenant, search.next(ROWS), reader);
                long passed = search.passed();
                database.within(transaction, () -> reader.passed(passed));
            }
            return true;
        });
    }

    /** What was there when it was asked for may have been pruned since, and the rest of it is not what was asked for. */
    private static void requireHere(TenantTransaction transaction, TenantId tenant, @Nullable Long afterSeq) {
        long first = afterSeq == null ? 0 : afterSeq + 1;
        transaction
                .sql()
                .select(LEDGER_PRUNED.OBJECT)
                .from(LEDGER_PRUNED)
                .where(LEDGER_PRUNED.TENANT_ID.eq(tenant.value()))
                .and(LEDGER_PRUNED.TO_SEQ.gt(first))
                .orderBy(LEDGER_PRUNED.TO_SEQ)
                .limit(1)
                .fetchOptional(LEDGER_PRUNED.OBJECT)
                .ifPresent(object -> {
                    throw new PrunedException(tenant, first, object);
                });
    }

    private void handOut(TenantTransaction transaction, TenantId tenant, List<EntryRow> rows, Reader reader)
            throws SQLException {
        List<Long> committed = rows.stream()
                .filter(row -> !codec.commitments(row.frame()).isEmpty())
                .map(EntryRow::seq)
                .toList();
        Map<Long, List<ErasableValue>> beside = ErasableRows.find(transaction, tenant, committed);
        // What the reader asks for meanwhile it reads within the same snapshot.
        database.within(
                transaction,
                () -> rows.forEach(row -> reader.accept(
                        row.seq(),
                        row.frame(),
                        Digest.of(row.entryHash()),
                        beside.getOrDefault(row.seq(), List.of()))));
    }
}
