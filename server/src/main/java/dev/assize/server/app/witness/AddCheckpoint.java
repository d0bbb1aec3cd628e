package dev.assize.server.app.witness;

import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a log sends to a witness (C2SP tlog-witness).
 *
 * @param oldSize of the checkpoint that the proof begins at
 * @param proof that the new checkpoint continues the old one
 */
record AddCheckpoint(long oldSize, List<byte[]> proof, SignedNote note) {

    /** Lines of the longest proof: of a tree of 2^63 leaves. */
    static final int MOST_PROOF_LINES = 63;

    /** Bytes of the largest request: the proof, and a note with signatures of many witnesses. */
    static final int MAX_BYTES = 128 * 1024;

    private static final int HASH_BYTES = 32;
    private static final Pattern OLD = Pattern.compile("old (0|[1-9][0-9]{0,18})");

    /** Reads the body of a request, strictly. */
    static AddCheckpoint parse(byte[] body) throws NotProvenException {
        if (body.length > MAX_BYTES) {
            throw new NotProvenException("a request has at most " + MAX_BYTES + " bytes");
        }
        // Every byte is a character of its own, so that positions are those of the bytes.
        String text = new String(body, StandardCharsets.ISO_8859_1);
        int end = text.indexOf("\n\n");
        if (end < 0) {
            throw new NotProvenException("a request has an empty line before its checkpoint");
        }
        List<String> lines = List.of(text.substring(0, end).split("\n", -1));
        if (lines.size() > 1 + MOST_PROOF_LINES) {
            throw new NotProvenException("a proof has at most " + MOST_PROOF_LINES + " lines");
        }
        long oldSize = oldSize(lines.getFirst());
        List<byte[]> proof = new ArrayList<>();
        for (String line : lines.subList(1, lines.size())) {
            proof.add(hash(line));
        }
        return new AddCheckpoint(
                oldSize, proof, SignedNote.parse(Arrays.copyOfRange(body, end + "\n\n".length(), body.length)));
    }

    private static long oldSize(String line) throws NotProvenException {
        Matcher matcher = OLD.matcher(line);
        try {
            if (matcher.matches()) {
                return Long.parseLong(matcher.group(1));
            }
        } catch (NumberFormatException e) {
            throw new NotProvenException("the old size is too large");
        }
        throw new NotProvenException("expected `old`, a space and a size in the first line");
    }

    private static byte[] hash(String line) throws NotProvenException {
        byte[] hash;
        try {
            hash = Base64.getDecoder().decode(line);
        } catch (IllegalArgumentException e) {
            throw new NotProvenException("a line of the proof is not base64");
        }
        if (hash.length != HASH_BYTES
                || !Base64.getEncoder().encodeToString(hash).equals(line)) {
            throw new NotProvenException("a line of the proof is not a hash of " + HASH_BYTES + " bytes in base64");
        }
        return hash;
    }
}
