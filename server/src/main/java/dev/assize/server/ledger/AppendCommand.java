package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Entries to append together, all or none.
 *
 * @param recorder by whom; with the key's text it names the idempotency key
 * @param idempotency null where a retry is not to be recognised
 * @param precondition null where nothing is asked; a retry that is recognised is not asked again
 */
public record AppendCommand(
        Recorder recorder,
        List<EntryDraft> drafts,
        @Nullable Idempotency idempotency,
        @Nullable Precondition precondition) {

    /** Entries to append whatever the ledger holds. */
    public AppendCommand(Recorder recorder, List<EntryDraft> drafts, @Nullable Idempotency idempotency) {
        this(recorder, drafts, idempotency, null);
    }

    /** Whether the precondition, if there is one, holds. To be asked with the head locked. */
    public boolean mayAppend() {
        try {
            return precondition == null || precondition.holds();
        } catch (RuntimeException e) {
            throw new PreconditionFailedException(e);
        }
    }

    /**
     * Recognises a retry.
     *
     * @param contentHash SHA-256 of what the caller sent, to tell a retry from another request under the same key
     */
    public record Idempotency(String key, Digest contentHash) {}
}
