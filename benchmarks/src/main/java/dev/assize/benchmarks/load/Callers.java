package dev.assize.benchmarks.load;

import dev.assize.client.AssizeClient;
import dev.assize.client.CheckResult;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;

/**
 * So many threads that ask by one Java client, each one question after the other. As in every closed model nobody asks while
 * it waits; a time is what the thread saw.
 */
final class Callers {

    private final AssizeClient client;
    private final Requests.Asking asking;
    private final ThreadFactory threads;

    Callers(AssizeClient client, Requests.Asking asking, ThreadFactory threads) {
        this.client = client;
        this.asking = asking;
        this.threads = threads;
    }

    WireRun.Observed ask(int callers, Duration settle, Duration length, LoadClient.Marks marks)
            throws IOException, InterruptedException {
        Turn turn = new Turn();
        List<Caller> all = new ArrayList<>();
        List<Thread> running = new ArrayList<>();
        CountDownLatch ready = new CountDownLatch(callers);
        for (int i = 0; i < callers; i++) {
            Caller caller = new Caller(turn, i * asking.size() / callers, ready);
            all.add(caller);
            Thread thread = threads.newThread(caller);
            running.add(thread);
            thread.start();
        }
        ready.await();
        Thread.sleep(settle);
        turn.begin = System.nanoTime();
        marks.begin();
        Thread.sleep(length);
        turn.end = System.nanoTime();
        marks.end();
        for (Thread thread : running) {
            thread.join();
        }
        return observed(turn, all);
    }

    private static WireRun.Observed observed(Turn turn, List<Caller> callers) {
        Latencies latencies = new Latencies();
        callers.forEach(caller -> latencies.add(caller.latencies));
        long failures = callers.stream().mapToLong(caller -> caller.failures).sum();
        long wrong = callers.stream().mapToLong(caller -> caller.wrong).sum();
        return new WireRun.Observed(
                latencies.count(),
                failures,
                wrong,
                latencies.count(),
                latencies,
                new Latencies(),
                turn.begin,
                turn.end,
                null);
    }

    /** Between which moments answers count. */
    private static final class Turn {

        private volatile long begin = Long.MAX_VALUE;
        private volatile long end = Long.MAX_VALUE;
    }

    /** One thread's work and what it saw. */
    private final class Caller implements Runnable {

        private final Turn turn;
        private final CountDownLatch ready;
        private final Latencies latencies = new Latencies();
        private int next;
        private long failures;
        private long wrong;

        Caller(Turn turn, int first, CountDownLatch ready) {
            this.turn = turn;
            this.next = first;
            this.ready = ready;
        }

        @Override
        public void run() {
            ready.countDown();
            while (turn.end == Long.MAX_VALUE) {
                long asked = System.nanoTime();
                int question = next++ % asking.size();
                CheckResult result = client.check(asking.question(question));
                long answered = System.nanoTime();
                if (asked >= turn.begin && answered <= turn.end) {
                    count(result, question, answered - asked);
                }
            }
        }

        private void count(CheckResult result, int question, long nanos) {
            if (result.failure().isPresent()) {
                failures++;
                return;
            }
            latencies.record(nanos);
            if (result.allowed() != asking.isAllowed(question)) {
                wrong++;
            }
        }
    }
}
