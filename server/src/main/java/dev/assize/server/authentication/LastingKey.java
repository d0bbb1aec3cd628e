package dev.assize.server.authentication;

import com.github.benmanes.caffeine.cache.Ticker;
import java.util.concurrent.TimeUnit;

/**
 * The key by which a call came in that goes on: tells whether it is valid still. What it was a millisecond ago it is, unless
 * a key was revoked on this node since; so a message after the other costs a look at a clock. Used by one thread at a time.
 */
public final class LastingKey {

    private static final long STANDS_FOR_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final ApiKeys keys;
    private final Caller caller;
    private final Ticker ticker;
    private boolean wasValid;
    private long foundNanos;
    private long foundAtRevocations;

    LastingKey(ApiKeys keys, Caller caller, Ticker ticker) {
        this.keys = keys;
        this.caller = caller;
        this.ticker = ticker;
    }

    /** As {@link ApiKeys#isStillValid}; a millisecond late at most. */
    public boolean isStillValid() {
        long nanos = ticker.read();
        long revocations = keys.revocations();
        if (wasValid && revocations == foundAtRevocations && isNear(nanos)) {
            return true;
        }
        // Before it is asked, that nothing is missed which happens meanwhile.
        foundNanos = nanos;
        foundAtRevocations = revocations;
        wasValid = false;
        wasValid = keys.isStillValid(caller);
        return wasValid;
    }

    private boolean isNear(long nanos) {
        long passed = nanos - foundNanos;
        return passed >= 0 && passed < STANDS_FOR_NANOS;
    }
}
