package dev.assize.server.storage;

import dev.assize.server.model.TenantId;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Where the months of a ledger begin, by position. Entries are kept in a partition for each month, and an index in each of
 * them: who looks for a position names the times of its month, and no other month is looked at.
 *
 * <p>Times rise with positions. So the first position of each month says all, and is found by one descent of the month's own
 * index; of a month that has no partition of its own, by halving.
 */
final class LedgerMonths {

    /** More than these are not told apart: nobody keeps a ledger for so long, and a time may have been altered. */
    private static final int MOST = 1_200;

    private static final String ENDS = "SELECT a.seq, a.recorded_at, z.seq, z.recorded_at FROM"
            + " (SELECT seq, recorded_at FROM assize.ledger_entry WHERE tenant_id = ? ORDER BY seq LIMIT 1) a,"
            + " (SELECT seq, recorded_at FROM assize.ledger_entry WHERE tenant_id = ? ORDER BY seq DESC LIMIT 1) z";

    /** What stands in the partition for everything else is not in the order of months there. */
    private static final String FIRSTS = "SELECT m.begins, CASE"
            + " WHEN to_regclass('assize.ledger_entry_' || to_char(m.begins AT TIME ZONE 'UTC', 'YYYY_MM')) IS NULL"
            + " THEN assize.ledger_seq_at(?, m.begins, false)"
            + " ELSE (SELECT e.seq FROM assize.ledger_entry e WHERE e.tenant_id = ? AND e.recorded_at >= m.begins"
            + " AND e.recorded_at < m.ends ORDER BY e.seq LIMIT 1) END"
            + " FROM unnest(?::timestamptz[], ?::timestamptz[]) AS m (begins, ends)";

    private static final Instant EARLIEST =
            OffsetDateTime.of(-4_000, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC).toInstant();
    private static final Instant LATEST =
            OffsetDateTime.of(200_000, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC).toInstant();
    private static final Month ALL = new Month(EARLIEST, LATEST, 0, Long.MAX_VALUE);

    private final long first;
    private final long last;
    private final NavigableMap<Long, YearMonth> begins;

    /** Whether nothing was asked for that ends: what the last entry says of its time then hides no entry before it. */
    private final boolean open;

    private LedgerMonths(long first, long last, NavigableMap<Long, YearMonth> begins, boolean open) {
        this.open = open;
        this.first = first;
        this.last = last;
        this.begins = begins;
    }

    /**
     * Of the months that have times of a range; empty where the ledger has no entries.
     *
     * @param from null for the first
     * @param to null for the last
     */
    static Optional<LedgerMonths> of(
            TenantTransaction transaction, TenantId tenant, @Nullable Instant from, @Nullable Instant to)
            throws SQLException {
        Optional<Ends> ends = transaction.find(
                ENDS,
                parameters -> {
                    parameters.text(tenant.value());
                    parameters.text(tenant.value());
                },
                row -> new Ends(row.getLong(1), Times.read(row, 2), row.getLong(3), Times.read(row, 4)));
        if (ends.isEmpty()) {
            return Optional.empty();
        }
        Ends found = ends.get();
        Instant begin = from == null || from.isBefore(found.firstAt) ? found.firstAt : from;
        Instant end = to == null || to.isAfter(found.lastAt) ? found.lastAt : to;
        return Optional.of(new LedgerMonths(
                found.first,
                found.last,
                begins(transaction, tenant, found.first, month(begin), month(end)),
                to == null));
    }

    private static NavigableMap<Long, YearMonth> begins(
            TenantTransaction transaction, TenantId tenant, long first, YearMonth from, YearMonth to)
            throws SQLException {
        NavigableMap<Long, YearMonth> begins = new TreeMap<>();
        long count = ChronoUnit.MONTHS.between(from, to) + 1;
        if (count <= 0 || count > MOST) {
            return begins;
        }
        if (count == 1) {
            // What comes before it, if anything, is not asked for.
            begins.put(first, from);
            return begins;
        }
        List<YearMonth> months = new ArrayList<>();
        for (YearMonth month = from; !month.isAfter(to); month = month.plusMonths(1)) {
            months.add(month);
        }
        transaction
                .read(
                        FIRSTS,
                        parameters -> {
                            parameters.text(tenant.value());
                            parameters.text(tenant.value());
                            parameters.times(months, LedgerMonths::begin);
                            parameters.times(months, month -> begin(month.plusMonths(1)));
                        },
                        row -> new Begin(month(Times.read(row, 1)), row.getObject(2, Long.class)))
                .stream()
                .filter(begin -> begin.seq != null)
                .sorted((one, other) -> one.month.compareTo(other.month))
                // Of two that begin at one position the first has no entries.
                .forEach(begin -> begins.put(Objects.requireNonNull(begin.seq), begin.month));
        return begins;
    }

    /** The first position of the ledger. */
    long first() {
        return first;
    }

    /** The last position of the ledger. */
    long last() {
        return last;
    }

    /** The month that has a position. */
    Month of(long seq) {
        Map.Entry<Long, YearMonth> begin = begins.floorEntry(seq);
        if (begin == null) {
            return ALL;
        }
        Long next = begins.higherKey(seq);
        return new Month(
                begin(begin.getValue()),
                next == null && open ? LATEST : begin(begin.getValue().plusMonths(1)),
                begin.getKey(),
                next == null ? Long.MAX_VALUE : next - 1);
    }

    private static YearMonth month(Instant time) {
        return YearMonth.from(time.atOffset(ZoneOffset.UTC));
    }

    private static Instant begin(YearMonth month) {
        return month.atDay(1).atStartOfDay(ZoneOffset.UTC).toInstant();
    }

    /**
     * A month of a ledger.
     *
     * @param begins its entries were recorded then or later
     * @param ends and before this
     * @param first no entry before this position is in it
     * @param last nor one behind this
     */
    record Month(Instant begins, Instant ends, long first, long last) {
        boolean has(long seq) {
            return seq >= first && seq <= last;
        }
    }

    private record Ends(long first, Instant firstAt, long last, Instant lastAt) {}

    private record Begin(YearMonth month, @Nullable Long seq) {}
}
