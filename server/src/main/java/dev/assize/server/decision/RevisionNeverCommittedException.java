package dev.assize.server.decision;

import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;

/** A question about a revision that was never committed: the caller's mistake. */
public final class RevisionNeverCommittedException extends RuntimeException {

    private final Revision revision;

    public RevisionNeverCommittedException(TenantId tenant, Revision revision) {
        super("revision " + revision + " of tenant `" + tenant + "` was never committed");
        this.revision = revision;
    }

    public Revision revision() {
        return revision;
    }
}
