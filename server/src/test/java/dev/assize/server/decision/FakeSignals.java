package dev.assize.server.decision;

import dev.assize.server.decision.node.ChangeSignals;
import org.jspecify.annotations.Nullable;

/** Signals that a test gives itself. */
final class FakeSignals implements ChangeSignals {

    private @Nullable Listener listener;

    @Override
    public void start(Listener newListener) {
        listener = newListener;
    }

    /** To whom they are given. */
    Listener listener() {
        if (listener == null) {
            throw new IllegalStateException("Nobody listens");
        }
        return listener;
    }

    @Override
    public boolean isConnected() {
        return listener != null;
    }

    @Override
    public void close() {
        listener = null;
    }
}
