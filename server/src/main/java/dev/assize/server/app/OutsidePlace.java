package dev.assize.server.app;

import dev.assize.server.anchor.FileOutsideStore;
import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.storage.PostgresOutsideStore;
import dev.assize.server.storage.s3.S3OutsideStore;
import dev.assize.server.storage.s3.S3Place;
import java.nio.file.Path;
import java.time.Duration;

/** Where the ledgers' heads are kept outside of the database. */
sealed interface OutsidePlace {

    /** The store of that place; nothing is reached yet. */
    OutsideStore open();

    /** A directory. */
    record Directory(Path path) implements OutsidePlace {
        @Override
        public OutsideStore open() {
            return new FileOutsideStore(path);
        }
    }

    /** Another PostgreSQL. */
    record Database(DatabaseAccess access, Duration timeout) implements OutsidePlace {
        @Override
        public OutsideStore open() {
            return new PostgresOutsideStore(access, timeout);
        }
    }

    /** A bucket of an object store. */
    record Bucket(S3Place place) implements OutsidePlace {
        @Override
        public OutsideStore open() {
            return new S3OutsideStore(place);
        }
    }
}
