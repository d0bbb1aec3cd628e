package dev.assize.benchmarks.load;

import io.grpc.netty.shaded.io.netty.channel.EventLoop;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One burst of requests to one server, on one event loop, which has all of it: it asks, takes the answers, checks them and
 * counts those of the time that is measured.
 *
 * <p>Closed: whoever has its answer asks again. Open: requests are due at moments fixed beforehand; one that is due while
 * all streams are taken waits here, and its time counts from when it was due.
 */
final class WireRun implements WireConnection.Listener {

    /** The event loop is not woken more often than that to send what is due; it counts as their time. */
    private static final long TICK_NANOS = TimeUnit.MICROSECONDS.toNanos(20);

    private static final int OK = 0;

    /** Of a server that has no room for what it is asked, such as decisions to be put on record faster than they are written. */
    private static final int RESOURCE_EXHAUSTED = 8;

    /** When whoever was refused for want of room comes back, as the server asks. */
    private static final long BACK_AFTER_MILLIS = 250;

    private static final int MOST_FAILURES = 1_000;

    private final EventLoop loop;
    private final Workload workload;
    private final Shape shape;
    private final double perSecond;

    /** Added to by whoever connects, while those that are connected already read on the event loop. */
    private final List<WireConnection> connections = new CopyOnWriteArrayList<>();

    private final List<WireCall> calls = new ArrayList<>();

    /** Calls that may take one more request. */
    private final Deque<WireCall> free = new ArrayDeque<>();

    private final Latencies latencies = new Latencies();
    private final Latencies lateness = new Latencies();
    private final CompletableFuture<Void> allReady = new CompletableFuture<>();
    private final CompletableFuture<Void> allAnswered = new CompletableFuture<>();

    private @Nullable Arrivals arrivals;
    private @Nullable Throwable breakage;
    private Stage stage = Stage.SETTLING;
    private int readyConnections;
    private int nextRequest;
    private long beginNanos = Long.MAX_VALUE;
    private long endNanos = Long.MAX_VALUE;
    private long requests;
    private long failures;
    private long wrong;
    private long checked;
    private int outstanding;

    /**
     * @param perSecond of the open model; 0 for the closed one
     */
    WireRun(EventLoop loop, Workload workload, Shape shape, double perSecond) {
        this.loop = loop;
        this.workload = workload;
        this.shape = shape;
        this.perSecond = perSecond;
    }

    /** To be connected by whoever made the run. */
    WireConnection newConnection(RequestHead head) {
        WireConnection connection = new WireConnection(head, this);
        connection.sendsFrom(workload.frames());
        connections.add(connection);
        return connection;
    }

    /** Done when every connection has been greeted. */
    CompletableFuture<Void> allReady() {
        return allReady;
    }

    /** Done when nothing is to come any more, after {@link #end}. */
    CompletableFuture<Void> allAnswered() {
        return allAnswered;
    }

    /** On the event loop: asks from now on. */
    void start() {
        for (int i = 0; i < shape.streams(); i++) {
            WireCall call = new WireCall(connections.get(i % connections.size()), shape.depth());
            calls.add(call);
            if (!isOnce()) {
                call.connection.open(call);
            }
        }
        for (int i = 0; i < shape.depth(); i++) {
            free.addAll(calls);
        }
        if (perSecond > 0) {
            arrivals = new Arrivals(perSecond, System.nanoTime(), 1);
            tick();
        } else {
            askAgain();
            flush();
        }
    }

    /** On the event loop: measures from now on. */
    long begin() {
        latencies.clear();
        lateness.clear();
        requests = 0;
        stage = Stage.MEASURING;
        beginNanos = System.nanoTime();
        return beginNanos;
    }

    /** On the event loop: counts no further answers, and asks only what was due before. */
    Observed end() {
        endNanos = System.nanoTime();
        stage = Stage.ENDING;
        Observed observed = observed();
        finishIfDone();
        return observed;
    }

    /** On the event loop, when {@link #allAnswered} or patience is at its end: closes everything. */
    Observed finish() {
        long now = System.nanoTime();
        long unanswered = 0;
        for (WireCall call : calls) {
            for (; call.outstanding() > 0; call.answered()) {
                unanswered += giveUp(call.due(), now);
            }
        }
        if (arrivals != null) {
            for (; arrivals.due() < endNanos; arrivals.taken()) {
                unanswered += giveUp(arrivals.due(), now);
            }
        }
        failures += unanswered;
        connections.forEach(WireConnection::close);
        return observed();
    }

    @Override
    public void ready() {
        if (++readyConnections == connections.size()) {
            allReady.complete(null);
        }
    }

    @Override
    public void message(WireCall call) {
        check(call);
        if (!isOnce()) {
            answered(call, true);
        }
    }

    @Override
    public void ended(WireCall call, int status) {
        if (isOnce()) {
            boolean isGood = status == OK && call.messages() == 1;
            if (status == RESOURCE_EXHAUSTED && arrivals == null) {
                comeBack(call);
                return;
            }
            if (!isGood) {
                fail("a call ended with status " + status + " and " + call.messages() + " messages");
            }
            answered(call, isGood);
        } else if (stage != Stage.ENDING) {
            broken(new IOException("a stream ended with status " + status));
        }
    }

    @Override
    public void read() {
        if (arrivals == null) {
            askAgain();
        } else {
            sendDue();
        }
        flush();
    }

    @Override
    public void broken(Throwable cause) {
        if (breakage == null) {
            breakage = cause;
        }
        allReady.completeExceptionally(cause);
        allAnswered.completeExceptionally(cause);
    }

    @Override
    public boolean isOnce() {
        return workload.kind() != Workload.Kind.STREAM;
    }

    private void check(WireCall call) {
        boolean isRight = call.firstByte() == workload.kind().firstByte();
        byte[] sample = call.sample();
        if (sample != null) {
            checked++;
            isRight &= isRight(call.request(), sample);
        }
        if (!isRight) {
            wrong++;
        }
    }

    private boolean isRight(int request, byte[] message) {
        try {
            return workload.answers().isRight(request, message);
        } catch (IOException malformed) {
            return false;
        }
    }

    /** What failed is neither a request that was served nor a time in which one was. */
    private void answered(WireCall call, boolean isGood) {
        long now = System.nanoTime();
        long due = call.due();
        call.answered();
        outstanding--;
        if (isGood && stage == Stage.MEASURING) {
            requests++;
        }
        boolean isCounted = arrivals == null ? stage == Stage.MEASURING : due >= beginNanos && due < endNanos;
        if (isGood && isCounted) {
            latencies.record(now - due);
        }
        free.add(call);
        finishIfDone();
    }

    /** A refusal is no answer, and nothing that ends a run: a closed model sends as much as a server takes. */
    private void comeBack(WireCall call) {
        failures++;
        call.answered();
        outstanding--;
        var _ = loop.schedule(
                () -> {
                    free.add(call);
                    askAgain();
                    flush();
                },
                BACK_AFTER_MILLIS,
                TimeUnit.MILLISECONDS);
        finishIfDone();
    }

    private void askAgain() {
        if (stage == Stage.ENDING || breakage != null) {
            return;
        }
        for (WireCall call = free.poll(); call != null; call = free.poll()) {
            ask(call, System.nanoTime());
        }
    }

    private void tick() {
        sendDue();
        flush();
        if (arrivals != null && breakage == null && arrivals.due() < endNanos) {
            long wait = Math.max(TICK_NANOS, arrivals.due() - System.nanoTime());
            var _ = loop.schedule(this::tick, wait, TimeUnit.NANOSECONDS);
        }
        finishIfDone();
    }

    private void sendDue() {
        Arrivals due = arrivals;
        if (due == null || breakage != null) {
            return;
        }
        for (long now = System.nanoTime(); due.due() <= now && due.due() < endNanos && !free.isEmpty(); due.taken()) {
            if (stage == Stage.MEASURING) {
                lateness.record(now - due.due());
            }
            ask(free.remove(), due.due());
        }
    }

    private void ask(WireCall call, long due) {
        call.asked(nextRequest, due);
        nextRequest = nextRequest + 1 == workload.frames().length ? 0 : nextRequest + 1;
        outstanding++;
        if (isOnce()) {
            call.connection.callOnce(call);
        } else {
            call.connection.send(call);
        }
    }

    private void finishIfDone() {
        if (stage == Stage.ENDING && outstanding == 0 && (arrivals == null || arrivals.due() >= endNanos)) {
            allAnswered.complete(null);
        }
    }

    private void flush() {
        connections.forEach(WireConnection::flush);
    }

    private void fail(String what) {
        if (++failures >= MOST_FAILURES) {
            broken(new IOException(MOST_FAILURES + " calls failed, the last one: " + what));
        }
    }

    /** An answer that never came took at least until now. */
    private int giveUp(long due, long now) {
        if (arrivals != null && (due < beginNanos || due >= endNanos)) {
            return 0;
        }
        latencies.record(now - due);
        return 1;
    }

    private Observed observed() {
        return new Observed(
                requests, failures, wrong, checked, latencies.copy(), lateness.copy(), beginNanos, endNanos, breakage);
    }

    private enum Stage {
        SETTLING,
        MEASURING,
        ENDING
    }

    /** What was counted. */
    record Observed(
            long requests,
            long failures,
            long wrong,
            long checked,
            Latencies latencies,
            Latencies lateness,
            long beginNanos,
            long endNanos,
            @Nullable Throwable breakage) {

        double seconds() {
            return (endNanos - beginNanos) / 1e9;
        }
    }
}
