package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionFilter;
import dev.assize.server.recording.DecisionPack;
import dev.assize.server.recording.DecisionPage;
import dev.assize.server.recording.DecisionStore;
import dev.assize.server.recording.DecisionTerms;
import dev.assize.server.recording.DecisionTerms.Found;
import dev.assize.server.recording.DecisionTerms.Term;
import dev.assize.server.recording.Positions;
import dev.assize.server.recording.RecordedDecision;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Decisions on record in PostgreSQL, each pack in the transaction that appends the entry which vouches for it: its records in
 * pages, and a row for each value by which some of them are found. So what a decision costs is a part of a page and what it
 * alone has, its id; what others of its pack have, too, it shares with them.
 */
final class PostgresDecisionStore implements DecisionStore {

    private static final String INSERT_PAGES =
            "INSERT INTO assize.decision_page (tenant_id, seq, first_position, records,"
                    + " first_at, last_at) SELECT ?, ?, p.* FROM unnest(?) AS p";

    private static final String PAGE_TYPE = "assize.decision_page_row";
    private static final int PAGE_COLUMNS = 4;

    private static final String INSERT_TERMS =
            "INSERT INTO assize.decision_term (tenant_id, seq, kind, value, positions)"
                    + " SELECT ?, ?, t.* FROM unnest(?) AS t";

    private static final String TERM_TYPE = "assize.decision_term_row";
    private static final int TERM_COLUMNS = 3;

    private static final String PAGES = "SELECT first_position, records, first_at, last_at FROM assize.decision_page"
            + " WHERE tenant_id = ? AND seq = ? ORDER BY first_position";

    private static final String TERMS =
            "SELECT w.place, t.positions FROM unnest(?::integer[], ?::smallint[], ?::text[])"
                    + " AS w (place, kind, value) CROSS JOIN LATERAL (SELECT positions FROM assize.decision_term"
                    + " WHERE tenant_id = ? AND kind = w.kind AND value = w.value AND seq = ? LIMIT 1) AS t";

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
        List<Found> terms = DecisionTerms.found(pack.records());
        return database.inTransaction(tenant.value(), transaction -> {
            AppendResult result =
                    writer.append(transaction, tenant, List.of(command)).getFirst();
            if (result instanceof AppendResult.Appended(var receipts)) {
                insert(tenant, receipts.getFirst().seq(), pages, terms).run(transaction.connection());
            }
            return result;
        });
    }

    private static Trip insert(TenantId tenant, long seq, List<DecisionPage> pages, List<Found> terms) {
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
                .then(INSERT_TERMS, parameters -> {
                    parameters.text(tenant.value());
                    parameters.longNumber(seq);
                    parameters.rows(
                            TERM_TYPE,
                            TERM_COLUMNS,
                            terms,
                            (term, row) -> row.int2(term.kind().number())
                                    .text(term.value())
                                    .bytea(term.positions().bytes()));
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
    public Map<Term, Positions> terms(TenantId tenant, long seq, Collection<Term> wanted) {
        List<Term> terms = List.copyOf(wanted);
        List<Integer> places = IntStream.range(0, terms.size()).boxed().toList();
        return database.inSnapshot(tenant.value(), transaction -> {
            Map<Term, Positions> found = new HashMap<>();
            try (PreparedStatement statement = transaction.connection().prepareStatement(TERMS)) {
                StatementArrays arrays = new StatementArrays(statement);
                arrays.numbers("int4", places, place -> Integer.toString(place));
                arrays.numbers("int2", terms, term -> Short.toString(term.kind().number()));
                arrays.texts(terms, Term::value);
                arrays.text(tenant.value());
                arrays.longNumber(seq);
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        found.put(terms.get(row.getInt(1)), new Positions(row.getBytes(2)));
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
