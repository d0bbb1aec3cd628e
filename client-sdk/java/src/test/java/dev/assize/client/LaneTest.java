package dev.assize.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LaneTest {

    private static final Duration LONG = Duration.ofSeconds(20);

    private final Calls calls = new Calls();
    private final Lane lane = new Lane(calls, "acme");

    @Test
    void aQuestionThatIsAloneGoesAtOnceByItselfAndByItsOwnThread() {
        calls.here = request -> answer(request);

        assertThat(lane.ask(request("doc:1"), LONG).getDecisionId()).isEqualTo("doc:1");

        assertThat(calls.asked).containsExactly("here doc:1");
        assertThat(lane.isIdle()).isTrue();
    }

    @Test
    void whatIsAskedWhileThereIsNoRoomTravelsTogether() {
        CompletableFuture<CheckResponse> first = lane.askLater(request("doc:0"), LONG);
        CompletableFuture<CheckResponse> second = lane.askLater(request("doc:1"), LONG);
        List<CompletableFuture<CheckResponse>> waiting = IntStream.range(2, 10)
                .mapToObj(i -> lane.askLater(request("doc:" + i), LONG))
                .toList();
        assertThat(calls.asked).containsExactly("doc:0", "doc:1");

        calls.checks.remove().succeed();

        assertThat(calls.asked).hasSize(3).last().isEqualTo("doc:2 doc:3 doc:4 doc:5 doc:6 doc:7 doc:8 doc:9");
        calls.batches.remove().succeed();
        calls.checks.remove().succeed();
        assertThat(first.join().getDecisionId()).isEqualTo("doc:0");
        assertThat(second.join().getDecisionId()).isEqualTo("doc:1");
        for (int i = 0; i < waiting.size(); i++) {
            assertThat(waiting.get(i).join().getDecisionId()).isEqualTo("doc:" + (i + 2));
        }
        assertThat(lane.isIdle()).isTrue();
    }

    @Test
    void whoeverIsAnsweredMayAskAgainBeforeTheNextCallGoes() {
        fill();
        for (String resource : List.of("doc:1", "doc:2", "doc:3")) {
            var _ = lane.askLater(request(resource), LONG)
                    .thenCompose(_ -> lane.askLater(request(resource + "-again"), LONG));
        }
        calls.checks.remove().succeed();

        calls.batches.remove().succeed();

        assertThat(calls.asked).hasSize(4).last().isEqualTo("doc:1-again doc:2-again doc:3-again");
        calls.batches.remove().succeed();
        calls.checks.remove().succeed();
        assertThat(lane.isIdle()).isTrue();
    }

    @Test
    void thoseWhoWereAnsweredAreLetRunBeforeTheNextCallGoes() {
        Lane lane = new Lane(calls, "acme", () -> calls.asked.add("others"), System::nanoTime);
        for (String resource : List.of("doc:busy", "doc:busy", "doc:1", "doc:2")) {
            var _ = lane.askLater(request(resource), LONG);
        }
        calls.checks.remove().succeed();
        var _ = lane.askLater(request("doc:3"), LONG);

        calls.batches.remove().succeed();

        assertThat(calls.asked).containsExactly("doc:busy", "doc:busy", "doc:1 doc:2", "others", "doc:3");
    }

    @Test
    void nothingGoesBesideManyForAMoment() {
        AtomicLong steady = new AtomicLong();
        Lane lane = new Lane(calls, "acme", () -> {}, steady::get);
        sendTwo(lane);
        var _ = lane.askLater(request("doc:3"), LONG);
        assertThat(calls.asked).last().isEqualTo("doc:1 doc:2");

        steady.addAndGet(LongWaits.MOMENT.toNanos());
        var _ = lane.askLater(request("doc:4"), LONG);

        assertThat(calls.asked).last().isEqualTo("doc:3 doc:4");
        calls.batches.forEach(Call::succeed);
        assertThat(lane.isIdle()).isTrue();
    }

    @Test
    void whatIsAskedAfterManyWereAnsweredGoesAtOnce() {
        Lane lane = new Lane(calls, "acme", () -> {}, () -> 0);
        sendTwo(lane);
        calls.batches.remove().succeed();
        for (String resource : List.of("doc:3", "doc:4")) {
            var _ = lane.askLater(request(resource), LONG);
            assertThat(calls.asked).last().isEqualTo(resource);
        }
    }

    @Test
    void whoeverWaitsForManyThatHangGoesAfterAMoment() {
        sendTwo(lane);
        // Longer than the test waits before anybody loses patience.
        CompletableFuture<CheckResponse> later = lane.askLater(request("doc:3"), LONG.multipliedBy(10));
        calls.awaitChecks(1);
        calls.checks.remove().succeed();
        assertThat(later.join().getDecisionId()).isEqualTo("doc:3");
    }

    @Test
    void soDoesAThread() {
        long start = System.nanoTime();
        AtomicReference<Thread> asking = new AtomicReference<>();
        // For everybody else the moment never passes.
        Lane lane = new Lane(
                calls, "acme", () -> {}, () -> Thread.currentThread().equals(asking.get()) ? System.nanoTime() : start);
        sendTwo(lane);
        calls.here = LaneTest::answer;
        asking.set(Thread.ofPlatform().unstarted(() -> lane.ask(request("doc:3"), LONG.multipliedBy(10))));
        asking.get().start();
        awaitThat(
                () -> {
                    calls.drainChecks();
                    return !asking.get().isAlive();
                },
                "an answer to the thread");
    }

    /** Two together, and nothing else under way. */
    private void sendTwo(Lane lane) {
        for (String resource : List.of("doc:busy", "doc:busy", "doc:1", "doc:2")) {
            var _ = lane.askLater(request(resource), LONG);
        }
        calls.drainChecks();
        assertThat(calls.asked).last().isEqualTo("doc:1 doc:2");
    }

    /** An application's own code runs where its answer comes in, and may take its time there: that keeps no room from others. */
    @Test
    void whoeverKeepsTheThreadOfItsAnswerKeepsNoRoom() throws InterruptedException {
        // Nobody goes out of impatience.
        Duration hours = Duration.ofHours(4);
        CountDownLatch busy = new CountDownLatch(1);
        List<Thread> answering = new ArrayList<>();
        for (int i = 0; i < Lane.UNDER_WAY; i++) {
            keepsBusy("doc:alone", hours, busy);
        }
        while (!calls.checks.isEmpty()) {
            answering.add(Thread.startVirtualThread(calls.checks.remove()::succeed));
        }
        var _ = lane.askLater(request("doc:first"), hours);
        calls.awaitChecks(1);
        var _ = lane.askLater(request("doc:second"), hours);
        calls.awaitChecks(2);

        for (int i = 1; i <= Lane.UNDER_WAY; i++) {
            keepsBusy("doc:together", hours, busy);
            keepsBusy("doc:together", hours, busy);
            calls.checks.remove().succeed();
            calls.awaitBatches(i);
        }
        while (!calls.batches.isEmpty()) {
            answering.add(Thread.startVirtualThread(calls.batches.remove()::succeed));
        }
        var _ = lane.askLater(request("doc:third"), hours);
        calls.awaitChecks(1);

        busy.countDown();
        for (Thread each : answering) {
            each.join();
        }
        calls.checks.remove().succeed();
        awaitThat(lane::isIdle, "room is made once");
        var _ = lane.askLater(request("doc:last"), hours);
        assertThat(calls.checks).as("and not lost").hasSize(1);
    }

    private void keepsBusy(String resource, Duration deadline, CountDownLatch until) {
        var _ = lane.askLater(request(resource), deadline).thenAccept(_ -> {
            try {
                until.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @Test
    void aBatchHasNoMoreItemsThanIsSaid() {
        fill();
        for (int i = 0; i <= Lane.MOST_ITEMS; i++) {
            var _ = lane.askLater(request("doc:" + i), LONG);
        }
        calls.checks.remove().succeed();
        assertThat(calls.batches.element().request.getItemsCount()).isEqualTo(Lane.MOST_ITEMS);
        calls.checks.remove().succeed();
        assertThat(calls.asked).last().isEqualTo("doc:" + Lane.MOST_ITEMS);
    }

    @Test
    void aBatchHasNoMoreBytesThanIsSaid() {
        fill();
        String large = "x".repeat(60_000);
        for (int i = 0; i < 20; i++) {
            var _ = lane.askLater(request(large), LONG);
        }
        calls.checks.remove().succeed();
        assertThat(calls.batches.element().request.getItemsCount()).isEqualTo(18);
    }

    @Test
    void whoeverLeavesTakesNobodyAlong() {
        fill();
        CompletableFuture<CheckResponse> leaves = lane.askLater(request("doc:1"), LONG);
        CompletableFuture<CheckResponse> stays = lane.askLater(request("doc:2"), LONG);
        CompletableFuture<CheckResponse> other = lane.askLater(request("doc:3"), LONG);
        leaves.cancel(true);
        calls.checks.remove().succeed();
        assertThat(calls.asked).last().isEqualTo("doc:2 doc:3");
        other.cancel(true);
        assertThat(calls.batches.element().answer).isNotDone();
        calls.batches.remove().succeed();
        assertThat(stays.join().getDecisionId()).isEqualTo("doc:2");
    }

    @Test
    void aCallThatAllHaveLeftIsCancelled() {
        fill();
        CompletableFuture<CheckResponse> one = lane.askLater(request("doc:1"), LONG);
        CompletableFuture<CheckResponse> other = lane.askLater(request("doc:2"), LONG);
        calls.checks.remove().succeed();
        one.cancel(true);
        other.cancel(true);
        assertThat(calls.batches.element().answer).isCancelled();
    }

    @Test
    void eachHasItsOwnDeadline() {
        fill();
        CompletableFuture<CheckResponse> hasty = lane.askLater(request("doc:1"), Duration.ofMillis(400));
        CompletableFuture<CheckResponse> patient = lane.askLater(request("doc:2"), LONG);
        calls.checks.remove().succeed();

        assertThat(code(hasty)).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(calls.batches.element().deadline).isGreaterThan(Duration.ofSeconds(15));
        calls.batches.remove().succeed();
        assertThat(patient.join().getDecisionId()).isEqualTo("doc:2");
    }

    @Test
    void whoeverHasWaitedForAQuarterOfItsDeadlineGoesByItself() {
        fill();
        calls.here = LaneTest::answer;

        assertThat(lane.ask(request("doc:1"), Duration.ofMillis(400)).getDecisionId())
                .isEqualTo("doc:1");

        assertThat(calls.asked).last().isEqualTo("here doc:1");
        CompletableFuture<CheckResponse> later = lane.askLater(request("doc:2"), Duration.ofSeconds(2));
        calls.awaitChecks(3);
        calls.checks.stream().reduce((_, last) -> last).orElseThrow().succeed();
        assertThat(later.join().getDecisionId()).isEqualTo("doc:2");
    }

    @Test
    void aVirtualThreadHasItsPatienceAndItsDeadlineToo() throws InterruptedException {
        fill();
        CompletableFuture<CheckResponse> patient = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> patient.complete(lane.ask(request("doc:1"), Duration.ofSeconds(2))));
        calls.awaitChecks(3);
        calls.checks.stream().reduce((_, last) -> last).orElseThrow().succeed();
        assertThat(patient.join().getDecisionId()).isEqualTo("doc:1");

        for (Duration deadline : List.of(Duration.ofMillis(400), Duration.ofMillis(40))) {
            CompletableFuture<RuntimeException> thrown = new CompletableFuture<>();
            Thread.ofVirtual().start(() -> {
                try {
                    lane.ask(request("doc:2"), deadline);
                } catch (RuntimeException e) {
                    thrown.complete(e);
                }
            });
            assertThat(Status.fromThrowable(thrown.join()).getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        }
    }

    @Test
    void aBatchThatIsRefusedForWhatMayBeOneOfThemIsAskedOneByOne() {
        for (Status status : List.of(Status.INVALID_ARGUMENT, Status.PERMISSION_DENIED, Status.UNIMPLEMENTED)) {
            fill();
            CompletableFuture<CheckResponse> good = lane.askLater(request("doc:1"), LONG);
            CompletableFuture<CheckResponse> bad = lane.askLater(request("doc:2"), LONG);
            calls.drainChecks();
            calls.batches.remove().fail(status);
            assertThat(calls.checks).extracting(it -> it.request.getResource()).containsExactly("doc:1", "doc:2");
            calls.checks.remove().succeed();
            calls.checks.remove().fail(status);
            assertThat(good.join().getDecisionId()).isEqualTo("doc:1");
            assertThat(code(bad)).isEqualTo(status.getCode());
            assertThat(lane.isIdle()).isTrue();
        }
    }

    @Test
    void aBatchThatFailsOtherwiseFailsForAll() {
        fill();
        CompletableFuture<CheckResponse> one = lane.askLater(request("doc:1"), LONG);
        CompletableFuture<CheckResponse> other = lane.askLater(request("doc:2"), LONG);
        calls.drainChecks();
        calls.batches.remove().fail(Status.INTERNAL);
        assertThat(code(one)).isEqualTo(Status.Code.INTERNAL);
        assertThat(code(other)).isEqualTo(Status.Code.INTERNAL);
        assertThat(calls.checks).isEmpty();
    }

    @Test
    void aBatchThatFoundNoServerIsTriedAgain() {
        fill();
        CompletableFuture<CheckResponse> one = lane.askLater(request("doc:1"), LONG);
        var _ = lane.askLater(request("doc:2"), LONG);
        calls.drainChecks();
        calls.batches.remove().fail(Status.UNAVAILABLE);
        calls.awaitBatches(1);
        calls.batches.remove().succeed();
        assertThat(one.join().getDecisionId()).isEqualTo("doc:1");
    }

    @Test
    void aBatchWithAnotherNumberOfResultsIsNobodysAnswer() {
        fill();
        CompletableFuture<CheckResponse> one = lane.askLater(request("doc:1"), LONG);
        var _ = lane.askLater(request("doc:2"), LONG);
        calls.drainChecks();
        calls.batches
                .remove()
                .answer
                .complete(CheckBatchResponse.newBuilder()
                        .addResults(result(request("doc:1")))
                        .build());
        assertThatThrownBy(one::join).hasCauseInstanceOf(AssizeException.class);
    }

    @Test
    void aThreadThatIsInterruptedLeaves() throws InterruptedException {
        fill();
        CompletableFuture<RuntimeException> thrown = new CompletableFuture<>();
        Thread asking = Thread.ofVirtual().start(() -> {
            try {
                lane.ask(request("doc:1"), LONG);
            } catch (RuntimeException e) {
                thrown.complete(e);
            }
        });
        asking.interrupt();
        assertThat(Status.fromThrowable(thrown.join()).getCode()).isEqualTo(Status.Code.CANCELLED);
        asking.join();
        calls.drainChecks();
        assertThat(calls.batches).isEmpty();
    }

    @Test
    void whoeverServesACallThatIsCancelledLeaves() throws InterruptedException {
        fill();
        Context.CancellableContext serving = Context.current().withCancellation();
        CompletableFuture<RuntimeException> thrown = new CompletableFuture<>();
        Thread asking = Thread.ofVirtual().start(serving.wrap(() -> {
            try {
                lane.ask(request("doc:1"), LONG);
            } catch (RuntimeException e) {
                thrown.complete(e);
            }
        }));
        serving.cancel(null);
        assertThat(Status.fromThrowable(thrown.join()).getCode()).isEqualTo(Status.Code.CANCELLED);
        asking.join();
    }

    /**
     * Many threads ask, some leave, some have little time, and the server answers in any order, by any thread, and fails as
     * it likes. Everybody has an answer to the own question or the failure that the server gave to it, and at the end
     * nothing is under way and nothing waits.
     */
    @Test
    void everybodyHasTheAnswerToTheOwnQuestionWhateverTheOrder() throws Exception {
        int seeds = 12;
        // Beside one another: most of each is waiting before a call is tried again.
        try (ExecutorService trying = Executors.newFixedThreadPool(seeds)) {
            List<Future<?>> tries = new ArrayList<>();
            for (long seed = 1; seed <= seeds; seed++) {
                long own = seed;
                tries.add(trying.submit(() -> {
                    tryOnce(own);
                    return true;
                }));
            }
            for (Future<?> one : tries) {
                var _ = one.get();
            }
        }
    }

    private static void tryOnce(long seed) throws InterruptedException {
        int threads = 8;
        int questions = 150;
        try (Server server = new Server(seed)) {
            Lane lane = new Lane(server, "acme");
            ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
            AtomicInteger answered = new AtomicInteger();
            CountDownLatch done = new CountDownLatch(threads);
            for (int t = 0; t < threads; t++) {
                int thread = t;
                SplittableRandom random = new SplittableRandom(seed * 1_000 + t);
                Thread.Builder kind = t % 2 == 0 ? Thread.ofPlatform() : Thread.ofVirtual();
                kind.start(() -> {
                    for (int i = 0; i < questions; i++) {
                        String resource = Server.nature(random) + ":" + thread + "-" + i;
                        String outcome = askOnce(lane, request(resource), random);
                        if (!Server.mayBe(resource, outcome)) {
                            wrong.add(resource + " -> " + outcome);
                        }
                        answered.incrementAndGet();
                    }
                    done.countDown();
                });
            }
            assertThat(done.await(60, TimeUnit.SECONDS)).as("seed " + seed).isTrue();
            assertThat(wrong).as("seed " + seed).isEmpty();
            assertThat(answered).hasValue(threads * questions);
            awaitThat(lane::isIdle, "idle after seed " + seed);
        }
    }

    private static String askOnce(Lane lane, CheckRequest request, SplittableRandom random) {
        try {
            return switch (random.nextInt(8)) {
                case 0 -> {
                    CompletableFuture<CheckResponse> leaves = lane.askLater(request, LONG);
                    yield leaves.cancel(true) ? "left" : leaves.join().getDecisionId();
                }
                case 1, 2 -> lane.askLater(request, LONG).join().getDecisionId();
                default -> lane.ask(request, LONG).getDecisionId();
            };
        } catch (RuntimeException failure) {
            return Status.fromThrowable(Retries.unwrapped(failure)).getCode().name();
        }
    }

    /** Takes all the room there is. */
    private void fill() {
        for (int i = 0; i < Lane.UNDER_WAY; i++) {
            var _ = lane.askLater(request("doc:busy"), LONG);
        }
    }

    private static Status.Code code(CompletableFuture<?> failed) {
        try {
            failed.join();
            return Status.Code.OK;
        } catch (CompletionException failure) {
            return Status.fromThrowable(Retries.unwrapped(failure)).getCode();
        }
    }

    private static void awaitThat(BooleanSupplier holds, String what) {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!holds.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(end);
            LockSupport.parkNanos(100_000);
        }
    }

    private static CheckRequest request(String resource) {
        return CheckRequest.newBuilder()
                .setSubject("user:alice")
                .setResource(resource)
                .setAction("read")
                .setTenant("acme")
                .build();
    }

    private static CheckResponse answer(CheckRequest request) {
        return CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_ALLOW)
                .setDecisionId(request.getResource())
                .build();
    }

    private static CheckBatchResult result(CheckRequest request) {
        return CheckBatchResult.newBuilder().setResponse(answer(request)).build();
    }

    private static CheckBatchResponse answers(CheckBatchRequest request) {
        CheckBatchResponse.Builder response = CheckBatchResponse.newBuilder();
        request.getItemsList().forEach(it -> response.addResults(result(it)));
        return response.build();
    }

    /** Calls that a test ends by hand. */
    private static final class Calls implements CheckCalls {

        private final List<String> asked = new ArrayList<>();
        private final ConcurrentLinkedQueue<Call<CheckRequest, CheckResponse>> checks = new ConcurrentLinkedQueue<>();
        private final ConcurrentLinkedQueue<Call<CheckBatchRequest, CheckBatchResponse>> batches =
                new ConcurrentLinkedQueue<>();
        private Function<CheckRequest, CheckResponse> here = request -> {
            throw new AssertionError("not expected here: " + request);
        };

        @Override
        public CheckResponse checkHere(CheckRequest request, Duration deadline) {
            asked.add("here " + request.getResource());
            return here.apply(request);
        }

        @Override
        public CheckBatchResponse checkBatchHere(CheckBatchRequest request, Duration deadline) {
            throw new AssertionError("not expected: " + request);
        }

        @Override
        public CompletableFuture<CheckResponse> check(CheckRequest request, Duration deadline) {
            asked.add(request.getResource());
            Call<CheckRequest, CheckResponse> call = new Call<>(request, deadline, answer(request));
            checks.add(call);
            return call.answer;
        }

        @Override
        public CompletableFuture<CheckBatchResponse> checkBatch(CheckBatchRequest request, Duration deadline) {
            asked.add(String.join(
                    " ",
                    request.getItemsList().stream()
                            .map(CheckRequest::getResource)
                            .toList()));
            Call<CheckBatchRequest, CheckBatchResponse> call = new Call<>(request, deadline, answers(request));
            batches.add(call);
            return call.answer;
        }

        void drainChecks() {
            for (int left = checks.size(); left > 0; left--) {
                checks.remove().succeed();
            }
        }

        void awaitChecks(int count) {
            awaitThat(() -> checks.size() >= count, count + " checks");
        }

        void awaitBatches(int count) {
            awaitThat(() -> batches.size() >= count, count + " batches");
        }
    }

    private record Call<Q, R>(Q request, Duration deadline, R right, CompletableFuture<R> answer) {

        Call(Q request, Duration deadline, R right) {
            this(request, deadline, right, new CompletableFuture<>());
        }

        void succeed() {
            answer.complete(right);
        }

        void fail(Status status) {
            answer.completeExceptionally(status.asRuntimeException());
        }
    }

    /** Answers by threads of its own, in any order; what it thinks of a question is in the resource's type. */
    private static final class Server implements CheckCalls, AutoCloseable {

        private final ExecutorService threads = Executors.newFixedThreadPool(3);
        private final SplittableRandom random;

        Server(long seed) {
            random = new SplittableRandom(seed);
        }

        static String nature(SplittableRandom random) {
            return switch (random.nextInt(20)) {
                case 0 -> "malformed"; // spoils a batch
                case 1 -> "wrong"; // fails alone
                default -> "doc";
            };
        }

        static boolean mayBe(String resource, String outcome) {
            String nature = resource.substring(0, resource.indexOf(':'));
            return outcome.equals("left")
                    || outcome.equals("UNAVAILABLE") // three times in a row
                    || switch (nature) {
                        case "malformed" -> outcome.equals("INVALID_ARGUMENT");
                        case "wrong" -> outcome.equals("NOT_FOUND");
                        default -> outcome.equals(resource);
                    };
        }

        @Override
        public CheckResponse checkHere(CheckRequest request, Duration deadline) {
            try {
                return check(request, deadline).join();
            } catch (CompletionException failure) {
                throw Retries.unwrapped(failure);
            }
        }

        @Override
        public CheckBatchResponse checkBatchHere(CheckBatchRequest request, Duration deadline) {
            return checkBatch(request, deadline).join();
        }

        @Override
        public CompletableFuture<CheckResponse> check(CheckRequest request, Duration deadline) {
            return later(() -> one(request));
        }

        @Override
        public CompletableFuture<CheckBatchResponse> checkBatch(CheckBatchRequest request, Duration deadline) {
            return later(() -> {
                CheckBatchResponse.Builder response = CheckBatchResponse.newBuilder();
                for (CheckRequest item : request.getItemsList()) {
                    if (item.getResource().startsWith("malformed")) {
                        throw Status.INVALID_ARGUMENT.asRuntimeException();
                    }
                    response.addResults(item(item));
                }
                return response.build();
            });
        }

        private static CheckBatchResult item(CheckRequest item) {
            try {
                return CheckBatchResult.newBuilder().setResponse(one(item)).build();
            } catch (StatusRuntimeException failure) {
                return CheckBatchResult.newBuilder()
                        .setError(com.google.rpc.Status.newBuilder()
                                .setCode(failure.getStatus().getCode().value()))
                        .build();
            }
        }

        private static CheckResponse one(CheckRequest request) {
            if (request.getResource().startsWith("malformed")) {
                throw Status.INVALID_ARGUMENT.asRuntimeException();
            }
            if (request.getResource().startsWith("wrong")) {
                throw Status.NOT_FOUND.asRuntimeException();
            }
            return answer(request);
        }

        private <R> CompletableFuture<R> later(Supplier<R> answer) {
            int what;
            synchronized (random) {
                what = random.nextInt(10);
            }
            if (what == 0) {
                return CompletableFuture.failedFuture(Status.UNAVAILABLE.asRuntimeException());
            }
            if (what == 1) {
                return here(answer);
            }
            return CompletableFuture.supplyAsync(
                    () -> {
                        for (int i = 0; i < what * 200; i++) {
                            Thread.onSpinWait();
                        }
                        return answer.get();
                    },
                    threads);
        }

        private static <R> CompletableFuture<R> here(Supplier<R> answer) {
            try {
                return CompletableFuture.completedFuture(answer.get());
            } catch (StatusRuntimeException failure) {
                return CompletableFuture.failedFuture(failure);
            }
        }

        @Override
        public void close() {
            threads.shutdownNow();
        }
    }
}
