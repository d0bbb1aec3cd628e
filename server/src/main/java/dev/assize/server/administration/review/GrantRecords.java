package dev.assize.server.administration.review;

import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentKey;
import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What was written down about grants: who wrote them, and when they were used. Blocks. */
public interface GrantRecords {

    /** How many of a subject's latest allows on record, and of its latest entries, are looked through. */
    int LATEST = 100;

    /** The changes that wrote documents of a scope as they stand; none of one that does not stand any more. */
    Map<DocumentKey, Written> written(PolicyScope scope, Collection<DocumentKey> documents);

    /**
     * When grants were last used: by the latest decision on record that rests on the binding and the role, or by the
     * latest entry of the ledger that names the subject as actor with the role, whichever is later.
     *
     * @param envs in which; empty for all
     */
    Map<Held, Use> lastUses(TenantId tenant, Collection<Held> grants, Set<Environment> envs);

    /**
     * A change.
     *
     * @param manifest its payload; null where the ledger does not have it any more
     */
    record Written(
            Revision revision,
            Instant at,
            Recorder by,
            Optional<String> reason,
            long seq,
            @Nullable String manifest) {

        /** The same with its manifest. */
        public Written withManifest(@Nullable String payload) {
            return new Written(revision, at, by, reason, seq, payload);
        }
    }

    /** What a subject has by name. */
    record Held(Subject subject, TenantId home, String binding, String role) {}

    /**
     * A use.
     *
     * @param seq of the entry that says so, or that vouches for the decision
     */
    record Use(Instant at, long seq) {}
}
