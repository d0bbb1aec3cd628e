package dev.assize.server.administration;

import dev.assize.server.model.Digest;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.StoredDocument;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** What rebuilding a policy from its ledger came to. */
public sealed interface ReplayResult {

    /** Entries that tell of this ledger's policies, and that were read. */
    long entries();

    /**
     * The policy could be rebuilt.
     *
     * @param snapshot position of the snapshot that the replay began with; empty where it began at the first revision
     * @param drifts how what is stored is not what was rebuilt: the first of them
     * @param driftCount how many there are
     */
    record Rebuilt(
            Revision revision,
            Digest digest,
            int documents,
            long entries,
            OptionalLong snapshot,
            List<Drift> drifts,
            long driftCount)
            implements ReplayResult {}

    /**
     * The ledger does not tell the policy.
     *
     * @param revision up to which it does
     * @param seq the entry at which that ends
     */
    record Broken(Revision revision, long seq, String message, long entries) implements ReplayResult {}

    /**
     * Something stored that is not what the ledger tells.
     *
     * @param key null where it is no document
     * @param seq of the entry that tells it; empty where none does
     * @param told as the ledger tells the document; null where it does not, or where there are too many to show
     * @param stored as it is stored; null where it is not, or where there are too many to show
     */
    record Drift(
            DriftType type,
            @Nullable DocumentKey key,
            OptionalLong seq,
            String message,
            @Nullable StoredDocument told,
            @Nullable StoredDocument stored) {}

    /** How something is not what the ledger tells. */
    enum DriftType {
        /** A document that the ledger tells of is not stored. */
        MISSING,
        /** A document is stored that the ledger does not tell of. */
        UNKNOWN,
        /** A document is stored with another text. */
        TEXT,
        /** A document is stored with another file or line. */
        PLACE,
        /** What is stored of a revision is not what its manifest says. */
        REVISION
    }
}
