package dev.assize.server.anchor;

import dev.assize.server.model.TenantId;

/** Entries were asked for that were pruned. */
public final class PrunedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long seq;
    private final String object;

    /** @param object of the archive, where it is */
    public PrunedException(TenantId tenant, long seq, String object) {
        super("entry " + seq + " of tenant `" + tenant + "` was pruned: it is in the archive, in `" + object + "`");
        this.seq = seq;
        this.object = object;
    }

    public long seq() {
        return seq;
    }

    public String object() {
        return object;
    }
}
