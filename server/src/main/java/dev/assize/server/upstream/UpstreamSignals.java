package dev.assize.server.upstream;

import com.google.inject.Inject;
import dev.assize.server.decision.node.ChangeSignals;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Has the engine look again as soon as the centre has said something new. */
final class UpstreamSignals implements ChangeSignals {

    private final UpstreamPolicy policy;
    private final AtomicReference<@Nullable Listener> listener = new AtomicReference<>();

    @Inject
    UpstreamSignals(UpstreamPolicy policy) {
        this.policy = policy;
    }

    @Override
    public void start(Listener told) {
        listener.set(told);
        told.connected();
    }

    /** Something is new: what that is the engine sees when it looks. */
    void tell() {
        Listener told = listener.get();
        if (told != null) {
            told.connected();
        }
    }

    @Override
    public boolean isConnected() {
        return policy.tenants().stream().allMatch(TenantPolicy::isConnected);
    }

    @Override
    public void close() {
        listener.set(null);
    }
}
