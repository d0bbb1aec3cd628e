package dev.assize.server.spool;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.locks.Lock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Through which record a queue was forwarded, here and as the disk has it. Guarded by the queue's lock. */
final class ForwardedMark {

    private static final Logger LOG = LoggerFactory.getLogger(ForwardedMark.class);

    private final Path directory;
    private final SpoolFiles files;
    private final DiskTurns turns;
    private final SpareRoom spare;
    private QueueState state;

    /** What the disk has: where that is full it may be behind. */
    private long noted;

    /** Whether it could not be noted, and that was said. */
    private boolean failing;

    ForwardedMark(Path directory, SpoolFiles files, DiskTurns turns, QueueState state) {
        this.directory = directory;
        this.files = files;
        this.turns = turns;
        this.spare = new SpareRoom(directory, files);
        this.state = state;
        this.noted = state.forwarded();
    }

    QueueState state() {
        return state;
    }

    long through() {
        return state.forwarded();
    }

    /** Through which record the disk has it, too: what is behind that would be missed there by the next start. */
    long lasting() {
        return Math.min(noted, state.forwarded());
    }

    /** Moves it, which may be back. */
    void move(long through) {
        state = new QueueState(state.id(), through);
        note();
    }

    /** Has the disk know it, where it does not. */
    void note() {
        if (noted == state.forwarded()) {
            return;
        }
        try {
            noteNow();
            noted = state.forwarded();
            failing = false;
        } catch (IOException e) {
            // The ledger knows it, too: after a crash it is asked.
            if (!failing) {
                LOG.warn("the spool in `{}` cannot note what was forwarded: {}", directory, SpoolQueue.reason(e));
            }
            failing = true;
        }
    }

    private void noteNow() throws IOException {
        try {
            state.write(files, directory);
        } catch (IOException e) {
            // Records that are being written, here or for another tenant, would take its place.
            Lock alone = turns.alone();
            alone.lock();
            try {
                if (!spare.release()) {
                    throw e;
                }
                state.write(files, directory);
                spare.hold();
            } finally {
                alone.unlock();
            }
        }
    }

    /** Holds room to note it with, where the disk has some. */
    void holdRoom() {
        spare.hold();
    }
}
