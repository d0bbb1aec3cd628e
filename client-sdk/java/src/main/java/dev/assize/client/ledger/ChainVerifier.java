package dev.assize.client.ledger;

import dev.assize.client.ledger.ChainFault.Kind;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Verifies a chain frame by frame, in constant memory, and stops at the first fault. Not for two threads.
 *
 * <p>A chain that verifies is whole from where it began to its end. That its end is the ledger's end, and that it is
 * the chain that others were shown, takes something that was kept elsewhere, such as the receipt of an append: give it
 * to {@link #endsAt} or {@link #startingAfter}.
 */
public final class ChainVerifier {

    private static final byte[] LEAF = {0};
    private static final byte[] GENESIS = "assize/v1/genesis".getBytes(StandardCharsets.UTF_8);

    private final String origin;
    private long next;
    private byte[] link;
    private int incarnation = 1;
    private @Nullable Instant time;
    private @Nullable ChainFault fault;
    private @Nullable Frame last;

    private @Nullable Frame lastFrame;

    private ChainVerifier(String origin, long next, byte[] link) {
        this.origin = origin;
        this.next = next;
        this.link = link;
    }

    /** A verifier of the ledger of that name from its first entry. */
    public static ChainVerifier fromTheBeginning(String origin) {
        byte[] genesis = Sha256.of(GENESIS, new byte[1], origin.getBytes(StandardCharsets.UTF_8));
        return new ChainVerifier(origin, 0, genesis);
    }

    /** A verifier that goes on behind an entry that is trusted already. */
    public static ChainVerifier startingAfter(String origin, long seq, byte[] entryHash) {
        if (seq < 0 || entryHash.length != Sha256.BYTES) {
            throw new IllegalArgumentException("a position from 0 and a hash of " + Sha256.BYTES + " bytes");
        }
        return new ChainVerifier(origin, seq + 1, entryHash.clone());
    }

    /** The hash of an entry. */
    public static byte[] entryHash(byte[] frame) {
        return Sha256.of(LEAF, frame);
    }

    /** The last frame that was sound. */
    Frame lastFrame() {
        return Objects.requireNonNull(lastFrame);
    }

    /** Of the last frame taken. */
    int incarnation() {
        return incarnation;
    }

    /** Takes the next frame, and refuses it where {@link #accept} finds a fault; what it says. */
    Frame require(byte[] frame) throws NotProvenException {
        ChainFault found = accept(frame).orElse(null);
        if (found != null || last == null) {
            throw found == null
                    ? new NotProvenException("nothing was taken")
                    : new NotProvenException(found.seq(), found.message());
        }
        return last;
    }

    /** Takes the next frame. After a fault there is no next: the answer stays the same. */
    public Optional<ChainFault> accept(byte[] frame) {
        return accept(frame, entryHash(frame));
    }

    /** The same where a hash was given with the frame. */
    public Optional<ChainFault> accept(byte[] frame, byte[] claimedHash) {
        if (fault == null) {
            fault = check(frame, claimedHash);
        }
        return Optional.ofNullable(fault);
    }

    /** Whether the chain, as far as it was taken, ends with the entry that a receipt names; a fault if not. */
    public Optional<ChainFault> endsAt(long seq, byte[] entryHash) {
        if (fault != null) {
            return Optional.of(fault);
        }
        if (next != seq + 1) {
            return Optional.of(new ChainFault(
                    Math.min(next, seq + 1), Kind.HEAD, "the chain has " + next + " entries, not " + (seq + 1)));
        }
        return MessageDigest.isEqual(link, entryHash)
                ? Optional.empty()
                : Optional.of(new ChainFault(seq, Kind.HEAD, "the chain ends with another entry " + seq));
    }

    /** How many entries the chain has so far, those before the start included. */
    public long size() {
        return next;
    }

    /** The hash of the last entry that was sound. */
    public byte[] lastHash() {
        return link.clone();
    }

    private @Nullable ChainFault check(byte[] bytes, byte[] claimedHash) {
        byte[] hash = entryHash(bytes);
        if (!MessageDigest.isEqual(hash, claimedHash)) {
            return fault(Kind.ENTRY_HASH, "has the hash " + hex(hash) + ", not " + hex(claimedHash));
        }
        Frame frame;
        try {
            frame = FrameReader.read(bytes);
        } catch (MalformedFrameException e) {
            return fault(Kind.FRAME, "cannot be read: " + e.getMessage());
        }
        if (!frame.origin().equals(origin)) {
            return fault(Kind.ORIGIN, "belongs to another ledger");
        }
        if (frame.seq() != next) {
            return fault(Kind.SEQUENCE, "is missing: position " + frame.seq() + " stands in its place");
        }
        if (frame.incarnation() < incarnation) {
            return fault(Kind.ORIGIN, "belongs to an incarnation that has ended");
        }
        if (!MessageDigest.isEqual(frame.prevHash(), link)) {
            return fault(Kind.LINK, "does not contain the hash of the entry before it");
        }
        if (time != null && !frame.recordedAt().isAfter(time)) {
            return fault(Kind.SEQUENCE, "was recorded no later than the entry before it");
        }
        next++;
        lastFrame = frame;
        link = hash;
        incarnation = frame.incarnation();
        time = frame.recordedAt();
        last = frame;
        return null;
    }

    private ChainFault fault(Kind kind, String what) {
        return new ChainFault(next, kind, "entry " + next + " " + what);
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
