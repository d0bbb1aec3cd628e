package dev.assize.server.storage;

import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.Outcome;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.EntryTerms.Kind;
import dev.assize.server.storage.LedgerMonths.Month;
import dev.assize.server.storage.TermBlocks.Stretch;
import dev.assize.server.storage.TermBlocks.Term;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Searches a ledger for entries that fulfil a filter, in the order of positions, a page at a time. A page is the work of a page,
 * whatever is asked and however seldom it occurs: where much was looked at and little found, it is handed out as it is, and says
 * where to go on.
 *
 * <p>There are three ways to what may fit, and each entry is then held to the whole question:
 *
 * <ul>
 *   <li>A resource has an index over the entries. Where it is of few, all of it is looked at in the index, and of the entries
 *       those are read that stand where the page is.
 *   <li>An actor, an action, a type, a run and an outcome other than SUCCESS are looked for in {@code ledger_term}
 *       ({@link TermBlocks}).
 *   <li>Whatever else is asked holds for so many entries that they are met soon when one after the other is looked at.
 * </ul>
 *
 * A time is a position, since both rise together, and by its position it is known in which month an entry is.
 */
final class EntrySearch {

    /** Said beside a type that is the service's own, for the index over those. */
    static final String OWN_TYPE = " AND type >= 'assize.' AND type < 'assize/'";

    /** What was too little is tried again so many times as large. */
    private static final int GROWTH = 4;

    private static final String SEQ_AT = "SELECT assize.ledger_seq_at(?, ?, false)";

    private final AuditFilter filter;
    private final Bounds bounds;
    private final LedgerMonths months;
    private final EntryReads reads;
    private final TermBlocks blocks;
    private final Way way;

    /** Where it ends, included. */
    private final long end;

    /** Of the resource, in the whole ledger. */
    private final long count;

    /** Whether more is asked of entries than terms and times. */
    private final boolean chooses;

    /** The next position to be looked at. */
    private long at;

    /** Where terms meet before the stretch ends, and how many of those are done with. */
    private Stretch stretch = new Stretch(List.of(), 0, 0);

    private int done;

    /** Of each term, for the next stretch. */
    private int rows;

    private EntrySearch(
            AuditFilter filter,
            Bounds bounds,
            LedgerMonths months,
            EntryReads reads,
            TermBlocks blocks,
            Way way,
            long from,
            long end,
            long count) {
        this.filter = filter;
        this.bounds = bounds;
        this.months = months;
        this.reads = reads;
        this.blocks = blocks;
        this.way = way;
        this.at = from;
        this.end = end;
        this.count = count;
        this.chooses = filter.resource() != null || !filter.envs().isEmpty() || filter.outcome() == Outcome.SUCCESS;
        this.rows = bounds.firstRows;
    }

    /**
     * Begins to search, up to a position; empty where nothing can be found.
     *
     * @param toSeq the last position, included
     */
    static Optional<EntrySearch> begin(TenantTransaction transaction, TenantId tenant, AuditFilter filter, long toSeq)
            throws SQLException {
        return begin(transaction, tenant, filter, toSeq, Bounds.USUAL);
    }

    static Optional<EntrySearch> begin(
            TenantTransaction transaction, TenantId tenant, AuditFilter filter, long toSeq, Bounds bounds)
            throws SQLException {
        EntryReads reads = new EntryReads(transaction, tenant, filter);
        Optional<LedgerMonths> known = LedgerMonths.of(transaction, tenant, filter.from(), filter.to());
        if (known.isEmpty()) {
            return Optional.empty();
        }
        LedgerMonths months = known.get();
        Long after = filter.afterSeq();
        long low = months.first();
        long high = Math.min(months.last(), toSeq);
        if (after != null && filter.ascending()) {
            low = after == Long.MAX_VALUE ? after : Math.max(low, after + 1);
        } else if (after != null) {
            high = Math.min(high, after - 1);
        }
        low = Math.max(low, seqAt(transaction, tenant, filter.from(), low));
        high = Math.min(high, seqAt(transaction, tenant, filter.to(), high + 1) - 1);
        if (low > high) {
            return Optional.empty();
        }
        ResourcePath resource = filter.resource();
        List<Term> terms = terms(filter);
        int few = terms.isEmpty() ? bounds.fewOf(months.last() - months.first() + 1) : bounds.many;
        long count = resource == null ? 0 : reads.countAt(resource, few);
        if (resource != null && count == 0) {
            return Optional.empty();
        }
        Way way = resource != null && count <= few ? Way.RESOURCE : terms.isEmpty() ? Way.POSITIONS : Way.TERMS;
        TermBlocks blocks = new TermBlocks(transaction, tenant, terms, filter.ascending());
        return Optional.of(new EntrySearch(
                filter,
                bounds,
                months,
                reads,
                blocks,
                way,
                filter.ascending() ? low : high,
                filter.ascending() ? high : low,
                count));
    }

    private static long seqAt(TenantTransaction transaction, TenantId tenant, @Nullable Instant moment, long otherwise)
            throws SQLException {
        if (moment == null) {
            return otherwise;
        }
        return transaction
                .find(
                        SEQ_AT,
                        parameters -> {
                            parameters.text(tenant.value());
                            parameters.time(moment);
                        },
                        row -> row.getLong(1))
                .orElse(otherwise);
    }

    private static List<Term> terms(AuditFilter filter) {
        List<Term> terms = new ArrayList<>();
        add(terms, Kind.RUN, filter.runId());
        Outcome outcome = filter.outcome();
        if (outcome != null && outcome != Outcome.SUCCESS) {
            add(terms, Kind.OUTCOME, Integer.toString(outcome.number()));
        }
        add(terms, Kind.ACTOR, filter.actor());
        add(terms, Kind.TYPE, filter.type());
        add(terms, Kind.ACTION, filter.action());
        return terms;
    }

    private static void add(List<Term> terms, Kind kind, @Nullable String value) {
        if (value != null) {
            terms.add(new Term(kind, value));
        }
    }

    /** The next of them; fewer than asked for, or none, where it ends or enough was looked at. */
    List<EntryRow> next(int limit) throws SQLException {
        Page page = new Page(limit);
        long width = way == Way.RESOURCE ? resourceWidth(limit) : bounds.firstPositions;
        while (!isAtEnd() && !isFull(page)) {
            switch (way) {
                case RESOURCE -> lookAtResource(page, width);
                case TERMS -> lookWhereTermsMeet(page);
                case POSITIONS -> lookAtPositions(page, chooses ? width : page.left());
            }
            // What reads an index again and again reads the rest of it soon.
            width = way == Way.RESOURCE ? Long.MAX_VALUE : Math.min(width, Long.MAX_VALUE / GROWTH) * GROWTH;
            width = way == Way.POSITIONS ? Math.min(width, bounds.mostPositions) : width;
        }
        return page.found;
    }

    /** Whether there are no others. */
    boolean isAtEnd() {
        return filter.ascending() ? at > end : at < end;
    }

    /** All up to here, included, that fit have been handed out. */
    long passed() {
        return filter.ascending() ? at - 1 : at + 1;
    }

    private boolean isFull(Page page) {
        return page.left() == 0 || page.looked >= bounds.looked || page.rows >= bounds.rows;
    }

    /** Among so many positions some pages are expected, and all of what is of few. */
    private long resourceWidth(int limit) {
        double positions = (double) months.last() - months.first() + 1;
        return count <= bounds.firstPositions
                ? Long.MAX_VALUE
                : Math.max(limit, (long) (positions / count * limit * GROWTH));
    }

    private void lookAtResource(Page page, long width) throws SQLException {
        ResourcePath resource = Objects.requireNonNull(filter.resource());
        long far = ahead(width);
        Month low = months.of(Math.min(at, far));
        Month high = months.of(Math.max(at, far));
        page.found.addAll(reads.at(resource, low, high, Math.min(at, far), Math.max(at, far), page.left()));
        goOnBehind(page.left() == 0 ? page.last() : far);
    }

    private void lookAtPositions(Page page, long width) throws SQLException {
        Month month = months.of(at);
        long far = filter.ascending() ? Math.min(ahead(width), month.last()) : Math.max(ahead(width), month.first());
        page.looked += Math.abs(far - at) + 1;
        page.found.addAll(reads.between(month, Math.min(at, far), Math.max(at, far), page.left()));
        goOnBehind(page.left() == 0 ? page.last() : far);
    }

    private void lookWhereTermsMeet(Page page) throws SQLException {
        if (done == stretch.positions().size()) {
            stretch = blocks.next(at, end, rows);
            done = 0;
            page.rows += stretch.read();
            rows = Math.min(rows * GROWTH, bounds.mostRows);
        }
        // What was read of terms is used, also where it was the last of the page: else the next one would read the
        // same.
        while (done < stretch.positions().size() && page.left() > 0 && page.looked < bounds.looked) {
            Month month = months.of(stretch.positions().get(done));
            List<Long> batch = batch(month, chooses ? bounds.batch : page.left());
            page.looked += batch.size();
            page.found.addAll(reads.at(month, batch, page.left()));
            long passed = page.left() == 0 ? page.last() : batch.getLast();
            done += batch.indexOf(passed) + 1;
            goOnBehind(passed);
        }
        if (done == stretch.positions().size()) {
            goOnBehind(stretch.end());
        }
    }

    /** The next positions that are in one month. */
    private List<Long> batch(Month month, int most) {
        List<Long> positions = stretch.positions();
        int to = done;
        while (to < positions.size() && to - done < most && month.has(positions.get(to))) {
            to++;
        }
        return positions.subList(done, to);
    }

    private long ahead(long width) {
        if (Math.abs(end - at) < width) {
            return end;
        }
        return filter.ascending() ? at + width - 1 : at - width + 1;
    }

    private void goOnBehind(long seq) {
        at = filter.ascending() ? seq + 1 : seq - 1;
    }

    private enum Way {
        RESOURCE,
        TERMS,
        POSITIONS
    }

    /** What was found for a page, and what that took. */
    private static final class Page {
        private final int limit;
        private final List<EntryRow> found = new ArrayList<>();
        private long looked;
        private int rows;

        Page(int limit) {
            this.limit = limit;
        }

        int left() {
            return limit - found.size();
        }

        long last() {
            return found.getLast().seq();
        }
    }

    /**
     * How much is looked at.
     *
     * @param few a resource that has so many entries is looked at in its index
     * @param page entries that are looked for by position at the price of as many in the index; see {@link #fewOf}
     * @param many so is one of so many beside terms, where each place at which they meet costs a look-up; and none that has more
     * @param firstPositions that are looked at first, and then more
     * @param mostPositions that are looked at by one statement
     * @param batch entries that are looked at by one statement where terms meet
     * @param looked entries that are looked at for a page
     * @param firstRows of each term that are read first, and then more
     * @param mostRows of each term that are read by one statement
     * @param rows of all terms that are read for a page
     */
    record Bounds(
            int few,
            int page,
            int many,
            int firstPositions,
            int mostPositions,
            int batch,
            int looked,
            int firstRows,
            int mostRows,
            int rows) {
        static final Bounds USUAL = new Bounds(2_000, 85, 100_000, 512, 8_192, 1_000, 20_000, 32, 2_048, 10_000);

        /**
         * With n entries of a resource among N positions its index costs n, and a page of them N / n times the page by position: the
         * same where n is the root of N times the page.
         */
        int fewOf(long positions) {
            return Math.clamp((long) Math.sqrt((double) page * positions), few, many);
        }
    }
}
