package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionFilter;
import dev.assize.server.recording.DecisionPack;
import dev.assize.server.recording.DecisionPage;
import dev.assize.server.recording.DecisionStore;
import dev.assize.server.recording.RecordedDecision;
import dev.assize.server.recording.TermBucket;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Decisions on record in PostgreSQL, each pack in the transaction that appends the entry which vouches for it: its records in
 * pages, and what some of them are found by in buckets. So what a decision of a large pack costs is a part of a page and a part
 * of a bucket.
 */
final class PostgresDecisionStore implements DecisionStore {

    private static final String INSERT_PAGES =
            "INSERT INTO assize.decision_page (tenant_id, seq, first_position, records,"
                    + " first_at, last_at) SELECT ?, ?, p.* FROM unnest(?) AS p";

    private static final String PAGE_TYPE = "assize.decision_page_row";
    private static final int PAGE_COLUMNS = 4;

    private static final String INSERT_BUCKETS = "INSERT INTO assize.decision_bucket (tenant_id, seq, bucket, terms)"
            + " SELECT ?, ?, b.* FROM unnest(?) AS b";

    private static final String BUCKET_TYPE = "assize.decision_bucket_row";
    private static final int BUCKET_COLUMNS = 2;

    private static final String PAGES = "SELECT first_position, records, first_at, last_at FROM assize.decision_page"
            + " WHERE tenant_id = ? AND seq = ? ORDER BY first_position";

    private static final String PAGE_PLACES = "SELECT seq FROM assize.decision_page"
            + " WHERE tenant_id = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?";

    private static final String BUCKETS = "SELECT bucket, terms FROM assize.decision_bucket"
            + " WHERE bucket = ANY (?) AND tenant_id = ? AND seq = ? ORDER BY bucket";

    /** Decisions of one id that are looked at: nodes that answer one retry at a time name what they answer alike. */
    private static final int OF_ONE_ID = 1_000;

    /** From one entry's decisions to the next, so that the cost is that of the entries. */
    private static final String FRAME = "SELECT frame FROM assize.ledger_entry WHERE tenant_id = ? AND seq = ?";

    private static final String ORPHAN = "WITH RECURSIVE besides (seq) AS ((SELECT d.seq FROM assize.decision_page d"
            + " WHERE d.tenant_id = ? AND d.seq BETWEEN ? AND ? ORDER BY d.seq LIMIT 1) UNION ALL SELECT (SELECT d.seq"
            + " FROM assize.decision_page d WHERE d.tenant_id = ? AND d.seq > b.seq AND d.seq <= ? ORDER BY d.seq LIMIT 1)"
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
        List<DecisionPage> pages = DecisionPage.of(pack.records());
        List<TermBucket> buckets = TermBucket.of(pack.records());
        return database.inTransaction(tenant.value(), transaction -> {
            AppendResult result =
                    writer.append(transaction, tenant, List.of(command)).getFirst();
            if (result instanceof AppendResult.Appended(var receipts)) {
                insert(tenant, receipts.getFirst().seq(), pages, buckets).run(transaction.connection());
            }
            return result;
        });
    }

    private static Trip insert(TenantId tenant, long seq, List<DecisionPage> pages, List<TermBucket> buckets) {
        return new Trip()
                .then(INSERT_PAGES, parameters -> {
                    parameters.text(tenant.value());
                    parameters.longNumber(seq);
                    parameters.rows(
                            PAGE_TYPE,
                            PAGE_COLUMNS,
                            pages,
                            (page, row) -> row.int4(page.firstPosition())
                                    .bytea(page.bytes())
                                    .int8(page.firstAt())
                                    .int8(page.lastAt()));
                })
                .then(INSERT_BUCKETS, parameters -> {
                    parameters.text(tenant.value());
                    parameters.longNumber(seq);
                    parameters.rows(
                            BUCKET_TYPE,
                            BUCKET_COLUMNS,
                            buckets,
                            (bucket, row) -> row.int4(bucket.number()).bytea(bucket.terms()));
                });
    }

    @Override
    public List<RecordedDecision> find(TenantId tenant, DecisionFilter filter) {
        boolean contradicts = filter.allowed() != null
                && filter.reason() != null
                && filter.allowed() != filter.reason().isAllow();
        return contradicts
                ? List.of()
                : database.inSnapshot(tenant.value(), transaction -> DecisionSearch.find(transaction, tenant, filter));
    }

    @Override
    public boolean contains(TenantId tenant, String decisionId) {
        return !ofId(tenant, decisionId).isEmpty();
    }

    @Override
    public boolean contains(TenantId tenant, String decisionId, byte[] record) {
        return ofId(tenant, decisionId).stream().anyMatch(decision -> Arrays.equals(decision.bytes(), record));
    }

    private List<RecordedDecision> ofId(TenantId tenant, String id) {
        DecisionFilter filter =
                new DecisionFilter(null, null, null, null, null, null, null, id, Set.of(), false, null, OF_ONE_ID);
        return database.inSnapshot(
                tenant.value(), transaction -> DecisionSearch.findReadable(transaction, tenant, filter));
    }

    @Override
    public List<DecisionPage> pages(TenantId tenant, long seq) {
        return database.inSnapshot(tenant.value(), transaction -> pages(transaction, tenant, seq));
    }

    /** What stands beside an entry. */
    static List<DecisionPage> pages(TenantTransaction transaction, TenantId tenant, long seq) throws SQLException {
        List<DecisionPage> pages = new ArrayList<>();
        try (PreparedStatement statement = transaction.connection().prepareStatement(PAGES)) {
            statement.setString(1, tenant.value());
            statement.setLong(2, seq);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    pages.add(new DecisionPage(row.getInt(1), row.getBytes(2), row.getLong(3), row.getLong(4)));
                }
            }
        }
        return pages;
    }

    @Override
    public List<Long> pagePlaces(TenantId tenant, long fromSeq, long toSeq, int most) {
        return database.inSnapshot(
                tenant.value(),
                transaction -> transaction.read(
                        PAGE_PLACES,
                        parameters -> {
                            parameters.text(tenant.value());
                            parameters.longNumber(fromSeq);
                            parameters.longNumber(toSeq);
                            parameters.number(most);
                        },
                        row -> row.getLong(1)));
    }

    @Override
    public List<TermBucket> buckets(TenantId tenant, long seq, Collection<Integer> numbers) {
        return database.inSnapshot(tenant.value(), transaction -> {
            List<TermBucket> found = new ArrayList<>();
            try (PreparedStatement statement = transaction.connection().prepareStatement(BUCKETS)) {
                StatementArrays parameters = new StatementArrays(statement);
                parameters.numbers("int4", List.copyOf(numbers), number -> Integer.toString(number));
                parameters.text(tenant.value());
                parameters.longNumber(seq);
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        found.add(new TermBucket(row.getInt(1), row.getBytes(2)));
                    }
                }
            }
            return found;
        });
    }

    @Override
    public Optional<byte[]> frame(TenantId tenant, long seq) {
        return database.inSnapshot(
                tenant.value(),
                transaction -> transaction.find(
                        FRAME,
                        parameters -> {
                            parameters.text(tenant.value());
                            parameters.longNumber(seq);
                        },
                        row -> row.getBytes(1)));
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
}
