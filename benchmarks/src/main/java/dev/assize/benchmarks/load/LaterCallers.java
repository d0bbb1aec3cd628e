package dev.assize.benchmarks.load;

import dev.assize.client.AssizeClient;
import dev.assize.client.CheckResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * So many callers that hold no thread while they wait: each asks by the client's asynchronous call, and again when it has
 * been answered, by the thread that brings the answer. A time is from the call to that moment.
 */
final class LaterCallers implements ClientLoad {

    private final AssizeClient client;
    private final Requests.Asking asking;

    LaterCallers(AssizeClient client, Requests.Asking asking) {
        this.client = client;
        this.asking = asking;
    }

    @Override
    public WireRun.Observed ask(int callers, Duration settle, Duration length, LoadClient.Marks marks)
            throws InterruptedException {
        Turn turn = new Turn();
        CountDownLatch running = new CountDownLatch(callers);
        List<Caller> all = new ArrayList<>();
        for (int i = 0; i < callers; i++) {
            all.add(new Caller(turn, i * asking.size() / callers, running));
        }
        all.forEach(Caller::ask);
        Thread.sleep(settle);
        turn.begin = System.nanoTime();
        marks.begin();
        Thread.sleep(length);
        turn.end = System.nanoTime();
        marks.end();
        running.await();
        return turn.observed(all.stream().map(caller -> caller.seen).toList());
    }

    /** One caller's work, by one thread after the other, and what it saw. */
    private final class Caller {

        private final Turn turn;
        private final CountDownLatch running;
        private final Seen seen = new Seen();
        private int next;

        Caller(Turn turn, int first, CountDownLatch running) {
            this.turn = turn;
            this.next = first;
            this.running = running;
        }

        void ask() {
            int question = next++ % asking.size();
            long asked = System.nanoTime();
            var _ = client.checkAsync(asking.question(question))
                    .thenAccept(result -> answered(question, asked, result));
        }

        private void answered(int question, long asked, CheckResult result) {
            long answered = System.nanoTime();
            if (asked >= turn.begin && answered <= turn.end) {
                seen.count(result, asking.isAllowed(question), answered - asked);
            }
            if (turn.isOver()) {
                running.countDown();
            } else {
                ask();
            }
        }
    }
}
