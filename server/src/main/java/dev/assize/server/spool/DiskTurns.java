package dev.assize.server.spool;

import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Who may take room on the disk that the queues of a spool share: all that write, or one alone that has given some free and
 * takes it again at once. Whoever holds a queue's lock may wait for a turn, and not the other way round.
 */
final class DiskTurns {

    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

    /** For whatever takes room. */
    Lock together() {
        return lock.readLock();
    }

    /** Nobody else takes any meanwhile. */
    Lock alone() {
        return lock.writeLock();
    }
}
