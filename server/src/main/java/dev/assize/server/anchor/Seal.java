package dev.assize.server.anchor;

import com.google.inject.Inject;
import java.util.Optional;

/** Signs what the server says to itself with the key that signs checkpoints, so that it knows its own word again. */
public final class Seal {

    private final CheckpointSigner signer;
    private final AnchorRepository repository;

    @Inject
    Seal(CheckpointSigner signer, AnchorRepository repository) {
        this.signer = signer;
        this.repository = repository;
    }

    /** What the origin of every ledger here begins with. */
    public String deployment() {
        return repository.deployment();
    }

    /** The text as a signed note. It must not be one that a checkpoint could have. */
    public String seal(String text) {
        return signer.sign(repository.deployment(), text);
    }

    /** The text of a note that one of this deployment's keys has signed. */
    public Optional<String> open(String note) {
        return signer.open(repository.deployment(), note);
    }
}
