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
 */
public record AppendCommand(
        Recorder recorder,
        List<EntryDraft> drafts,
        @Nullable Idempotency idempotency) {

    /**
     * Recognises a retry.
     *
     * @param contentHash SHA-256 of what the caller sent, to tell a retry from another request under the same key
     */
    public record Idempotency(String key, Digest contentHash) {}
}
