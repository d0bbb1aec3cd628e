package dev.assize.server.endpoint.grpc;

import dev.assize.server.decision.PolicyStates;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** States that a test sets, and says so. */
final class FakeStates implements PolicyStates {

    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private volatile @Nullable RuntimeException broken;
    private volatile @Nullable State state =
            new State(new Revision(7), Revision.NONE, Instant.parse("2026-03-01T12:00:00Z"), 1);

    void set(@Nullable State newState) {
        state = newState;
        tell();
    }

    void setBroken(RuntimeException failure) {
        broken = failure;
        tell();
    }

    void tell() {
        listeners.forEach(Runnable::run);
    }

    int listeners() {
        return listeners.size();
    }

    @Override
    public @Nullable State state(TenantId tenant) {
        RuntimeException failure = broken;
        if (failure != null) {
            throw failure;
        }
        return state;
    }

    @Override
    public long graphIfReady(TenantId tenant) {
        State current = state;
        return current == null || broken != null ? NO_GRAPH : current.graph();
    }

    @Override
    public @Nullable Held held(TenantId tenant) {
        throw new UnsupportedOperationException("these states say nothing");
    }

    @Override
    public Subscription onChange(TenantId tenant, Runnable action) {
        listeners.add(action);
        return () -> listeners.remove(action);
    }
}
