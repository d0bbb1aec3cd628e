package dev.assize.benchmarks.load;

import dev.assize.client.CheckResult;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

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

        /** Lets callers settle, and has what they see from then on count for a while. Returns when they are told to end. */
        void measure(Duration settle, Duration length, LoadClient.Marks marks) throws InterruptedException {
            try {
                Thread.sleep(settle);
                begin = System.nanoTime();
                marks.begin();
                Thread.sleep(length);
            } finally {
                end = System.nanoTime();
            }
            marks.end();
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

        /** @param result null where there was none, which a client must not do */
        void count(@Nullable CheckResult result, boolean isToBeAllowed, long nanos) {
            if (result == null || result.failure().isPresent()) {
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
