package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Pattern;

/** How numbers, bytes and texts stand in evidence: each value in one way only. */
final class Evidence {

    private static final Pattern DECIMAL = Pattern.compile("0|[1-9][0-9]{0,18}");

    private Evidence() {}

    /** UTF-8 and nothing that only looks like it. */
    static String utf8(byte[] bytes) throws NotProvenException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new NotProvenException("not UTF-8");
        }
    }

    /** ASCII digits without leading zeroes, up to 2^63-1. */
    static long decimal(String text) throws NotProvenException {
        require(DECIMAL.matcher(text).matches(), "`" + text + "` is no number");
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new NotProvenException("`" + text + "` is too large");
        }
    }

    /** Standard base64 with its padding, and no bits that say nothing. */
    static byte[] base64(String text) throws NotProvenException {
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw new NotProvenException("`" + text + "` is not base64");
        }
        require(base64(bytes).equals(text), "`" + text + "` is not base64 as it is written");
        return bytes;
    }

    static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    /** A hash in base64. */
    static byte[] hash(String text) throws NotProvenException {
        byte[] hash = base64(text);
        require(hash.length == Sha256.BYTES, "`" + text + "` is no hash of " + Sha256.BYTES + " bytes");
        return hash;
    }
}
