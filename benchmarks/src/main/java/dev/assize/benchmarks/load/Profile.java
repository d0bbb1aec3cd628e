package dev.assize.benchmarks.load;

import java.time.Duration;

/**
 * How much is measured.
 *
 * @param rounds of each set of whose figures something is asked: bursts of each cell
 * @param mostRounds where bursts are disturbed, so that others are measured in their place
 * @param curveRounds of each set of whose figures nothing is asked
 * @param burst in the closed model
 * @param openBurst in the open model, where a p99 is asked for, which a stall of some milliseconds is not to decide
 * @param settle how long a burst runs before it counts
 * @param warmUpRequests of each server, on every processor
 * @param warmUp how long that may take
 * @param warmUpOfCell of each load on every processor, before its set
 * @param warmUpAgain the same of a load that its server has had before
 * @param disturbedAbove so many processors' worth of foreign load, a burst is left out
 * @param streams at which Check is measured
 * @param openStreams at which it is measured in the open model, too
 * @param coldTenants over which cold batches are spread
 * @param departments of the tenants in the shape of Cerbos' load test
 * @param zipfTenants of which a tenth fits into the cache
 * @param starts of servers, for what is measured of a start
 */
record Profile(
        String name,
        int rounds,
        int mostRounds,
        int curveRounds,
        Duration burst,
        Duration openBurst,
        Duration settle,
        int warmUpRequests,
        Duration warmUp,
        Duration warmUpOfCell,
        Duration warmUpAgain,
        double disturbedAbove,
        int[] streams,
        int[] openStreams,
        int coldTenants,
        int[] departments,
        int zipfTenants,
        int starts) {

    static final double DISTURBED_ABOVE = 0.25;

    /** Minutes: says that everything works, and about where it stands. */
    static Profile smoke() {
        return new Profile(
                "smoke",
                9,
                9,
                3,
                Duration.ofMillis(250),
                Duration.ofSeconds(1),
                Duration.ofMillis(50),
                60_000,
                Duration.ofSeconds(6),
                Duration.ofSeconds(3),
                Duration.ofSeconds(1),
                DISTURBED_ABOVE,
                new int[] {1, 16, 128},
                new int[] {128},
                20,
                new int[] {10, 100},
                200,
                1);
    }

    /** All that the full profile does, as large and as short as it can be: says whether that one would run, and no figure. */
    static Profile trial() {
        Profile full = full();
        return new Profile(
                "trial",
                1,
                1,
                1,
                Duration.ofMillis(250),
                Duration.ofMillis(250),
                Duration.ofMillis(50),
                20_000,
                Duration.ofSeconds(2),
                Duration.ofSeconds(1),
                Duration.ofMillis(500),
                full.disturbedAbove,
                full.streams,
                full.openStreams,
                full.coldTenants,
                full.departments,
                full.zipfTenants,
                1);
    }

    /** What is published. */
    static Profile full() {
        return new Profile(
                "full",
                9,
                13,
                5,
                Duration.ofSeconds(1),
                Duration.ofSeconds(2),
                Duration.ofMillis(250),
                400_000,
                Duration.ofSeconds(20),
                Duration.ofSeconds(8),
                Duration.ofSeconds(3),
                DISTURBED_ABOVE,
                new int[] {1, 16, 128},
                new int[] {1, 16, 128},
                1_000,
                new int[] {100, 1_000, 5_000},
                10_000,
                9);
    }
}
