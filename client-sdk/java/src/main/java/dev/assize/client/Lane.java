package dev.assize.client;

import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Questions of one tenant and environment: some calls are under way, and what is asked meanwhile waits. Without a lock:
 * whoever asks adds to the queue and then looks for room, whoever ends a call makes room and then looks at the queue, so one
 * of the two sees the other.
 *
 * <p>A batch has the longest of its deadlines; who has a shorter one leaves earlier, and when all have left the call is
 * cancelled. A batch that the server refuses as a whole for what may be one question's fault, or because the caller may not
 * ask in batches, is asked question by question. Who has waited for a quarter of its deadline without being sent goes by
 * itself, so that a call that hangs delays others, and fails nobody.
 *
 * <p>What a call takes of this machine's processors is most of what it takes, so few calls of many are better than many of
 * few. Those who were answered come to ask again, and the next call leaves behind them: they are let run first. While it is
 * under way no other one is, for a moment; a second one goes beside what takes longer, and beside a call of one question.
 */
final class Lane {

    /** Calls under way before questions wait: the server decides one while the other travels. */
    static final int UNDER_WAY = 2;

    /** For so long nothing goes beside a call that took along all who waited. */
    private static final long MOMENT_NANOS = LongWaits.MOMENT.toNanos();

    /** Items of a batch, and their bytes: what a server takes, and far less than what it takes long for. */
    static final int MOST_ITEMS = 256;

    static final int MOST_BYTES = 1 << 20;

    private static final int PATIENCE = 4;

    private static final Status CANCELLED = Status.CANCELLED.withDescription("what it was asked for is cancelled");

    private final CheckCalls calls;
    private final String tenant;
    private final Runnable othersFirst;
    private final LongSupplier steady;
    private final AtomicInteger underWay = new AtomicInteger();

    /** Until when nothing goes beside the call that is under way. Whoever reads an older one sends earlier or later, no more. */
    private volatile long besideFrom;

    private final LongWaits longWaits = new LongWaits();
    private final ConcurrentLinkedQueue<Waiting> queue = new ConcurrentLinkedQueue<>();

    Lane(CheckCalls calls, String tenant) {
        this(calls, tenant, Thread::yield, System::nanoTime);
    }

    /**
     * The same with surroundings of one's own.
     *
     * @param othersFirst lets threads run that are ready to, and returns
     * @param steady nanoseconds of a clock that nobody sets
     */
    Lane(CheckCalls calls, String tenant, Runnable othersFirst, LongSupplier steady) {
        this.calls = calls;
        this.tenant = tenant;
        this.othersFirst = othersFirst;
        this.steady = steady;
        this.besideFrom = steady.getAsLong();
    }

    CheckResponse ask(CheckRequest request, Duration deadline) {
        if (queue.isEmpty() && hasRoom()) {
            try {
                return here(request, deadline);
            } finally {
                end();
            }
        }
        Waiting waiting = new Waiting(request, deadline, false);
        Context context = Context.current();
        Context.CancellationListener left = _ -> waiting.leave(CANCELLED.asRuntimeException());
        context.addListener(left, Runnable::run);
        try {
            queue.add(waiting);
            sendWhatWaits();
            // To wait for a time costs a virtual thread a timer, which is more than the rest of its question.
            return Thread.currentThread().isVirtual() ? answerInTime(waiting, deadline) : answer(waiting);
        } finally {
            context.removeListener(left);
        }
    }

    CompletableFuture<CheckResponse> askLater(CheckRequest request, Duration deadline) {
        Waiting waiting = new Waiting(request, deadline, true);
        queue.add(waiting);
        sendWhatWaits();
        limit(waiting, deadline);
        return waiting;
    }

    /** Sees to it that it ends in time, however long the call that it waits for takes. */
    private void limit(Waiting waiting, Duration deadline) {
        if (waiting.isDone()) {
            return;
        }
        Duration patience = deadline.dividedBy(PATIENCE);
        if (patience.compareTo(LongWaits.MOMENT.multipliedBy(2)) < 0) {
            after(patience, waiting, () -> losePatience(waiting, deadline));
        } else {
            Duration behindPatience = deadline.minus(patience);
            longWaits.note(waiting, () -> {
                sendWhatWaits();
                after(waiting.left().minus(behindPatience), waiting, () -> losePatience(waiting, deadline));
            });
        }
    }

    /** It has waited for a part of its deadline: unless it travels already it goes by itself, and ends with the rest. */
    private void losePatience(Waiting waiting, Duration deadline) {
        after(
                waiting.left(),
                waiting,
                () -> waiting.leave(Status.DEADLINE_EXCEEDED
                        .withDescription("no answer in " + deadline)
                        .asRuntimeException()));
        goAlone(waiting);
    }

    /** Does something later, unless the question has been answered by then; holds on to it no longer than that. */
    private static void after(Duration time, Waiting unless, Runnable action) {
        CompletableFuture<Boolean> timer =
                new CompletableFuture<Boolean>().completeOnTimeout(true, time.toNanos(), TimeUnit.NANOSECONDS);
        // On a thread of its own: an application may block all of the common pool.
        var _ = timer.thenRunAsync(action, Thread::startVirtualThread).exceptionally(failure -> {
            unless.completeExceptionally(Retries.unwrapped(failure));
            return null;
        });
        var _ = unless.whenComplete((_, _) -> timer.cancel(false));
    }

    /** Nothing is under way, and nothing waits. */
    boolean isIdle() {
        return underWay.get() == 0 && queue.isEmpty();
    }

    private CheckResponse here(CheckRequest request, Duration deadline) {
        return Retries.within(deadline, left -> calls.checkHere(request, left));
    }

    private void goAlone(Waiting waiting) {
        if (waiting.take()) {
            queue.remove(waiting);
            var _ = alone(waiting);
        }
    }

    private CheckResponse answerInTime(Waiting waiting, Duration deadline) {
        limit(waiting, deadline);
        try {
            return waiting.get();
        } catch (ExecutionException failure) {
            throw Retries.unwrapped(failure);
        } catch (InterruptedException interrupted) {
            queue.remove(waiting);
            throw interrupted(waiting, interrupted);
        }
    }

    private CheckResponse answer(Waiting waiting) {
        long patience = waiting.left().toNanos() / PATIENCE;
        long moment = Math.min(patience, MOMENT_NANOS);
        CheckResponse answer = answerIn(moment, waiting);
        if (answer == null) {
            sendWhatWaits();
            answer = answerIn(patience - moment, waiting);
        }
        if (answer == null && waiting.take()) {
            queue.remove(waiting);
            return here(waiting.request, waiting.left());
        }
        return answer == null ? lateAnswer(waiting) : answer;
    }

    private CheckResponse lateAnswer(Waiting waiting) {
        CheckResponse answer = answerIn(waiting.left().toNanos(), waiting);
        if (answer == null) {
            RuntimeException failure = Status.DEADLINE_EXCEEDED
                    .withDescription("no answer in time")
                    .asRuntimeException();
            waiting.leave(failure);
            throw failure;
        }
        return answer;
    }

    private @Nullable CheckResponse answerIn(long nanos, Waiting waiting) {
        try {
            return waiting.get(nanos, TimeUnit.NANOSECONDS);
        } catch (TimeoutException late) {
            return null;
        } catch (ExecutionException failure) {
            throw Retries.unwrapped(failure);
        } catch (InterruptedException interrupted) {
            queue.remove(waiting);
            throw interrupted(waiting, interrupted);
        }
    }

    private static RuntimeException interrupted(Waiting waiting, InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        RuntimeException failure = Status.CANCELLED
                .withDescription("interrupted while waiting for the answer")
                .withCause(interrupted)
                .asRuntimeException();
        waiting.leave(failure);
        return failure;
    }

    private boolean hasRoom() {
        int most = steady.getAsLong() - besideFrom < 0 ? 1 : UNDER_WAY;
        int now = underWay.get();
        while (now < most) {
            if (underWay.compareAndSet(now, now + 1)) {
                return true;
            }
            now = underWay.get();
        }
        return false;
    }

    private void end() {
        underWay.decrementAndGet();
        sendWhatWaits();
    }

    private void sendWhatWaits() {
        while (!queue.isEmpty() && hasRoom()) {
            List<Waiting> together = take();
            if (together.isEmpty()) {
                underWay.decrementAndGet();
            } else {
                send(together);
            }
        }
    }

    /** Those that still wait, up to what one batch may have. */
    private List<Waiting> take() {
        List<Waiting> together = new ArrayList<>();
        int bytes = 0;
        while (together.size() < MOST_ITEMS && bytes < MOST_BYTES) {
            Waiting next = queue.poll();
            if (next == null) {
                break;
            }
            if (next.take()) {
                together.add(next);
                bytes += next.request.getSerializedSize();
            }
        }
        return together;
    }

    private void send(List<Waiting> together) {
        if (together.size() == 1) {
            Waiting only = together.getFirst();
            var _ = answerAlone(only)
                    .whenComplete((response, failure) ->
                            letKnow(together, () -> letKnow(only, response, failure), this::end));
            return;
        }
        CheckBatchRequest.Builder request = CheckBatchRequest.newBuilder().setTenant(tenant);
        together.forEach(it -> request.addItems(it.request));
        CheckBatchRequest batch = request.build();
        if (together.size() < MOST_ITEMS && batch.getSerializedSize() < MOST_BYTES) {
            besideFrom = steady.getAsLong() + MOMENT_NANOS;
        }
        Waiting longest = together.stream()
                .max((one, other) -> one.left().compareTo(other.left()))
                .orElseThrow();
        CompletableFuture<CheckBatchResponse> answer =
                Retries.laterWithin(longest.left(), left -> joined(together, calls.checkBatch(batch, left)));
        var _ = answer.whenComplete((response, failure) -> letKnow(
                together,
                () -> {
                    if (failure == null) {
                        handOut(together, response);
                    } else {
                        fail(together, Retries.unwrapped(failure));
                    }
                    othersFirst.run();
                },
                () -> {
                    besideFrom = steady.getAsLong();
                    end();
                }));
    }

    /**
     * Lets those who were asked for know, and then makes room. What an application has run behind its answers runs in here: where
     * that takes longer than a moment, the room is made while it goes on.
     */
    private void letKnow(List<Waiting> together, Runnable telling, Runnable room) {
        CompletableFuture<Boolean> made = new CompletableFuture<>();
        Runnable once = () -> {
            if (made.complete(true)) {
                room.run();
            }
        };
        if (together.stream().anyMatch(it -> it.mayBeFollowed)) {
            longWaits.note(made, once);
        }
        try {
            telling.run();
        } finally {
            once.run();
        }
    }

    /** Ends the call when all have left it. */
    private static <R> CompletableFuture<R> joined(List<Waiting> together, CompletableFuture<R> call) {
        AtomicInteger members = new AtomicInteger(together.size());
        together.forEach(it -> it.whenLeft(() -> {
            if (members.decrementAndGet() == 0) {
                call.cancel(true);
            }
        }));
        return call;
    }

    private CompletableFuture<CheckResponse> alone(Waiting waiting) {
        return answerAlone(waiting).whenComplete((response, failure) -> letKnow(waiting, response, failure));
    }

    private CompletableFuture<CheckResponse> answerAlone(Waiting waiting) {
        return Retries.laterWithin(
                waiting.left(), left -> joined(List.of(waiting), calls.check(waiting.request, left)));
    }

    private static void letKnow(Waiting waiting, CheckResponse response, @Nullable Throwable failure) {
        if (failure == null) {
            waiting.complete(response);
        } else {
            waiting.completeExceptionally(Retries.unwrapped(failure));
        }
    }

    private static void handOut(List<Waiting> together, CheckBatchResponse response) {
        if (response.getResultsCount() != together.size()) {
            RuntimeException failure = AssizeException.malformed(
                    "the server gave " + response.getResultsCount() + " results for " + together.size() + " questions");
            together.forEach(it -> it.completeExceptionally(failure));
            return;
        }
        for (int i = 0; i < together.size(); i++) {
            handOut(together.get(i), response.getResults(i));
        }
    }

    private static void handOut(Waiting waiting, CheckBatchResult result) {
        if (result.hasResponse()) {
            waiting.complete(result.getResponse());
        } else {
            waiting.completeExceptionally(failureOf(result));
        }
    }

    /** Of an item of a batch that is no answer. */
    static RuntimeException failureOf(CheckBatchResult result) {
        return switch (result.getResultCase()) {
            case ERROR ->
                result.getError().getCode() == Status.Code.OK.value()
                        ? AssizeException.malformed("the server gave an error that is none")
                        : StatusProto.toStatusRuntimeException(result.getError());
            case RESPONSE, RESULT_NOT_SET -> AssizeException.malformed("the server gave an empty result");
        };
    }

    private void fail(List<Waiting> together, RuntimeException failure) {
        boolean mayBeOneOfThem = switch (AssizeException.statusOf(failure).getCode()) {
            case INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED -> true;
            default -> false;
        };
        for (Waiting waiting : together) {
            if (mayBeOneOfThem && !waiting.isDone()) {
                var _ = alone(waiting);
            } else {
                waiting.completeExceptionally(failure);
            }
        }
    }

    /** A question that waits, then travels, then is answered, or leaves before. */
    private static final class Waiting extends CompletableFuture<CheckResponse> {

        private final CheckRequest request;
        private final long end;

        /** Whether an application may have something run behind it. */
        private final boolean mayBeFollowed;

        /** Whether somebody has taken it upon them to send it. */
        private final AtomicInteger taken = new AtomicInteger();

        Waiting(CheckRequest request, Duration deadline, boolean mayBeFollowed) {
            this.request = request;
            this.mayBeFollowed = mayBeFollowed;
            this.end = System.nanoTime() + deadline.toNanos();
        }

        Duration left() {
            return Duration.ofNanos(end - System.nanoTime());
        }

        /** True for one caller, if it is still wanted. */
        boolean take() {
            return !isDone() && taken.compareAndSet(0, 1);
        }

        void leave(RuntimeException failure) {
            completeExceptionally(failure);
        }

        /** Does something once it has left, before it was answered or after. */
        void whenLeft(Runnable action) {
            var _ = whenComplete((_, _) -> action.run());
        }
    }
}
