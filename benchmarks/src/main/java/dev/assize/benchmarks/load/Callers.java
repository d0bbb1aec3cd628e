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
final class Callers implements ClientLoad {

    private final AssizeClient client;
    private final Requests.Asking asking;
    private final ThreadFactory threads;

    Callers(AssizeClient client, Requests.Asking asking, ThreadFactory threads) {
        this.client = client;
        this.asking = asking;
        this.threads = threads;
    }

    @Override
    public WireRun.Observed ask(int callers, Duration settle, Duration length, LoadClient.Marks marks)
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
        turn.measure(settle, length, marks);
        for (Thread thread : running) {
            thread.join();
        }
        return turn.observed(all.stream().map(caller -> caller.seen).toList());
    }

    /** One thread's work and what it saw. */
    private final class Caller implements Runnable {

        private final Turn turn;
        private final CountDownLatch ready;
        private final Seen seen = new Seen();
        private int next;

        Caller(Turn turn, int first, CountDownLatch ready) {
            this.turn = turn;
            this.next = first;
            this.ready = ready;
        }

        @Override
        public void run() {
            ready.countDown();
            while (!turn.isOver()) {
                long asked = System.nanoTime();
                int question = next++ % asking.size();
                CheckResult result = client.check(asking.question(question));
                long answered = System.nanoTime();
                if (asked >= turn.begin && answered <= turn.end) {
                    seen.count(result, asking.isAllowed(question), answered - asked);
                }
            }
        }
    }
}
