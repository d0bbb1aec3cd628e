package dev.assize.server.decision;

import dev.assize.server.testing.Ticks;
import java.time.InstantSource;

/** Clocks that nobody sets. */
final class Clocks {

    static final NodeClock SYSTEM = steady(InstantSource.system());

    private Clocks() {}

    static NodeClock steady(InstantSource clock) {
        return new NodeClock(clock, Ticks.of(clock));
    }
}
