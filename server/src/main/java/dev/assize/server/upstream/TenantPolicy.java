package dev.assize.server.upstream;

import com.github.benmanes.caffeine.cache.Ticker;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is known of one tenant: its state, when the centre confirmed it, and what the credential may do there. */
final class TenantPolicy {

    private final TenantId tenant;
    private final InstantSource clock;
    private final Ticker steady;

    /** Written by the stream of the tenant alone, read by everybody. */
    private volatile @Nullable Confirmed confirmed;

    private volatile @Nullable Authority authority;

    /** Why nothing is taken from the centre; null where something is. */
    private volatile @Nullable String complaint = "nothing was heard from the centre yet";

    private volatile boolean connected;

    TenantPolicy(TenantId tenant, InstantSource clock, Ticker steady) {
        this.tenant = tenant;
        this.clock = clock;
        this.steady = steady;
    }

    TenantId tenant() {
        return tenant;
    }

    /** One look at both clocks: what one says may be set, and the other may stand still while a machine sleeps. */
    record Reading(Instant instant, long nanos) {

        Reading plus(Duration passed) {
            return new Reading(instant.plus(passed), nanos + passed.toNanos());
        }

        /** How long ago it was, by the longer of the two. */
        Duration until(Reading later) {
            Duration shown = Duration.between(instant, later.instant).abs();
            Duration passed = Duration.ofNanos(later.nanos - nanos);
            return shown.compareTo(passed) > 0 ? shown : passed;
        }
    }

    /**
     * A state that was confirmed.
     *
     * @param at not later than it was
     * @param heardAt when that came in
     * @param centreAt when it was, by the centre's clock
     */
    record Confirmed(Followed state, Reading at, Reading heardAt, Instant centreAt) {}

    Reading read() {
        return new Reading(clock.instant(), steady.read());
    }

    void confirm(Followed state, Reading at, Instant centreAt) {
        connected = true;
        complaint = null;
        confirmed = new Confirmed(state, at, read(), centreAt);
    }

    /** Nothing is answered from what was there. */
    void refuse(String why) {
        connected = false;
        complaint = why;
        confirmed = null;
        authority = null;
    }

    /** What was there stands for as long as it is fresh. */
    void lose(String why) {
        connected = false;
        complaint = why;
    }

    void allow(Authority told) {
        authority = told;
    }

    Optional<Authority> authority() {
        return Optional.ofNullable(authority);
    }

    @Nullable
    Confirmed confirmed() {
        return confirmed;
    }

    @Nullable
    Followed state() {
        Confirmed known = confirmed;
        return known == null ? null : known.state();
    }

    /** How long ago the centre confirmed the state that is there; very long where none is. */
    Duration age() {
        Confirmed known = confirmed;
        return known == null ? UpstreamPolicy.NEVER : known.at().until(read());
    }

    boolean isConnected() {
        return connected;
    }

    Optional<String> complaint() {
        return Optional.ofNullable(complaint);
    }
}
