package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.DECISION_RECORD;
import static dev.assize.server.storage.generated.Tables.LEDGER_ENTRY;

import com.google.inject.Inject;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionColumns;
import dev.assize.server.recording.DecisionFilter;
import dev.assize.server.recording.DecisionPack;
import dev.assize.server.recording.DecisionStore;
import dev.assize.server.recording.RecordedDecision;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jooq.Condition;
import org.jooq.Row2;
import org.jooq.SortOrder;
import org.jooq.impl.DSL;

/**
 * Decisions on record in PostgreSQL, each pack in the transaction that appends the entry which vouches for it. Conditions
 * are equalities and ranges only, as PostgreSQL pushes them below row-level security into an index.
 */
final class PostgresDecisionStore implements DecisionStore {

    private static final List<String> TEXT_COLUMNS = List.of(
            DecisionColumns.DECISION_ID,
            DecisionColumns.SUBJECT,
            DecisionColumns.ACTION,
            DecisionColumns.RESOURCE,
            DecisionColumns.ENV,
            DecisionColumns.REASON);

    private static final String INSERT =
            "INSERT INTO assize.decision_record (tenant_id, seq, record, position, decided_at,"
                    + " allowed, " + String.join(", ", TEXT_COLUMNS)
                    + ") SELECT ?, ?::bigint, d.* FROM unnest(?::bytea[],"
                    + " ?::integer[], ?::bigint[], ?::boolean[]" + ", ?::text[]".repeat(TEXT_COLUMNS.size()) + ") AS d";

    private static final String BESIDE =
            "SELECT position, record, decided_at, allowed, " + String.join(", ", TEXT_COLUMNS)
                    + " FROM assize.decision_record WHERE tenant_id = ? AND seq = ? ORDER BY position";

    /** From one entry's decisions to the next, so that the cost is that of the entries. */
    private static final String ORPHAN = "WITH RECURSIVE besides (seq) AS ((SELECT d.seq FROM assize.decision_record d"
            + " WHERE d.tenant_id = ? AND d.seq BETWEEN ? AND ? ORDER BY d.seq LIMIT 1) UNION ALL SELECT (SELECT d.seq"
            + " FROM assize.decision_record d WHERE d.tenant_id = ? AND d.seq > b.seq AND d.seq <= ? ORDER BY d.seq LIMIT 1)"
            + " FROM besides b WHERE b.seq IS NOT NULL) SELECT b.seq FROM besides b WHERE b.seq IS NOT NULL AND NOT EXISTS"
            + " (SELECT FROM assize.ledger_entry e WHERE e.tenant_id = ? AND e.seq = b.seq AND e.type = '"
            + DecisionPack.ENTRY_TYPE + "') ORDER BY b.seq LIMIT 1";

    private final Database database;
    private final LedgerWriter writer;

    @Inject
    PostgresDecisionStore(Database database, LedgerWriter writer) {
        this.database = database;
        this.writer = writer;
    }

    @Override
    public AppendResult append(TenantId tenant, AppendCommand command, DecisionPack pack) {
        return database.inTransaction(tenant.value(), transaction -> {
            AppendResult result =
                    writer.append(transaction, tenant, List.of(command)).getFirst();
            if (result instanceof AppendResult.Appended(var receipts)) {
                insert(transaction, tenant, receipts.getFirst().seq(), pack.records());
            }
            return result;
        });
    }

    private static void insert(TenantTransaction transaction, TenantId tenant, long seq, List<byte[]> records)
            throws SQLException {
        List<SortedMap<String, String>> columns =
                records.stream().map(DecisionColumns::of).toList();
        List<Integer> positions = new ArrayList<>();
        for (int i = 0; i < records.size(); i++) {
            positions.add(i);
        }
        try (PreparedStatement statement = transaction.connection().prepareStatement(INSERT)) {
            StatementArrays arrays = new StatementArrays(statement);
            arrays.text(tenant.value());
            arrays.text(Long.toString(seq));
            arrays.bytes(records, record -> record);
            arrays.numbers("int4", positions, position -> Integer.toString(position));
            arrays.numbers("int8", columns, row -> row.get(DecisionColumns.DECIDED_AT));
            arrays.truths(columns, row -> Boolean.valueOf(row.get(DecisionColumns.ALLOWED)));
            for (String column : TEXT_COLUMNS) {
                arrays.texts(columns, row -> row.get(column));
            }
            statement.executeUpdate();
        }
    }

    @Override
    public List<RecordedDecision> find(TenantId tenant, DecisionFilter filter) {
        SortOrder order = filter.ascending() ? SortOrder.ASC : SortOrder.DESC;
        return database.inSnapshot(
                tenant.value(),
                transaction -> transaction
                        .sql()
                        .select(DECISION_RECORD.SEQ, DECISION_RECORD.POSITION, DECISION_RECORD.RECORD)
                        .from(DECISION_RECORD)
                        .where(conditions(tenant, filter))
                        .orderBy(DECISION_RECORD.SEQ.sort(order), DECISION_RECORD.POSITION.sort(order))
                        .limit(filter.limit())
                        .fetch(row -> RecordedDecision.of(row.value1(), row.value2(), row.value3())));
    }

    private static List<Condition> conditions(TenantId tenant, DecisionFilter filter) {
        List<Condition> all = new ArrayList<>();
        all.add(DECISION_RECORD.TENANT_ID.eq(tenant.value()));
        if (filter.from() != null) {
            all.add(DECISION_RECORD.DECIDED_AT.ge(micros(filter.from())));
        }
        if (filter.to() != null) {
            all.add(DECISION_RECORD.DECIDED_AT.lt(micros(filter.to())));
        }
        if (filter.subject() != null) {
            all.add(DECISION_RECORD.SUBJECT.eq(filter.subject()));
        }
        if (filter.action() != null) {
            all.add(DECISION_RECORD.ACTION.eq(filter.action()));
        }
        if (filter.resource() != null) {
            all.add(isAtOrUnder(filter.resource()));
        }
        if (filter.decisionId() != null) {
            all.add(DECISION_RECORD.DECISION_ID.eq(filter.decisionId()));
        }
        if (filter.reason() != null) {
            all.add(DECISION_RECORD.REASON.eq(filter.reason().name()));
        }
        Boolean allowed = filter.reason() == null
                ? filter.allowed()
                : Boolean.valueOf(filter.reason().isAllow());
        if (allowed != null) {
            // As the index of denies says it.
            all.add(DSL.condition(allowed ? "allowed" : "NOT allowed"));
        }
        if (filter.allowed() != null
                && filter.reason() != null
                && filter.allowed() != filter.reason().isAllow()) {
            all.add(DSL.falseCondition());
        }
        if (!filter.envs().isEmpty()) {
            all.add(DECISION_RECORD.ENV.in(
                    filter.envs().stream().map(Environment::value).toList()));
        }
        if (filter.after() != null) {
            Row2<Long, Integer> place = DSL.row(DECISION_RECORD.SEQ, DECISION_RECORD.POSITION);
            Row2<Long, Integer> after =
                    DSL.row(filter.after().seq(), filter.after().position());
            all.add(filter.ascending() ? place.gt(after) : place.lt(after));
        }
        return all;
    }

    /** Whole segments only: what is under `a:b` begins with `a:b/`, and `0` is the byte behind `/`. */
    private static Condition isAtOrUnder(ResourcePath path) {
        return DECISION_RECORD
                .RESOURCE
                .eq(path.value())
                .or(DECISION_RECORD
                        .RESOURCE
                        .ge(path.value() + "/")
                        .and(DECISION_RECORD.RESOURCE.lt(path.value() + "0")));
    }

    @Override
    public boolean contains(TenantId tenant, String decisionId) {
        return contains(tenant, DECISION_RECORD.DECISION_ID.eq(decisionId));
    }

    @Override
    public boolean contains(TenantId tenant, String decisionId, byte[] record) {
        return contains(tenant, DECISION_RECORD.DECISION_ID.eq(decisionId).and(DECISION_RECORD.RECORD.eq(record)));
    }

    private boolean contains(TenantId tenant, Condition wanted) {
        return database.inSnapshot(
                tenant.value(),
                transaction -> transaction
                        .sql()
                        .fetchExists(DSL.selectOne()
                                .from(DECISION_RECORD)
                                .where(DECISION_RECORD.TENANT_ID.eq(tenant.value()))
                                .and(wanted)));
    }

    @Override
    public List<StoredDecision> beside(TenantId tenant, long seq) {
        return database.inSnapshot(tenant.value(), transaction -> {
            List<StoredDecision> stored = new ArrayList<>();
            try (PreparedStatement statement = transaction.connection().prepareStatement(BESIDE)) {
                statement.setString(1, tenant.value());
                statement.setLong(2, seq);
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        stored.add(stored(row));
                    }
                }
            }
            return stored;
        });
    }

    private static StoredDecision stored(ResultSet row) throws SQLException {
        SortedMap<String, String> columns = new TreeMap<>();
        columns.put(DecisionColumns.DECIDED_AT, Long.toString(row.getLong(3)));
        columns.put(DecisionColumns.ALLOWED, Boolean.toString(row.getBoolean(4)));
        for (String column : TEXT_COLUMNS) {
            columns.put(column, String.valueOf(row.getString(column)));
        }
        return new StoredDecision(row.getInt(1), row.getBytes(2), columns);
    }

    @Override
    public Optional<byte[]> frame(TenantId tenant, long seq) {
        return database.inSnapshot(
                tenant.value(),
                transaction -> transaction
                        .sql()
                        .select(LEDGER_ENTRY.FRAME)
                        .from(LEDGER_ENTRY)
                        .where(LEDGER_ENTRY.TENANT_ID.eq(tenant.value()))
                        .and(LEDGER_ENTRY.SEQ.eq(seq))
                        .fetchOptional(row -> row.value1()));
    }

    @Override
    public OptionalLong orphan(TenantId tenant, long fromSeq, long toSeq) {
        return database.inSnapshot(tenant.value(), transaction -> {
            try (PreparedStatement statement = transaction.connection().prepareStatement(ORPHAN)) {
                statement.setString(1, tenant.value());
                statement.setLong(2, fromSeq);
                statement.setLong(3, toSeq);
                statement.setString(4, tenant.value());
                statement.setLong(5, toSeq);
                statement.setString(6, tenant.value());
                try (ResultSet row = statement.executeQuery()) {
                    return row.next() ? OptionalLong.of(row.getLong(1)) : OptionalLong.empty();
                }
            }
        });
    }

    private static long micros(Instant time) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, time);
    }
}
