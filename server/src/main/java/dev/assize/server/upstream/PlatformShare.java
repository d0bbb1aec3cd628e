package dev.assize.server.upstream;

import com.google.inject.Inject;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.upstream.Mark.Place;
import org.jspecify.annotations.Nullable;

/** Has the tenants of a sidecar hold one platform, where it is the same. */
final class PlatformShare {

    /** Guarded by this. */
    private @Nullable Followed newest;

    @Inject
    PlatformShare() {}

    /**
     * The state with the platform that is held already, where that is the same.
     *
     * @throws UpstreamMismatchException where revisions alone would take it for another one that this process has seen
     */
    synchronized Followed shared(Followed state) {
        Followed known = newest;
        if (known != null) {
            requireComparable(known.mark().platform(), state.mark().platform());
        }
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

    private static void requireComparable(Place known, Place next) {
        boolean another = next.revision() == known.revision() && !next.digest().equals(known.digest());
        boolean begunAnew = next.incarnation() > known.incarnation() && next.revision() < known.revision();
        if (another || begunAnew) {
            throw new UpstreamMismatchException(
                    "the platform's policy is at " + next + ", and was seen at " + known + PolicyStream.BEGUN_ANEW);
        }
    }
}
