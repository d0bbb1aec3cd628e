package dev.assize.benchmarks.load;

import dev.assize.client.CheckResult;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** Callers of one Java client, each of whom asks again when it has been answered. */
interface ClientLoad {

    /**
     * Asks for a while, the end of which is measured.
     *
     * @param callers how many
     * @param marks told when what is measured begins and ends
     */
    WireRun.Observed ask(int callers, Duration settle, Duration length, LoadClient.Marks marks)
            throws IOException, InterruptedException;

    /** Between which moments answers count. */
    final class Turn {

        volatile long begin = Long.MAX_VALUE;
        volatile long end = Long.MAX_VALUE;

        boolean isOver() {
            return end != Long.MAX_VALUE;
        }

        WireRun.Observed observed(List<Seen> callers) {
            Latencies latencies = new Latencies();
            callers.forEach(caller -> latencies.add(caller.latencies));
            long failures =
                    callers.stream().mapToLong(caller -> caller.failures).sum();
            long wrong = callers.stream().mapToLong(caller -> caller.wrong).sum();
            return new WireRun.Observed(
                    latencies.count(),
                    failures,
                    wrong,
                    latencies.count(),
                    latencies,
                    new Latencies(),
                    begin,
                    end,
                    null);
        }
    }

    /** What one caller saw. */
    final class Seen {

        private final Latencies latencies = new Latencies();
        private long failures;
        private long wrong;

        void count(CheckResult result, boolean isToBeAllowed, long nanos) {
            if (result.failure().isPresent()) {
                failures++;
                return;
            }
            latencies.record(nanos);
            if (result.allowed() != isToBeAllowed) {
                wrong++;
            }
        }
    }
}
