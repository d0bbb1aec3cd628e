package dev.assize.server.upstream;

import com.google.inject.Inject;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import org.jspecify.annotations.Nullable;

/** Has the tenants of a sidecar hold one platform, where it is the same. */
final class PlatformShare {

    /** Guarded by this. */
    private @Nullable Followed newest;

    @Inject
    PlatformShare() {}

    synchronized Followed shared(Followed state) {
        Followed known = newest;
        if (known == null
                || known.mark().platform().revision() < state.mark().platform().revision()) {
            newest = state;
            return state;
        }
        if (!known.mark().platform().equals(state.mark().platform())) {
            return state;
        }
        return new Followed(
                new PolicySnapshot(state.policy().tenant(), known.policy().platform()),
                state.sum(),
                known.platformSum(),
                state.mark(),
                state.before(),
                state.changed());
    }
}
