package dev.assize.server.recording;

import dev.assize.server.model.Digest;
import dev.assize.server.recording.DecisionTerms.Found;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Some of what a pack is found by, as stores keep it: of each term its {@link TermHash}, how many decisions have it in two bytes,
 * and their positions in two bytes each, in the order of hashes.
 *
 * <p>A term's bucket is told by the hash alone. A large pack has 64 of them at most, so that its many terms cost a row
 * together; whoever looks for one reads one bucket of each such pack. A small pack has 65,536 of its own, and so nearly
 * each term alone: of small packs there may be as many as there are decisions, and only those are read that have the term.
 *
 * @param number below 64 of a large pack, from 64 on of a small one
 */
public record TermBucket(int number, byte[] terms) {

    /** Of a term, before its positions. */
    static final int HEADER_BYTES = Integer.BYTES + Short.BYTES;

    /** Terms of a small pack, at most. */
    private static final int FEW = 256;

    private static final int LARGE_BITS = 6;
    private static final int LARGE_BUCKETS = 1 << LARGE_BITS;
    private static final int SMALL_BITS = 16;

    private static final Comparator<Hashed> ORDER =
            Comparator.comparingLong(Hashed::unsigned).thenComparing(Hashed::found);

    /**
     * The buckets of a pack, by their numbers.
     *
     * @throws MalformedRecordException where a record is none
     */
    public static List<TermBucket> of(List<byte[]> records) {
        List<Hashed> terms = hashed(DecisionTerms.found(records));
        boolean isLarge = terms.size() > FEW;
        List<TermBucket> buckets = new ArrayList<>();
        for (int from = 0, to = 0; from < terms.size(); from = to) {
            int number = number(terms.get(from).hash, isLarge);
            while (to < terms.size() && number(terms.get(to).hash, isLarge) == number) {
                to++;
            }
            buckets.add(new TermBucket(number, bytes(terms.subList(from, to))));
        }
        return buckets;
    }

    /** Where a term of that hash stands. */
    static int number(int hash, boolean isLarge) {
        return isLarge ? hash >>> (Integer.SIZE - LARGE_BITS) : LARGE_BUCKETS + (hash >>> (Integer.SIZE - SMALL_BITS));
    }

    private static List<Hashed> hashed(List<Found> found) {
        List<Hashed> terms = new ArrayList<>(found.size());
        for (long each : byHash(found)) {
            Hashed next = new Hashed((int) (each >>> Integer.SIZE), found.get((int) each));
            int place = terms.size();
            // Nearly always there, but for two terms of one hash.
            while (place > 0 && ORDER.compare(terms.get(place - 1), next) > 0) {
                place--;
            }
            terms.add(place, next);
        }
        return terms;
    }

    /** The places of terms, each behind its hash: numbers are sorted in a fraction of the time of what they stand for. */
    private static long[] byHash(List<Found> found) {
        MessageDigest sha256 = Digest.newSha256();
        long[] places = new long[found.size()];
        for (int i = 0; i < places.length; i++) {
            Found each = found.get(i);
            // Java sorts numbers with their signs.
            places[i] = ((long) TermHash.bits(sha256, each.kind(), each.value()) << Integer.SIZE | i) ^ Long.MIN_VALUE;
        }
        Arrays.sort(places);
        for (int i = 0; i < places.length; i++) {
            places[i] ^= Long.MIN_VALUE;
        }
        return places;
    }

    private static byte[] bytes(List<Hashed> terms) {
        int size = 0;
        for (Hashed term : terms) {
            size += HEADER_BYTES + term.found.positions().size();
        }
        ByteBuffer bytes = ByteBuffer.allocate(size);
        for (Hashed term : terms) {
            Positions positions = term.found.positions();
            bytes.putInt(term.hash).putShort((short) (positions.size() / Short.BYTES));
            positions.putTo(bytes);
        }
        return bytes.array();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TermBucket that && number == that.number && Arrays.equals(terms, that.terms);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(terms);
    }

    private record Hashed(int hash, Found found) {

        long unsigned() {
            return Integer.toUnsignedLong(hash);
        }
    }
}
