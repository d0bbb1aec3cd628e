package dev.assize.server.administration;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.StoredDocument;
import java.time.Instant;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What policies are and were, as they are stored; a few documents are in memory at a time. Blocks. */
public interface PolicyHistory {

    /** The current revision; 0 where nothing was ever committed. */
    Revision present(PolicyScope scope);

    /** The revision that was current at a moment; 0 where nothing had been committed. */
    Revision at(PolicyScope scope, Instant moment);

    /** Hands out every document at a revision, by kind and name. Blocks for as long as the reader takes. */
    void read(PolicyScope scope, Revision revision, Consumer<StoredDocument> reader);

    /** Hands out what is not the same at two revisions, by kind and name. Blocks for as long as the reader takes. */
    void compare(PolicyScope scope, Revision from, Revision to, Consumer<TextChange> reader);

    /**
     * A document that is not the same at two revisions.
     *
     * @param before null where it was not there
     * @param after null where it is not there
     */
    record TextChange(
            DocumentKey key,
            @Nullable String before,
            @Nullable String after) {}
}
