package dev.assize.server.spool;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/** What the spool asks of a file system; so that tests can have one that fails. */
interface SpoolFiles {

    /** Makes a directory that only its owner may enter, where there is none, and has its name last. */
    void createDirectory(Path directory) throws IOException;

    /** The names in a directory, in no order. */
    List<String> names(Path directory) throws IOException;

    /** Opens a file that only its owner may read, empty, whatever was there. */
    SpoolFile create(Path path) throws IOException;

    /** Opens a file that is there. */
    SpoolFile open(Path path) throws IOException;

    /** Gives a file another's name, wholly or not at all. */
    void replace(Path from, Path to) throws IOException;

    void delete(Path path) throws IOException;

    /** Has the names in a directory last: of a file whose name is lost the content is lost, too. */
    void forceDirectory(Path directory) throws IOException;

    /** A file that is written at positions. */
    interface SpoolFile extends AutoCloseable {

        long size() throws IOException;

        /** Writes all of the bytes. */
        void write(ByteBuffer bytes, long position) throws IOException;

        /** Fills the buffer as far as there is something. */
        void read(ByteBuffer bytes, long position) throws IOException;

        void truncate(long size) throws IOException;

        /** Has what was written last. */
        void force() throws IOException;

        @Override
        void close() throws IOException;
    }
}
