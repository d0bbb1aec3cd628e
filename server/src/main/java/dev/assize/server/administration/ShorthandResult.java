package dev.assize.server.administration;

import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentKey;
import java.time.Instant;

/** How a grant, a revocation, a freeze, its lifting or a step in a tenant's life ended. */
public sealed interface ShorthandResult {

    /**
     * Committed.
     *
     * @param name of the document made, changed or deleted
     * @param seq of the manifest
     * @param replayed whether that was done by an earlier request under the same key
     */
    record Done(String name, Revision revision, long seq, Instant committedAt, boolean replayed)
            implements ShorthandResult {}

    /** There is no such document. */
    record NotThere(DocumentKey key) implements ShorthandResult {}

    /** The binding does not name the subject. */
    record SubjectNotThere(DocumentKey binding, String subject) implements ShorthandResult {}

    /** There is a document of that name. */
    record AlreadyThere(DocumentKey key) implements ShorthandResult {}

    /** The tenant is not suspended, and only such a one is deleted. */
    record NotSuspended(TenantId tenant) implements ShorthandResult {}

    /** The key was used for another request. */
    record KeyReused(String key) implements ShorthandResult {}

    /** Refused as the same change would be, had it been applied. */
    record Refused(ChangeResult result) implements ShorthandResult {}
}
