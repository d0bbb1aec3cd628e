package dev.assize.server.ledger.note;

import dev.assize.server.secret.OwnedFile;
import java.nio.file.Path;
import java.util.Optional;

/** The key that a witness cosigns with, in a file that only its owner may read. */
public final class WitnessKey {

    private static final String DEFAULT_NAME = "assize.local/witness";

    private WitnessKey() {}

    /**
     * Reads the key, or makes one where there is none.
     *
     * @param name that it must have; empty for the one it has
     */
    public static NoteSigner open(Path path, Optional<String> name) {
        OwnedFile file = OwnedFile.secret(path);
        if (!file.exists()) {
            SigningKey made = SigningKey.generate(name.orElse(DEFAULT_NAME), SignatureType.COSIGNATURE);
            file.write(made.secret());
            return new NoteSigner(made);
        }
        SigningKey key;
        try {
            key = SigningKey.parse(file.read());
        } catch (MalformedNoteException e) {
            throw file.isNo("signing key", "one key; " + e.getMessage());
        }
        VerifierKey found = key.verifierKey();
        if (found.type() != SignatureType.COSIGNATURE || !found.name().equals(name.orElse(found.name()))) {
            throw file.isNo(
                    "key of this witness",
                    "one that cosigns as `" + name.orElse("a witness") + "`, found `" + found + "`");
        }
        return new NoteSigner(key);
    }
}
