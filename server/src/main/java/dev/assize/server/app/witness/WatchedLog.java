package dev.assize.server.app.witness;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.model.Digest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A log that a witness watches.
 *
 * @param origin names it
 * @param keys whose signatures count for it
 */
record WatchedLog(String origin, Set<VerifierKey> keys) {

    /** Under whose name a deployment keeps the log of its ledgers' heads, first incarnation. */
    private static final String LOG_OF_HEADS = "/~meta/1";

    WatchedLog {
        keys = Set.copyOf(keys);
    }

    /**
     * Reads {@code VKEY} or {@code VKEY@ORIGIN}, each as often as wanted: a log may have several keys. Without an origin
     * it is the log of heads of the deployment whose key that is.
     */
    static List<WatchedLog> parse(Collection<String> texts) throws NotProvenException {
        Map<String, List<VerifierKey>> keys = new LinkedHashMap<>();
        for (String text : texts) {
            // Neither a key's name nor base64 has a `+` and then an `@`; an origin may have anything.
            int material = text.indexOf('+', text.indexOf('+') + 1);
            int at = text.indexOf('@', Math.max(0, material));
            VerifierKey key = VerifierKey.parse(at < 0 ? text : text.substring(0, at));
            if (key.isWitness()) {
                throw new NotProvenException("`" + key + "` is a witness's key: expected the key of a log");
            }
            String origin = at < 0 ? key.name() + LOG_OF_HEADS : text.substring(at + 1);
            if (origin.isBlank() || origin.chars().anyMatch(Character::isISOControl)) {
                throw new NotProvenException("`" + text + "` has no origin behind the `@`");
            }
            keys.computeIfAbsent(origin, _ -> new ArrayList<>()).add(key);
        }
        return keys.entrySet().stream()
                .map(it -> new WatchedLog(it.getKey(), Set.copyOf(it.getValue())))
                .toList();
    }

    /** Under which it is asked for: lower-case hex of the SHA-256 of the origin. */
    String hash() {
        return Digest.sha256(origin.getBytes(UTF_8)).toString();
    }
}
