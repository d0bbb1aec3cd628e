package dev.assize.benchmarks.load;

import dev.assize.client.AssizeClient;
import dev.assize.client.CheckResult;
import dev.assize.client.Question;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * So many callers that hold no thread while they wait: each asks by the client's asynchronous call, and again when it has
 * been answered, by the thread that brings the answer. A time is from the call to that moment.
 */
final class LaterCallers implements ClientLoad {

    private final Function<Question, CompletableFuture<CheckResult>> client;
    private final Requests.Asking asking;

    LaterCallers(AssizeClient client, Requests.Asking asking) {
        this(client::checkAsync, asking);
    }

    LaterCallers(Function<Question, CompletableFuture<CheckResult>> client, Requests.Asking asking) {
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
        // Where answers are there at once whoever asks does not come back before the end.
        all.forEach(caller -> Thread.startVirtualThread(caller::ask));
        turn.measure(settle, length, marks);
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

        /** Asks until an answer has to be waited for; whoever brings that goes on. */
        void ask() {
            while (!turn.isOver()) {
                int question = next++ % asking.size();
                long asked = System.nanoTime();
                CompletableFuture<CheckResult> answer = answer(question);
                boolean isThere = answer.isDone();
                var _ = answer.whenComplete((result, failure) -> {
                    answered(question, asked, result);
                    if (!isThere) {
                        ask();
                    }
                });
                if (!isThere) {
                    return;
                }
            }
            running.countDown();
        }

        /** However the client breaks, its caller goes on: one that stopped would be waited for without an end. */
        private CompletableFuture<CheckResult> answer(int question) {
            try {
                return client.apply(asking.question(question));
            } catch (RuntimeException | Error broken) {
                return CompletableFuture.failedFuture(broken);
            }
        }

        private void answered(int question, long asked, @Nullable CheckResult result) {
            long answered = System.nanoTime();
            if (asked >= turn.begin && answered <= turn.end) {
                seen.count(result, asking.isAllowed(question), answered - asked);
            }
        }
    }
}
