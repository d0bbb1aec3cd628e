package dev.assize.server.spool;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** Files that are only looked at: what a start would cut off or remove stays. */
final class ReadOnlyFiles implements SpoolFiles {

    private final DiskFiles disk = new DiskFiles();

    @Override
    public void createDirectory(Path directory) {
        // It is there, or there is nothing to look at.
    }

    @Override
    public List<String> names(Path directory) throws IOException {
        return disk.names(directory);
    }

    @Override
    public SpoolFile create(Path path) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public SpoolFile open(Path path) throws IOException {
        return new ReadOnlyFile(FileChannel.open(path, StandardOpenOption.READ));
    }

    @Override
    public void replace(Path from, Path to) {
        throw new ReadOnlyFileSystemException();
    }

    @Override
    public void delete(Path path) {
        // It is only looked at.
    }

    @Override
    public void forceDirectory(Path directory) {
        // Nothing was changed.
    }

    private record ReadOnlyFile(FileChannel channel) implements SpoolFile {

        @Override
        public long size() throws IOException {
            return channel.size();
        }

        @Override
        public void write(ByteBuffer bytes, long position) {
            throw new ReadOnlyFileSystemException();
        }

        @Override
        public void read(ByteBuffer bytes, long position) throws IOException {
            long at = position;
            while (bytes.hasRemaining()) {
                int count = channel.read(bytes, at);
                if (count < 0) {
                    return;
                }
                at += count;
            }
        }

        @Override
        public void truncate(long size) {
            // What a crash has left is not counted, and stays.
        }

        @Override
        public void force() {
            // Nothing was changed.
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
