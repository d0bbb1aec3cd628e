package dev.assize.server.anchor.witness;

import dev.assize.server.ledger.note.MalformedNoteException;
import dev.assize.server.ledger.note.VerifierKey;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;

/**
 * A witness, and how it is known again.
 *
 * @param url before `/add-checkpoint`, without a slash at its end
 * @param key that it signs with
 */
public record WitnessAddress(URI url, VerifierKey key) {

    public WitnessAddress {
        boolean http = "http".equals(url.getScheme()) || "https".equals(url.getScheme());
        if (!http || url.getHost() == null || url.getQuery() != null || url.getFragment() != null) {
            throw new IllegalArgumentException(
                    "`" + url + "` is no address of a witness: expected for example https://witness.example.com");
        }
        if (!key.isCosigner()) {
            throw new IllegalArgumentException("`" + key + "` is not the key of a witness");
        }
    }

    /** Reads addresses {@code URL VKEY}, with commas between them. A witness stands there once. */
    public static List<WitnessAddress> parse(String text) {
        List<WitnessAddress> addresses = new ArrayList<>();
        for (String one : text.isBlank() ? new String[0] : text.split(",", -1)) {
            WitnessAddress address = parseOne(one.strip());
            if (addresses.stream().anyMatch(it -> it.name().equals(address.name()))) {
                throw new IllegalArgumentException("the witness `" + address.name() + "` is named twice");
            }
            addresses.add(address);
        }
        return List.copyOf(addresses);
    }

    private static WitnessAddress parseOne(String text) {
        String[] parts = text.split("\\s+", -1);
        if (parts.length != 2) {
            throw new IllegalArgumentException("`" + text + "`: expected a URL, a space and the witness's key");
        }
        try {
            return new WitnessAddress(new URI(parts[0].replaceFirst("/+$", "")), VerifierKey.parse(parts[1]));
        } catch (URISyntaxException | MalformedNoteException e) {
            throw new IllegalArgumentException("`" + text + "`: " + e.getMessage(), e);
        }
    }

    /** Under which it signs. */
    public String name() {
        return key.name();
    }
}
