package dev.assize.server.anchor;

import dev.assize.server.ledger.note.SigningKeys;
import dev.assize.server.ledger.note.VerifierKey;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Signs checkpoints with the key of this deployment, and knows its signatures again. */
final class CheckpointSigner {

    private final Path directory;

    /** Read once the deployment has a name, that is when the database has started. Guarded by this. */
    private @Nullable SigningKeys keys;

    /** Keys in that directory; the first is made where there is none. */
    CheckpointSigner(Path directory) {
        this.directory = directory;
    }

    /**
     * The text as a signed note (C2SP signed-note).
     *
     * @param deployment `<ledger name>/<deployment>`, the name of the key
     */
    String sign(String deployment, String text) {
        return keys(deployment).signer().sign(text);
    }

    /** Whether a note holds this text, and a signature of one of the deployment's keys, present or past, over it. */
    boolean isOurs(String deployment, String note, String text) {
        return keys(deployment).verifier().open(note).equals(Optional.of(text));
    }

    /** The text of a note that one of the deployment's keys has signed. */
    Optional<String> open(String deployment, String note) {
        return keys(deployment).verifier().open(note);
    }

    /** The keys to verify with, the present one first (verifier keys of C2SP signed-note). */
    List<String> verifierKeys(String deployment) {
        return keys(deployment).verifierKeys().stream()
                .map(VerifierKey::toString)
                .toList();
    }

    /**
     * Reads the keys anew: they may have been rotated since.
     *
     * @return the public half of the one that signs
     */
    synchronized String refresh(String deployment) {
        SigningKeys present =
                keys == null ? SigningKeys.open(directory, deployment) : SigningKeys.reopen(directory, deployment);
        keys = present;
        return present.signer().verifierKey().toString();
    }

    private synchronized SigningKeys keys(String deployment) {
        SigningKeys open = keys == null ? SigningKeys.open(directory, deployment) : keys;
        keys = open;
        return open;
    }
}
