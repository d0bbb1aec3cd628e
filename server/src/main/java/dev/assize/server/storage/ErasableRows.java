package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.LEDGER_PAYLOAD;

import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.ledger.Sequencer.SequencedEntry;
import dev.assize.server.model.TenantId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jooq.impl.DSL;

/** The values beside entries. */
final class ErasableRows {

    private static final String INSERT = "INSERT INTO assize.ledger_payload (tenant_id, seq, field, salt, value)"
            + " SELECT ?, v.* FROM unnest(?::bigint[], ?::smallint[], ?::bytea[], ?::bytea[]) AS v";

    private ErasableRows() {}

    static void insert(Trip writes, TenantId tenant, List<SequencedEntry> entries) {
        List<Row> rows = new ArrayList<>();
        entries.forEach(entry -> entry.beside().forEach(value -> rows.add(new Row(entry.seq(), value))));
        if (rows.isEmpty()) {
            return;
        }
        writes.then(INSERT, arrays -> {
            arrays.text(tenant.value());
            arrays.longs(rows, Row::seq);
            arrays.numbers("int2", rows, row -> Integer.toString(row.value().field()));
            arrays.bytes(rows, row -> row.value().salt());
            arrays.bytes(rows, row -> row.value().value());
        });
    }

    /** Those of some entries, by position, in the order of fields. */
    static Map<Long, List<ErasableValue>> find(TenantTransaction transaction, TenantId tenant, Collection<Long> seqs) {
        Map<Long, List<ErasableValue>> found = new HashMap<>();
        if (!seqs.isEmpty()) {
            transaction
                    .sql()
                    .select(LEDGER_PAYLOAD.SEQ, LEDGER_PAYLOAD.FIELD, LEDGER_PAYLOAD.SALT, LEDGER_PAYLOAD.VALUE)
                    .from(LEDGER_PAYLOAD)
                    .where(LEDGER_PAYLOAD.TENANT_ID.eq(tenant.value()))
                    .and(LEDGER_PAYLOAD.SEQ.eq(DSL.any(seqs.toArray(Long[]::new))))
                    .orderBy(LEDGER_PAYLOAD.SEQ, LEDGER_PAYLOAD.FIELD)
                    .forEach(row -> found.computeIfAbsent(row.value1(), _ -> new ArrayList<>())
                            .add(new ErasableValue(row.value2(), row.value3(), row.value4())));
        }
        return found;
    }

    private record Row(long seq, ErasableValue value) {}
}
