package dev.assize.server.ledger.archive;

import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;

/**
 * A place for what leaves the database. Objects are created whole and never changed; each call is durable when it
 * returns, and throws {@link ArchiveUnavailableException} where the place cannot be reached.
 */
public interface ArchiveStore {

    /**
     * Creates an object if there is none of its name.
     *
     * @param name of segments joined by `/`, each of `[A-Za-z0-9._-]` and none of dots alone
     * @param content a file, whole
     * @param retainUntil until when nobody should be able to remove it; a place that cannot see to that ignores it
     * @return false where there is one already, which is left as it is
     */
    boolean create(String name, Path content, Instant retainUntil);

    /** The object's content, to be closed by the caller; empty where there is none. */
    Optional<InputStream> read(String name);

    /** Where it is, for the operator. */
    String describe();
}
