package dev.assize.server.ledger.note;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Opens notes that carry a signature of one of these keys, and no false one of any of them. */
public final class NoteVerifier {

    /** Bytes of the longest note: sixteen signatures, large ones too. */
    static final int MAX_BYTES = 128 * 1024;

    private final Map<String, VerifierKey> keys = new HashMap<>();

    public NoteVerifier(List<VerifierKey> keys) {
        keys.forEach(key -> this.keys.put(handle(key.name(), key.id()), key));
    }

    /** The text of the note, or nothing where none of the keys vouches for it. */
    public Optional<String> open(String note) {
        int end = note.lastIndexOf("\n\n");
        if (note.length() > MAX_BYTES || end < 0 || !note.endsWith("\n")) {
            return Optional.empty();
        }
        String text = note.substring(0, end + 1);
        boolean vouchedFor = false;
        for (String line : note.substring(end + 2).replaceFirst("\n$", "").split("\n", -1)) {
            Optional<SignatureLine> signature = SignatureLine.parse(line);
            if (signature.isEmpty()) {
                return Optional.empty();
            }
            VerifierKey key =
                    keys.get(handle(signature.get().name(), signature.get().id()));
            if (key != null && !verifies(key, text, signature.get().bytes())) {
                return Optional.empty();
            }
            vouchedFor |= key != null;
        }
        return vouchedFor ? Optional.of(text) : Optional.empty();
    }

    private static boolean verifies(VerifierKey key, String text, byte[] signature) {
        return switch (key.type()) {
            case NOTE -> key.verifies(text.getBytes(StandardCharsets.UTF_8), signature);
            case COSIGNATURE -> Cosignature.verifies(key, text, signature);
        };
    }

    private static String handle(String name, int id) {
        return name + "+" + id;
    }
}
