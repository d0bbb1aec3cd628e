package dev.assize.server.anchor;

/** The database lacks leaves of the log of heads that nobody has any more: an old dump was restored. */
final class LostLeavesException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LostLeavesException(long size, long sizeOutside) {
        super("the database has " + size + " leaves of the log of heads, and " + sizeOutside
                + " were signed: it has lost some, as when an old dump is restored. Restore a newer one, or begin a new"
                + " incarnation of the ledgers that have lost entries");
    }
}
