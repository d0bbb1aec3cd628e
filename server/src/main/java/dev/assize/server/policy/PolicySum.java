package dev.assize.server.policy;

import dev.assize.server.model.Digest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.DigestException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Collection;

/**
 * What the documents of a scope add up to, so that the {@link PolicyDigest} of a policy is known at the cost of what a
 * change changes. Immutable.
 *
 * <p>LtHash: each document is expanded to 1,024 lanes of 16 bits, and lanes are added modulo 2^16, in no order (Bellare
 * and Micciancio, "A New Paradigm for Collision-Free Hashing", 1997; Lewi et al., "Securing Update Propagation with
 * Homomorphic Hashing", 2019, for these sizes). To find two sets of documents with one sum is a problem of short vectors
 * in a lattice, estimated there at above 200 bits. That holds for sets: a document twice would be another sum, and 2^16
 * times none, but a name lives once in a kind and a scope.
 *
 * <pre>
 * seed  = SHA-256("assize/v2/policy-document" 0x00 str(kind) str(name) str(yaml))
 * lanes = SHA-256(seed u32(0)) SHA-256(seed u32(1)) ... SHA-256(seed u32(63)), which is MGF1 (RFC 8017)
 * </pre>
 */
public final class PolicySum {

    /** Bytes of {@link #bytes}. */
    public static final int LENGTH = 2 * Lanes.COUNT;

    /** The sum of nothing. */
    public static final PolicySum ZERO = new PolicySum(new short[Lanes.COUNT]);

    private final short[] lanes;

    private PolicySum(short[] lanes) {
        this.lanes = lanes;
    }

    /** The sum of documents, no two of one name. */
    public static PolicySum of(Collection<? extends Document> documents) {
        Lanes sum = new Lanes(ZERO.lanes);
        documents.forEach(sum::add);
        return new PolicySum(sum.lanes);
    }

    /** The inverse of {@link #bytes}. */
    public static PolicySum ofBytes(byte[] bytes) {
        if (bytes.length != LENGTH) {
            throw new IllegalArgumentException(bytes.length + " bytes, not " + LENGTH);
        }
        short[] lanes = new short[Lanes.COUNT];
        ByteBuffer.wrap(bytes).asShortBuffer().get(lanes);
        return new PolicySum(lanes);
    }

    /** Without the documents as they were, and with them as they are. */
    public PolicySum with(Collection<? extends Document> removed, Collection<? extends Document> added) {
        Lanes sum = new Lanes(lanes);
        removed.forEach(sum::subtract);
        added.forEach(sum::add);
        return new PolicySum(sum.lanes);
    }

    /** The lanes in their order, each big-endian. */
    public byte[] bytes() {
        byte[] bytes = new byte[LENGTH];
        ByteBuffer.wrap(bytes).asShortBuffer().put(lanes);
        return bytes;
    }

    /** A sum while documents, given as they are stored, come and go. For one thread. */
    public static final class Running {

        private final Lanes lanes = new Lanes(ZERO.lanes);

        public void add(DocumentKey key, String yaml) {
            lanes.add(key, yaml);
        }

        public void subtract(DocumentKey key, String yaml) {
            lanes.subtract(key, yaml);
        }

        /** What there is by now. */
        public PolicySum sum() {
            return new PolicySum(lanes.lanes.clone());
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PolicySum that && Arrays.equals(lanes, that.lanes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(lanes);
    }

    /** The lanes while they are added to. */
    private static final class Lanes {

        static final int COUNT = 1_024;

        private static final byte[] TAG = "assize/v2/policy-document\0".getBytes(StandardCharsets.US_ASCII);

        private final short[] lanes;
        private final MessageDigest sha256 = Digest.newSha256();
        private final ByteBuffer seedAndCounter = ByteBuffer.allocate(Digest.LENGTH + Integer.BYTES);
        private final ByteBuffer expanded = ByteBuffer.allocate(LENGTH);

        Lanes(short[] start) {
            lanes = start.clone();
        }

        void add(Document document) {
            add(document.key(), DocumentText.write(document));
        }

        void add(DocumentKey key, String yaml) {
            expand(key, yaml);
            for (int i = 0; i < COUNT; i++) {
                lanes[i] = (short) (lanes[i] + expanded.getShort(2 * i));
            }
        }

        void subtract(Document document) {
            subtract(document.key(), DocumentText.write(document));
        }

        void subtract(DocumentKey key, String yaml) {
            expand(key, yaml);
            for (int i = 0; i < COUNT; i++) {
                lanes[i] = (short) (lanes[i] - expanded.getShort(2 * i));
            }
        }

        private void expand(DocumentKey key, String yaml) {
            try {
                sha256.update(TAG);
                addString(key.kind().text());
                addString(key.name());
                addString(yaml);
                sha256.digest(seedAndCounter.array(), 0, Digest.LENGTH);
                for (int i = 0; i < LENGTH / Digest.LENGTH; i++) {
                    seedAndCounter.putInt(Digest.LENGTH, i);
                    sha256.update(seedAndCounter.array());
                    sha256.digest(expanded.array(), i * Digest.LENGTH, Digest.LENGTH);
                }
            } catch (DigestException e) {
                throw new IllegalStateException("A digest fits into its length", e);
            }
        }

        private void addString(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            sha256.update(
                    ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
            sha256.update(bytes);
        }
    }
}
