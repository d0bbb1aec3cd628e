package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** A text with signatures under it (C2SP signed-note). The text says nothing until {@link #verify} has been asked. */
public final class SignedNote {

    /** Bytes of the longest note that is read. */
    public static final int MAX_BYTES = 1_000_000;

    /** Signatures of a note at most. */
    public static final int MAX_SIGNATURES = 100;

    private static final String DASH = "\u2014 ";
    private static final String LAST_EMPTY_LINE = "\n\n";

    private final String note;
    private final String text;
    private final List<Signature> signatures;

    private SignedNote(String note, String text, List<Signature> signatures) {
        this.note = note;
        this.text = text;
        this.signatures = List.copyOf(signatures);
    }

    /** Reads a note, strictly. */
    public static SignedNote parse(byte[] bytes) throws NotProvenException {
        require(bytes.length <= MAX_BYTES, "a note has at most " + MAX_BYTES + " bytes");
        String note = Evidence.utf8(bytes);
        require(
                note.chars().allMatch(c -> c == '\n' || !Character.isISOControl(c)),
                "a note has no control characters");
        int end = note.lastIndexOf(LAST_EMPTY_LINE);
        require(end > 0 && note.endsWith("\n"), "a note has an empty line before its signatures, and ends its last");
        String lines = note.substring(end + LAST_EMPTY_LINE.length());
        List<Signature> signatures = new ArrayList<>();
        for (int from = 0; from < lines.length(); ) {
            int to = lines.indexOf('\n', from);
            signatures.add(Signature.parse(lines.substring(from, to)));
            from = to + 1;
        }
        require(!signatures.isEmpty(), "a note has a signature");
        require(signatures.size() <= MAX_SIGNATURES, "a note has at most " + MAX_SIGNATURES + " signatures");
        return new SignedNote(note, note.substring(0, end + 1), signatures);
    }

    /**
     * The signatures that these keys have made. Requires one at least, and that none under the name of any of them is
     * false. Signatures of other keys are passed over.
     */
    public List<VerifiedSignature> verify(Collection<VerifierKey> keys) throws NotProvenException {
        List<VerifiedSignature> verified = signaturesOf(keys);
        require(!verified.isEmpty(), "no signature of a known key");
        return verified;
    }

    /** The same, and perhaps none. */
    List<VerifiedSignature> signaturesOf(Collection<VerifierKey> keys) throws NotProvenException {
        List<VerifiedSignature> verified = new ArrayList<>();
        for (Signature signature : signatures) {
            for (VerifierKey key : keys) {
                if (key.isOf(signature)) {
                    verified.add(new VerifiedSignature(key, key.verify(text, signature.bytes())));
                }
            }
        }
        return verified;
    }

    /** What was signed, the end of its last line included. Trust it only behind {@link #verify}. */
    public String text() {
        return text;
    }

    /** Names of those who claim to have signed. */
    public List<String> signers() {
        return signatures.stream().map(Signature::name).toList();
    }

    /** The whole note, as it was read. */
    @Override
    public String toString() {
        return note;
    }

    /**
     * A signature that holds.
     *
     * @param time when it was made, where the signature says so
     */
    public record VerifiedSignature(VerifierKey key, Optional<Instant> time) {}

    /** A line under the text. */
    record Signature(String name, int id, byte[] bytes) {

        private static final int PARTS = 2;

        static Signature parse(String line) throws NotProvenException {
            String[] parts =
                    line.startsWith(DASH) ? line.substring(DASH.length()).split(" ", -1) : new String[0];
            require(parts.length == PARTS && VerifierKey.isName(parts[0]), "`" + line + "` is no signature");
            byte[] withId = Evidence.base64(parts[1]);
            require(withId.length > Integer.BYTES, "`" + line + "` is no signature");
            byte[] bytes = Arrays.copyOfRange(withId, Integer.BYTES, withId.length);
            return new Signature(parts[0], ByteBuffer.wrap(withId).getInt(), bytes);
        }
    }
}
