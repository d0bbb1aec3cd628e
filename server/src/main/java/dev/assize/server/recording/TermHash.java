package dev.assize.server.recording;

import dev.assize.server.model.Digest;
import dev.assize.server.recording.DecisionTerms.Kind;
import dev.assize.server.recording.DecisionTerms.Term;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.BitSet;
import java.util.List;

/**
 * What a term is looked for by: the first four bytes of SHA-256 over the number of its kind, in one byte, and its value in
 * UTF-8. Two terms may have one, so what is found by it is held to what was asked.
 */
public final class TermHash {

    private final int bits;

    private TermHash(int bits) {
        this.bits = bits;
    }

    /** The hash of a term. */
    public static TermHash of(Term term) {
        ByteBuffer value = ByteBuffer.wrap(term.value().getBytes(StandardCharsets.UTF_8));
        return new TermHash(bits(Digest.newSha256(), term.kind(), value));
    }

    /** The numbers of the buckets in which it may stand, those of a large pack and of a small one. */
    public List<Integer> buckets() {
        return List.of(TermBucket.number(bits, true), TermBucket.number(bits, false));
    }

    /** As it stands in a bucket. */
    public byte[] bytes() {
        return ByteBuffer.allocate(Integer.BYTES).putInt(bits).array();
    }

    /** Which decisions have it by what stands in buckets, any number of them one behind the other; nobody has verified that. */
    public BitSet positions(byte[] terms) {
        BitSet positions = new BitSet();
        ByteBuffer rest = ByteBuffer.wrap(terms);
        while (rest.remaining() >= TermBucket.HEADER_BYTES) {
            boolean isThis = rest.getInt() == bits;
            int count = Math.min(Short.toUnsignedInt(rest.getShort()), rest.remaining() / Short.BYTES);
            for (int i = 0; i < count; i++) {
                int position = Short.toUnsignedInt(rest.getShort());
                if (isThis) {
                    positions.set(position);
                }
            }
        }
        return positions;
    }

    /** The same as a number, by a digest that is ready. */
    static int bits(MessageDigest sha256, Kind kind, ByteBuffer value) {
        sha256.update((byte) kind.number());
        sha256.update(value);
        return ByteBuffer.wrap(sha256.digest()).getInt();
    }
}
