package dev.assize.server.decision;

import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DocumentKey;
import java.util.Optional;
import java.util.Set;

/** What the ledgers hold of policies: by it a state is known to be of this history and of no other. Blocks. */
public interface PolicyRecords {

    /** The last revision that was committed; 0 where none was. */
    Revision present(PolicyScope scope);

    /** The digest of all documents at a revision; empty where it was never committed. */
    Optional<Digest> digest(PolicyScope scope, Revision revision);

    /** The present incarnation of the ledger that the scope's changes are recorded in; 0 where there is none yet. */
    int incarnation(PolicyScope scope);

    /** Documents that are not the same at two revisions. */
    Set<DocumentKey> changed(PolicyScope scope, Revision from, Revision to);
}
