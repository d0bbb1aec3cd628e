package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.LEDGER_ENTRY;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.AuditIndex;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jooq.Condition;
import org.jooq.Record3;
import org.jooq.Result;
import org.jooq.impl.DSL;

/**
 * Finds entries by their columns. Conditions are equalities and ranges only: they are what PostgreSQL pushes below
 * row-level security into an index, where a LIKE would be held back until after it.
 */
final class PostgresAuditIndex implements AuditIndex {

    private final Database database;
    private final AuditCodec codec;

    @Inject
    PostgresAuditIndex(Database database, AuditCodec codec) {
        this.database = database;
        this.codec = codec;
    }

    @Override
    public List<RecordedEvent> find(TenantId tenant, AuditFilter filter) {
        return database.inSnapshot(tenant.value(), transaction -> {
            Result<Record3<Long, byte[], byte[]>> rows = transaction
                    .sql()
                    .select(LEDGER_ENTRY.SEQ, LEDGER_ENTRY.FRAME, LEDGER_ENTRY.ENTRY_HASH)
                    .from(LEDGER_ENTRY)
                    .where(conditions(tenant, filter))
                    .orderBy(filter.ascending() ? LEDGER_ENTRY.SEQ.asc() : LEDGER_ENTRY.SEQ.desc())
                    .limit(filter.limit())
                    .fetch();
            List<Long> committed = rows.stream()
                    .filter(row -> !codec.commitments(row.value2()).isEmpty())
                    .map(Record3::value1)
                    .toList();
            Map<Long, List<ErasableValue>> beside = ErasableRows.find(transaction, tenant, committed);
            return rows.map(row ->
                    codec.decode(row.value2(), Digest.of(row.value3()), beside.getOrDefault(row.value1(), List.of())));
        });
    }

    /** What the rows fulfil that are wanted. */
    static List<Condition> conditions(TenantId tenant, AuditFilter filter) {
        List<Condition> all = new ArrayList<>();
        all.add(LEDGER_ENTRY.TENANT_ID.eq(tenant.value()));
        if (filter.from() != null) {
            all.add(LEDGER_ENTRY.RECORDED_AT.ge(filter.from()));
        }
        if (filter.to() != null) {
            all.add(LEDGER_ENTRY.RECORDED_AT.lt(filter.to()));
        }
        if (filter.actor() != null) {
            all.add(LEDGER_ENTRY.ACTOR.eq(filter.actor()));
        }
        if (filter.action() != null) {
            all.add(LEDGER_ENTRY.ACTION.eq(filter.action()));
        }
        if (filter.resource() != null) {
            all.add(isAtOrUnder(filter.resource()));
        }
        if (filter.outcome() != null) {
            // Inline, so that the index of what did not succeed can be seen to apply.
            all.add(LEDGER_ENTRY.OUTCOME.eq(DSL.inline((short) filter.outcome().number())));
        }
        if (filter.runId() != null) {
            all.add(LEDGER_ENTRY.RUN_ID.eq(filter.runId()));
        }
        if (filter.type() != null) {
            all.add(LEDGER_ENTRY.TYPE.eq(filter.type()));
        }
        if (!filter.envs().isEmpty()) {
            all.add(LEDGER_ENTRY.ENV.in(
                    filter.envs().stream().map(Environment::value).toList()));
        }
        if (filter.afterSeq() != null) {
            all.add(
                    filter.ascending()
                            ? LEDGER_ENTRY.SEQ.gt(filter.afterSeq())
                            : LEDGER_ENTRY.SEQ.lt(filter.afterSeq()));
        }
        return all;
    }

    /** Whole segments only: what is under `a:b` begins with `a:b/`, and `0` is the byte behind `/`. */
    private static Condition isAtOrUnder(ResourcePath path) {
        return LEDGER_ENTRY
                .RESOURCE
                .eq(path.value())
                .or(LEDGER_ENTRY.RESOURCE.ge(path.value() + "/").and(LEDGER_ENTRY.RESOURCE.lt(path.value() + "0")));
    }
}
