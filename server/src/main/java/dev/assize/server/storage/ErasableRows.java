package dev.assize.server.storage;

import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.ledger.Sequencer.SequencedEntry;
import dev.assize.server.model.TenantId;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The values beside entries. */
final class ErasableRows {

    private static final String INSERT = "INSERT INTO assize.ledger_payload (tenant_id, seq, field, salt, value)"
            + " SELECT ?, v.* FROM unnest(?::bigint[], ?::smallint[], ?::bytea[], ?::bytea[]) AS v";

    private static final String FIND = "SELECT seq, field, salt, value FROM assize.ledger_payload"
            + " WHERE tenant_id = ? AND seq = ANY (?::bigint[]) ORDER BY seq, field";

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
    static Map<Long, List<ErasableValue>> find(TenantTransaction transaction, TenantId tenant, Collection<Long> seqs)
            throws SQLException {
        Map<Long, List<ErasableValue>> found = new HashMap<>();
        if (!seqs.isEmpty()) {
            List<Row> rows = transaction.read(
                    FIND,
                    parameters -> {
                        parameters.text(tenant.value());
                        parameters.longs(List.copyOf(seqs), seq -> seq);
                    },
                    row -> new Row(
                            row.getLong(1), new ErasableValue(row.getShort(2), row.getBytes(3), row.getBytes(4))));
            rows.forEach(row ->
                    found.computeIfAbsent(row.seq(), _ -> new ArrayList<>()).add(row.value()));
        }
        return found;
    }

    private record Row(long seq, ErasableValue value) {}
}
