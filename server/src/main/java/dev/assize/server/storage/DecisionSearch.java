package dev.assize.server.storage;

import dev.assize.server.model.Environment;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionFilter;
import dev.assize.server.recording.DecisionFilter.Place;
import dev.assize.server.recording.DecisionPack;
import dev.assize.server.recording.DecisionPage;
import dev.assize.server.recording.DecisionTerms;
import dev.assize.server.recording.DecisionTerms.Kind;
import dev.assize.server.recording.DecisionTerms.Term;
import dev.assize.server.recording.IdTime;
import dev.assize.server.recording.MalformedRecordException;
import dev.assize.server.recording.Positions;
import dev.assize.server.recording.RecordedDecision;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Finds decisions in one transaction: packs in which every term of the question occurs, in the order asked for; of each the
 * positions that have all of them; and of those the pages. Each decision is then held to the whole question, so that no term
 * can bring up what does not belong there.
 *
 * <p>Terms are compared by equality only, as PostgreSQL pushes it below row-level security into an index.
 */
final class DecisionSearch {

    /** Packs that are named in one round trip. */
    private static final int PACKS = 256;

    /** Pages that are read in one round trip: about a MiB. */
    private static final int PAGES = 64;

    private static final int PAGES_OF_A_PACK = DecisionPack.MAX_DECISIONS / DecisionPage.DECISIONS;

    private static final String READ_PAGES = "SELECT p.seq, p.first_position, p.records"
            + " FROM unnest(?::bigint[], ?::integer[]) AS w (seq, first_position)"
            + " JOIN assize.decision_page p ON p.tenant_id = ? AND p.seq = w.seq AND p.first_position = w.first_position"
            + " WHERE p.last_at >= ? AND p.first_at < ?";

    /** The time of those is part of the question, too. */
    private static final String WITHIN = " AND EXISTS (SELECT FROM assize.decision_page d WHERE d.tenant_id = ?"
            + " AND d.seq = t.seq AND d.last_at >= ? AND d.first_at < ?)";

    private static final String PAGES_OF_TIME = "SELECT seq, first_position, records FROM assize.decision_page"
            + " WHERE tenant_id = ? AND last_at BETWEEN ? AND ? AND first_at <= ?";

    private final TenantTransaction transaction;
    private final TenantId tenant;
    private final DecisionFilter filter;
    private final boolean passesOverAltered;
    private final List<Term> terms;
    private final List<String> envs;
    private final long from;
    private final long to;
    private final List<RecordedDecision> found = new ArrayList<>();

    private DecisionSearch(
            TenantTransaction transaction, TenantId tenant, DecisionFilter filter, boolean passesOverAltered) {
        this.transaction = transaction;
        this.tenant = tenant;
        this.filter = filter;
        this.passesOverAltered = passesOverAltered;
        this.terms = terms(filter);
        this.envs = filter.envs().stream().map(Environment::value).toList();
        this.from = filter.from() == null ? Long.MIN_VALUE : micros(filter.from());
        // Up to the next whole one: what is found is held to the filter itself.
        this.to = filter.to() == null ? Long.MAX_VALUE : micros(filter.to().plusNanos(999));
    }

    /**
     * The decisions that fit.
     *
     * @throws MalformedRecordException where one that may fit was altered
     */
    static List<RecordedDecision> find(TenantTransaction transaction, TenantId tenant, DecisionFilter filter)
            throws SQLException {
        return new DecisionSearch(transaction, tenant, filter, false).run();
    }

    /** The same without those that were altered: to find them is for whoever verifies the ledger. */
    static List<RecordedDecision> findReadable(TenantTransaction transaction, TenantId tenant, DecisionFilter filter)
            throws SQLException {
        return new DecisionSearch(transaction, tenant, filter, true).run();
    }

    /** The rarest kind first: its packs are walked along. */
    private static List<Term> terms(DecisionFilter filter) {
        List<Term> terms = new ArrayList<>();
        add(terms, Kind.ID, filter.decisionId());
        add(terms, Kind.SUBJECT, filter.subject());
        add(
                terms,
                Kind.RESOURCE,
                filter.resource() == null ? null : filter.resource().value());
        if (filter.reason() != null && !filter.reason().isAllow()) {
            add(terms, Kind.REASON, filter.reason().name());
        }
        add(terms, Kind.ACTION, filter.action());
        Boolean allowed = filter.reason() == null
                ? filter.allowed()
                : Boolean.valueOf(filter.reason().isAllow());
        if (allowed != null) {
            add(terms, Kind.OUTCOME, allowed ? DecisionTerms.ALLOW : DecisionTerms.DENY);
        }
        return terms;
    }

    private static void add(List<Term> terms, Kind kind, @Nullable String value) {
        if (value != null) {
            terms.add(new Term(kind, value));
        }
    }

    private List<RecordedDecision> run() throws SQLException {
        Long behind = null;
        List<Match> matches;
        do {
            matches = packs(behind);
            if (!matches.isEmpty()) {
                behind = matches.getLast().seq();
                read(matches);
            }
        } while (matches.size() == PACKS && found.size() < filter.limit());
        if (filter.decisionId() != null) {
            addByTime(filter.decisionId());
        }
        return List.copyOf(found);
    }

    /** Adds what has an id that tells its time. That somebody altered another decision of that time does not matter here. */
    private void addByTime(String id) throws SQLException {
        OptionalLong told = IdTime.micros(id);
        if (told.isEmpty()) {
            return;
        }
        Map<Place, RecordedDecision> all = new HashMap<>();
        found.forEach(decision -> all.put(place(decision), decision));
        try (PreparedStatement statement = transaction.connection().prepareStatement(PAGES_OF_TIME)) {
            statement.setString(1, tenant.value());
            statement.setLong(2, told.getAsLong() - IdTime.SLACK_MICROS);
            statement.setLong(3, told.getAsLong() + IdTime.SLACK_MICROS + IdTime.PAGE_MICROS);
            statement.setLong(4, told.getAsLong() + IdTime.SLACK_MICROS);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    long seq = row.getLong(1);
                    int position = row.getInt(2);
                    for (byte[] record : new DecisionPage(position, row.getBytes(3), from, to).records()) {
                        RecordedDecision decision = decodeIfReadable(seq, position++, record);
                        if (decision != null && filter.fits(decision)) {
                            all.put(place(decision), decision);
                        }
                    }
                }
            }
        }
        found.clear();
        all.values().stream().sorted(order()).limit(filter.limit()).forEach(found::add);
    }

    private static Place place(RecordedDecision decision) {
        return new Place(decision.seq(), decision.position());
    }

    private Comparator<RecordedDecision> order() {
        Comparator<RecordedDecision> order =
                Comparator.comparingLong(RecordedDecision::seq).thenComparingInt(RecordedDecision::position);
        return filter.ascending() ? order : order.reversed();
    }

    /** The next packs in which every term occurs, and where in them. */
    private List<Match> packs(@Nullable Long behind) throws SQLException {
        List<Match> packs = new ArrayList<>();
        try (PreparedStatement statement = transaction.connection().prepareStatement(packsQuery(behind))) {
            fillPacks(new StatementArrays(statement), behind);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    packs.add(new Match(row.getLong(1), positions(row)));
                }
            }
        }
        return packs;
    }

    private String packsQuery(@Nullable Long behind) {
        StringBuilder columns = new StringBuilder("SELECT t.seq");
        StringBuilder joins = new StringBuilder();
        if (terms.isEmpty()) {
            joins.append(" FROM (SELECT DISTINCT p.seq FROM assize.decision_page p WHERE p.tenant_id = ?"
                    + " AND p.last_at >= ? AND p.first_at < ?) AS t");
        } else {
            columns.append(", t.positions");
            joins.append(" FROM (SELECT seq, positions FROM assize.decision_term WHERE tenant_id = ? AND kind = ?"
                    + " AND value = ?) AS t");
        }
        for (int i = 1; i < terms.size(); i++) {
            columns.append(", t").append(i).append(".positions");
            joins.append(
                            " JOIN assize.decision_term t%1$d ON t%1$d.tenant_id = ? AND t%1$d.kind = ? AND t%1$d.value = ?"
                                    .formatted(i))
                    .append(" AND t%d.seq = t.seq".formatted(i));
        }
        if (!envs.isEmpty()) {
            columns.append(", e.positions");
            joins.append(" JOIN LATERAL (SELECT string_agg(x.positions, ''::bytea) AS positions"
                    + " FROM assize.decision_term x WHERE x.tenant_id = ? AND x.kind = ? AND x.value = ANY (?)"
                    + " AND x.seq = t.seq) AS e ON e.positions IS NOT NULL");
        }
        joins.append(" WHERE true");
        if (!terms.isEmpty() && isLimitedInTime()) {
            joins.append(WITHIN);
        }
        if (filter.after() != null) {
            joins.append(filter.ascending() ? " AND t.seq >= ?" : " AND t.seq <= ?");
        }
        if (behind != null) {
            joins.append(filter.ascending() ? " AND t.seq > ?" : " AND t.seq < ?");
        }
        return columns.append(joins) + " ORDER BY t.seq " + (filter.ascending() ? "ASC" : "DESC") + " LIMIT " + PACKS;
    }

    private void fillPacks(StatementArrays parameters, @Nullable Long behind) throws SQLException {
        if (terms.isEmpty()) {
            fillTime(parameters);
        }
        for (Term term : terms) {
            parameters.text(tenant.value());
            parameters.number(term.kind().number());
            parameters.text(term.value());
        }
        if (!envs.isEmpty()) {
            parameters.text(tenant.value());
            parameters.number(Kind.ENV.number());
            parameters.texts(envs, env -> env);
        }
        if (!terms.isEmpty() && isLimitedInTime()) {
            fillTime(parameters);
        }
        if (filter.after() != null) {
            parameters.longNumber(filter.after().seq());
        }
        if (behind != null) {
            parameters.longNumber(behind);
        }
    }

    private boolean isLimitedInTime() {
        return filter.from() != null || filter.to() != null;
    }

    private void fillTime(StatementArrays parameters) throws SQLException {
        parameters.text(tenant.value());
        parameters.longNumber(from);
        parameters.longNumber(to);
    }

    /** Where every term is; null where any place may fit. */
    private @Nullable BitSet positions(ResultSet row) throws SQLException {
        int columns = terms.size() + (envs.isEmpty() ? 0 : 1);
        BitSet all = null;
        for (int column = 0; column < columns; column++) {
            BitSet one = new Positions(row.getBytes(2 + column)).toSet();
            if (all == null) {
                all = one;
            } else {
                all.and(one);
            }
        }
        return all;
    }

    /** Reads the pages of matches, until enough is found. */
    private void read(List<Match> matches) throws SQLException {
        List<Wanted> wanted = new ArrayList<>();
        for (Match match : matches) {
            addPages(match, wanted);
            if (wanted.size() >= PAGES) {
                take(wanted);
                wanted.clear();
                if (found.size() >= filter.limit()) {
                    return;
                }
            }
        }
        take(wanted);
    }

    private void addPages(Match match, List<Wanted> wanted) {
        Place after = filter.after();
        for (int page = 0; page < PAGES_OF_A_PACK; page++) {
            int first = page * DecisionPage.DECISIONS;
            int end = first + DecisionPage.DECISIONS;
            boolean isPast = after != null
                    && after.seq() == match.seq()
                    && (filter.ascending() ? end <= after.position() : first >= after.position());
            int next = match.positions() == null ? first : match.positions().nextSetBit(first);
            if (!isPast && next >= 0 && next < end) {
                wanted.add(new Wanted(match, first));
            }
        }
    }

    private void take(List<Wanted> wanted) throws SQLException {
        Map<Long, Match> matches = new HashMap<>();
        wanted.forEach(page -> matches.put(page.match().seq(), page.match()));
        List<RecordedDecision> taken = new ArrayList<>();
        try (PreparedStatement statement = transaction.connection().prepareStatement(READ_PAGES)) {
            StatementArrays arrays = new StatementArrays(statement);
            arrays.longs(wanted, page -> page.match().seq());
            arrays.numbers("int4", wanted, page -> Integer.toString(page.first()));
            fillTime(arrays);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    long seq = row.getLong(1);
                    addFitting(matches.get(seq), new DecisionPage(row.getInt(2), row.getBytes(3), from, to), taken);
                }
            }
        }
        taken.sort(order());
        found.addAll(taken.subList(0, Math.min(taken.size(), filter.limit() - found.size())));
    }

    private void addFitting(@Nullable Match match, DecisionPage page, List<RecordedDecision> fitting) {
        if (match == null) {
            return;
        }
        int position = page.firstPosition();
        for (byte[] record : page.records()) {
            if (match.positions() == null || match.positions().get(position)) {
                RecordedDecision decision = decode(match.seq(), position, record);
                if (decision != null && filter.fits(decision)) {
                    fitting.add(decision);
                }
            }
            position++;
        }
    }

    private @Nullable RecordedDecision decode(long seq, int position, byte[] record) {
        return passesOverAltered ? decodeIfReadable(seq, position, record) : RecordedDecision.of(seq, position, record);
    }

    private static @Nullable RecordedDecision decodeIfReadable(long seq, int position, byte[] record) {
        try {
            return RecordedDecision.of(seq, position, record);
        } catch (MalformedRecordException altered) {
            return null;
        }
    }

    static long micros(Instant time) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, time);
    }

    /** A pack, and which of its decisions have every term; null for all of them. */
    private record Match(long seq, @Nullable BitSet positions) {}

    /** A page of a pack. */
    private record Wanted(Match match, int first) {}
}
