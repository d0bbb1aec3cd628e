package dev.assize.server.storage;

import dev.assize.server.model.TenantId;
import dev.assize.server.storage.EntryTerms.Kind;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Walks the blocks of 64 positions in which all terms of a question meet, in the order of positions, a stretch at a time.
 *
 * <p>Of each term as many of the next rows are read; the one whose rows reach furthest is the rarest there, and leads: the
 * others are looked up at its blocks only. So a stretch reads no more rows than terms times what it is told, and covers as
 * much of the ledger as the rarest term has in so many rows: all of it where that is rare. Terms that are common and never
 * meet are walked to the end, a stretch after the other, and who asks decides when to stop.
 */
final class TermBlocks {

    private static final int BITS = EntryTerms.BLOCK_BITS;

    private static final String NEXT =
            "SELECT w.at, t.block, t.bits FROM unnest(?::smallint[], ?::smallint[], ?::text[])"
                    + " AS w (at, kind, value), LATERAL (SELECT i.block, i.bits FROM assize.ledger_term i WHERE i.tenant_id = ?"
                    + " AND i.kind = w.kind AND i.value = w.value AND i.block BETWEEN ? AND ? ORDER BY i.block";

    private static final String AT_BLOCKS = "SELECT w.at, w.block, t.bits"
            + " FROM unnest(?::smallint[], ?::smallint[], ?::text[], ?::bigint[]) AS w (at, kind, value, block),"
            + " LATERAL (SELECT i.bits FROM assize.ledger_term i WHERE i.tenant_id = ? AND i.kind = w.kind"
            + " AND i.value = w.value AND i.block = w.block LIMIT 1) AS t";

    private final TenantTransaction transaction;
    private final TenantId tenant;
    private final List<Term> terms;
    private final boolean ascending;
    private final Comparator<Long> order;

    TermBlocks(TenantTransaction transaction, TenantId tenant, List<Term> terms, boolean ascending) {
        this.transaction = transaction;
        this.tenant = tenant;
        this.terms = terms;
        this.ascending = ascending;
        this.order = ascending ? Comparator.naturalOrder() : Comparator.reverseOrder();
    }

    /**
     * The next positions at which all terms have a bit.
     *
     * @param from where to begin, included
     * @param to where to end, included
     * @param most rows of each term
     */
    Stretch next(long from, long to, int most) throws SQLException {
        long last = to >> BITS;
        List<NavigableMap<Long, Long>> rows = rows(from >> BITS, last, most);
        int read = 0;
        int leader = 0;
        for (int term = 0; term < terms.size(); term++) {
            read += rows.get(term).size();
            if (order.compare(reach(rows.get(term), last, most), reach(rows.get(leader), last, most)) > 0) {
                leader = term;
            }
        }
        long reach = reach(rows.get(leader), last, most);
        NavigableMap<Long, Long> common = new TreeMap<>(rows.get(leader));
        List<Lookup> lookups = new ArrayList<>();
        for (int term = 0; term < terms.size(); term++) {
            if (term != leader) {
                meet(common, rows.get(term), reach(rows.get(term), last, most));
            }
        }
        for (int term = 0; term < terms.size(); term++) {
            long known = reach(rows.get(term), last, most);
            for (Long block : common.keySet()) {
                if (term != leader && order.compare(block, known) > 0) {
                    lookups.add(new Lookup(term, block));
                }
            }
        }
        read += lookups.size();
        meet(common, lookups);
        long end = reach == last ? to : ascending ? (reach << BITS) + (1 << BITS) - 1 : reach << BITS;
        return new Stretch(positions(common, from, to), end, read);
    }

    /** How far it is known which blocks a term has. */
    private static long reach(NavigableMap<Long, Long> rows, long last, int most) {
        return rows.size() < most ? last : rows.lastKey();
    }

    private List<NavigableMap<Long, Long>> rows(long first, long last, int most) throws SQLException {
        List<NavigableMap<Long, Long>> rows = new ArrayList<>();
        terms.forEach(_ -> rows.add(new TreeMap<>(order)));
        List<Integer> all = numbers(terms.size());
        List<Row> read = transaction.read(
                NEXT + (ascending ? "" : " DESC") + " LIMIT ?) AS t",
                parameters -> {
                    parameters.numbers("int2", all, at -> Integer.toString(at));
                    parameters.numbers(
                            "int2", all, at -> Short.toString(terms.get(at).kind.number()));
                    parameters.texts(all, at -> terms.get(at).value);
                    parameters.text(tenant.value());
                    parameters.longNumber(Math.min(first, last));
                    parameters.longNumber(Math.max(first, last));
                    parameters.number(most);
                },
                row -> new Row(row.getInt(1), row.getLong(2), row.getLong(3)));
        read.forEach(row -> rows.get(row.at).put(row.block, row.bits));
        return rows;
    }

    private static List<Integer> numbers(int count) {
        List<Integer> numbers = new ArrayList<>();
        for (int number = 0; number < count; number++) {
            numbers.add(number);
        }
        return numbers;
    }

    /** What is beyond the reach of what was read stays as it is. */
    private void meet(NavigableMap<Long, Long> common, NavigableMap<Long, Long> other, long reach) {
        for (Map.Entry<Long, Long> block : common.entrySet()) {
            if (order.compare(block.getKey(), reach) <= 0) {
                block.setValue(block.getValue() & other.getOrDefault(block.getKey(), 0L));
            }
        }
        common.values().removeIf(bits -> bits == 0);
    }

    private void meet(NavigableMap<Long, Long> common, List<Lookup> lookups) throws SQLException {
        if (lookups.isEmpty()) {
            return;
        }
        List<NavigableMap<Long, Long>> found = new ArrayList<>();
        terms.forEach(_ -> found.add(new TreeMap<>(order)));
        List<Row> read = transaction.read(
                AT_BLOCKS,
                parameters -> {
                    parameters.numbers("int2", lookups, lookup -> Integer.toString(lookup.at));
                    parameters.numbers(
                            "int2",
                            lookups,
                            lookup -> Short.toString(terms.get(lookup.at).kind.number()));
                    parameters.texts(lookups, lookup -> terms.get(lookup.at).value);
                    parameters.longs(lookups, lookup -> lookup.block);
                    parameters.text(tenant.value());
                },
                row -> new Row(row.getInt(1), row.getLong(2), row.getLong(3)));
        read.forEach(row -> found.get(row.at).put(row.block, row.bits));
        for (Lookup lookup : lookups) {
            long bits = found.get(lookup.at).getOrDefault(lookup.block, 0L);
            common.computeIfPresent(lookup.block, (_, before) -> before & bits);
        }
        common.values().removeIf(bits -> bits == 0);
    }

    private List<Long> positions(NavigableMap<Long, Long> common, long from, long to) {
        List<Long> positions = new ArrayList<>();
        common.forEach((block, bits) -> {
            for (int i = 0; i < 1 << BITS; i++) {
                int bit = ascending ? i : (1 << BITS) - 1 - i;
                long seq = (block << BITS) + bit;
                if (((bits >>> bit) & 1) == 1 && order.compare(seq, from) >= 0 && order.compare(seq, to) <= 0) {
                    positions.add(seq);
                }
            }
        });
        return positions;
    }

    /** A value that is asked for. */
    record Term(Kind kind, String value) {}

    /**
     * A part of the walk.
     *
     * @param positions where all terms have a bit, in their order
     * @param end up to where, included, there are no others
     * @param read how many rows were read
     */
    record Stretch(List<Long> positions, long end, int read) {}

    private record Row(int at, long block, long bits) {}

    private record Lookup(int at, long block) {}
}
