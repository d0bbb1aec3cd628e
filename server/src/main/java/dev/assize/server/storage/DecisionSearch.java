package dev.assize.server.storage;

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
import dev.assize.server.recording.RecordedDecision;
import dev.assize.server.recording.TermHash;
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
 * Finds decisions in one transaction: packs in whose buckets every term of the question may stand, in the order asked for; of
 * each the positions that have all of them; and of those the pages. Each decision is then held to the whole question, so that no
 * term can bring up what does not belong there.
 *
 * <p>Buckets are compared by equality only, as PostgreSQL pushes it below row-level security into an index.
 */
final class DecisionSearch {

    /** Packs that are named in the first round trip; in each further one twice as many. */
    private static final int FIRST_PACKS = 256;

    private static final int MOST_PACKS = 4_096;

    /** Pages that are read in one round trip: about a MiB. */
    private static final int PAGES = 64;

    private static final int PAGES_OF_A_PACK = DecisionPack.MAX_DECISIONS / DecisionPage.DECISIONS;

    private static final String READ_PAGES = "SELECT p.seq, p.first_position, p.records"
            + " FROM unnest(?::bigint[], ?::integer[]) AS w (seq, first_position)"
            + " JOIN assize.decision_page p ON p.tenant_id = ? AND p.seq = w.seq AND p.first_position = w.first_position"
            + " WHERE p.last_at >= ? AND p.first_at < ?";

    private static final String PAGES_OF_TIME = "SELECT seq, first_position, records FROM assize.decision_page"
            + " WHERE tenant_id = ? AND last_at BETWEEN ? AND ? AND first_at <= ?";

    /** That the hash of a term stands in a bucket, or the same bytes by chance. */
    private static final String HOLDS = " AND position(?::bytea IN b.terms) > 0";

    private static final String PACKS_OF_BUCKET =
            "SELECT b.seq, b.terms FROM assize.decision_bucket b WHERE b.bucket = ? AND b.tenant_id = ?" + HOLDS;

    /** The time of those is part of the question, too. */
    private static final String WITHIN = " AND EXISTS (SELECT FROM assize.decision_page p WHERE p.tenant_id = ?"
            + " AND p.seq = b.seq AND p.last_at >= ? AND p.first_at < ?)";

    private static final String PACKS_OF_TIME =
            "SELECT DISTINCT b.seq, NULL::bytea AS terms FROM assize.decision_page b"
                    + " WHERE b.tenant_id = ? AND b.last_at >= ? AND b.first_at < ?";

    private static final String ALSO = " LEFT JOIN LATERAL (SELECT string_agg(b.terms, ''::bytea) AS terms"
            + " FROM assize.decision_bucket b WHERE b.bucket = ANY (?) AND b.tenant_id = ? AND b.seq = t.seq";

    private final TenantTransaction transaction;
    private final TenantId tenant;
    private final DecisionFilter filter;
    private final boolean passesOverAltered;

    /** What a decision has to have; null where no term is asked for. Its packs are walked along. */
    private final @Nullable TermHash first;

    /** What it has to have besides: one of each. */
    private final List<List<TermHash>> others;

    private final long from;
    private final long to;
    private final List<RecordedDecision> found = new ArrayList<>();

    private DecisionSearch(
            TenantTransaction transaction, TenantId tenant, DecisionFilter filter, boolean passesOverAltered) {
        this.transaction = transaction;
        this.tenant = tenant;
        this.filter = filter;
        this.passesOverAltered = passesOverAltered;
        List<TermHash> terms = terms(filter);
        this.first = terms.isEmpty() ? null : terms.getFirst();
        this.others = new ArrayList<>(terms.stream().skip(1).map(List::of).toList());
        if (!filter.envs().isEmpty()) {
            others.add(filter.envs().stream()
                    .map(env -> TermHash.of(new Term(Kind.ENV, env.value())))
                    .toList());
        }
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

    /** The rarest kind first. */
    private static List<TermHash> terms(DecisionFilter filter) {
        List<TermHash> terms = new ArrayList<>();
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

    private static void add(List<TermHash> terms, Kind kind, @Nullable String value) {
        if (value != null) {
            terms.add(TermHash.of(new Term(kind, value)));
        }
    }

    private List<RecordedDecision> run() throws SQLException {
        if (first != null) {
            TenantTransaction.keepIndexOrder(transaction.connection());
        }
        Long behind = null;
        int most = FIRST_PACKS;
        boolean isEnd;
        do {
            List<Match> matches = packs(behind, most);
            isEnd = matches.size() < most;
            if (!matches.isEmpty()) {
                behind = matches.getLast().seq();
                read(matches);
            }
            most = Math.min(2 * most, MOST_PACKS);
        } while (!isEnd && found.size() < filter.limit());
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

    /** The next packs in which the first term may occur, and where in them every term may. */
    private List<Match> packs(@Nullable Long behind, int most) throws SQLException {
        List<Match> packs = new ArrayList<>();
        try (PreparedStatement statement = transaction.connection().prepareStatement(packsQuery(behind, most))) {
            fillPacks(new StatementArrays(statement), behind);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    packs.add(new Match(row.getLong(1), positions(row)));
                }
            }
        }
        return packs;
    }

    /** Each part ends by itself: of a term that nearly all packs have no more is read than is asked for. */
    private String packsQuery(@Nullable Long behind, int most) {
        String inOrder = " ORDER BY seq " + (filter.ascending() ? "ASC" : "DESC");
        StringBuilder part = new StringBuilder("(").append(first == null ? PACKS_OF_TIME : PACKS_OF_BUCKET);
        if (first != null && isLimitedInTime()) {
            part.append(WITHIN);
        }
        if (filter.after() != null) {
            part.append(filter.ascending() ? " AND b.seq >= ?" : " AND b.seq <= ?");
        }
        if (behind != null) {
            part.append(filter.ascending() ? " AND b.seq > ?" : " AND b.seq < ?");
        }
        part.append(inOrder).append(" LIMIT ").append(most).append(')');
        StringBuilder columns = new StringBuilder("SELECT t.seq, t.terms");
        StringBuilder joins = new StringBuilder();
        for (int i = 0; i < others.size(); i++) {
            columns.append(", t%d.terms".formatted(i));
            joins.append(ALSO).append(others.get(i).size() == 1 ? HOLDS : "").append(") AS t%d ON true".formatted(i));
        }
        String parts = first == null ? part.toString() : part + " UNION ALL " + part + inOrder + " LIMIT " + most;
        return columns + " FROM (" + parts + ") AS t" + joins + inOrder;
    }

    private void fillPacks(StatementArrays parameters, @Nullable Long behind) throws SQLException {
        if (first == null) {
            fillTime(parameters);
            fillPlace(parameters, behind);
        } else {
            for (int bucket : first.buckets()) {
                parameters.number(bucket);
                parameters.text(tenant.value());
                parameters.bytes(first.bytes());
                if (isLimitedInTime()) {
                    fillTime(parameters);
                }
                fillPlace(parameters, behind);
            }
        }
        for (List<TermHash> anyOf : others) {
            List<Integer> buckets = anyOf.stream()
                    .flatMap(term -> term.buckets().stream())
                    .distinct()
                    .toList();
            parameters.numbers("int4", buckets, bucket -> Integer.toString(bucket));
            parameters.text(tenant.value());
            if (anyOf.size() == 1) {
                parameters.bytes(anyOf.getFirst().bytes());
            }
        }
    }

    private void fillPlace(StatementArrays parameters, @Nullable Long behind) throws SQLException {
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
        int column = 2;
        BitSet all = first == null ? null : first.positions(row.getBytes(column));
        for (List<TermHash> anyOf : others) {
            byte[] terms = row.getBytes(++column);
            BitSet any = new BitSet();
            if (terms != null) {
                anyOf.forEach(term -> any.or(term.positions(terms)));
            }
            if (all == null) {
                all = any;
            } else {
                all.and(any);
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
