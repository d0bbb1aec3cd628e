package dev.assize.server.app;

import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.ledger.archive.DirectoryArchive;
import dev.assize.server.storage.s3.LockMode;
import dev.assize.server.storage.s3.S3ArchiveStore;
import dev.assize.server.storage.s3.S3Place;
import java.nio.file.Path;

/** Where pruned entries are archived. */
sealed interface ArchivePlace {

    ArchiveStore open();

    /** A directory, on another disk than the database's or mounted from elsewhere. */
    record Directory(Path path) implements ArchivePlace {
        @Override
        public ArchiveStore open() {
            return new DirectoryArchive(path);
        }
    }

    /** A bucket of a store that speaks S3. */
    record Bucket(S3Place place, ObjectLock lock) implements ArchivePlace {
        @Override
        public ArchiveStore open() {
            return new S3ArchiveStore(
                    place,
                    switch (lock) {
                        case NONE -> null;
                        case GOVERNANCE -> LockMode.GOVERNANCE;
                        case COMPLIANCE -> LockMode.COMPLIANCE;
                    });
        }
    }

    /** Who may remove an object before its time. */
    enum ObjectLock {
        /** Whoever may remove any. */
        NONE,
        /** Whoever is granted that by the store. */
        GOVERNANCE,
        /** Nobody. */
        COMPLIANCE
    }
}
