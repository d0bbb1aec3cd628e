package dev.assize.server.retention;

import dev.assize.server.anchor.Checkpoints;
import dev.assize.server.model.Digest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes what is pruned as files that anybody can verify, and verifies them as anybody would: what implements this is the
 * verifier that is given to auditors, and no code of the server's ledger.
 */
public interface ArchiveBundles {

    /**
     * Writes a bundle, and verifies what it writes.
     *
     * @throws UnprovenException where the entries are not those of the checkpoint
     */
    void write(Path file, Part part, Entries entries) throws IOException;

    /**
     * Verifies a bundle from its bytes alone, and that it is of that part.
     *
     * @throws UnprovenException where it does not hold
     */
    void verify(Path file, Part part) throws IOException;

    /**
     * What ties the entries to a checkpoint.
     *
     * @param prevHash what the first entry is linked to
     * @param edges the right edge of the tree before, by level of tiles
     * @param proof that the checkpoint's tree continues that of the part's end
     */
    record Part(
            Checkpoints.Checkpoint checkpoint,
            long fromSeq,
            long toSeq,
            Digest prevHash,
            List<byte[]> edges,
            List<byte[]> proof) {}

    /** Hands out the entries. */
    @FunctionalInterface
    interface Entries {
        void read(PruningRepository.Reader reader);
    }

    /** Something is not what was signed. */
    final class UnprovenException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final long seq;

        /** @param seq the first bad position */
        public UnprovenException(long seq, String message, Throwable cause) {
            super(message, cause);
            this.seq = seq;
        }

        long seq() {
            return seq;
        }
    }
}
