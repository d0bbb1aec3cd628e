package dev.assize.server.endpoint.grpc;

import dev.assize.server.endpoint.call.Deadlines;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.endpoint.grpc.ExportCalls.Patience;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets an export go on when its reader takes the next message. Made by the thread that begins the call, and waited for by
 * another: while the first one is at work, a stream does not say that it is ready.
 */
final class ReaderTurn {

    private final ServerCallStreamObserver<?> stream;
    private final Patience patience;
    private final String advice;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final long startNanos = System.nanoTime();

    /** @param advice what to do where the export was ended */
    ReaderTurn(ServerCallStreamObserver<?> stream, Patience patience, String advice) {
        this.stream = stream;
        this.patience = patience;
        this.advice = advice;
        stream.setOnReadyHandler(this::wake);
        stream.setOnCancelHandler(this::wake);
    }

    private void wake() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Until the reader has taken what was sent. */
    void await() {
        lock.lock();
        try {
            long left = patience.stall().toNanos();
            while (!stream.isReady()) {
                Deadlines.requireListener();
                if (left <= 0) {
                    throw stalled(
                            "its reader took nothing for " + patience.stall().toSeconds() + " s");
                }
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw stalled("this node is stopping");
        } finally {
            lock.unlock();
        }
        Deadlines.requireListener();
        if (System.nanoTime() - startNanos > patience.longest().toNanos()) {
            throw stalled("it took longer than " + patience.longest().toMinutes() + " minutes");
        }
    }

    private RefusedException stalled(String why) {
        return RefusedException.of(
                ErrorReason.EXPORT_STALLED, "the export was ended: " + why + ". " + advice, Map.of());
    }
}
