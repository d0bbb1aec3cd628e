package dev.assize.client;

import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Questions with their answers: from memory, together with others, or by themselves. What goes wrong is a deny. */
final class Checks {

    private final CheckCalls calls;
    private final @Nullable Gathering gathering;
    private final AnswerCache cache;
    private final String tenant;
    private final String env;
    private final Set<String> knownObligations;

    Checks(
            CheckCalls calls,
            boolean batching,
            AnswerCache cache,
            String tenant,
            String env,
            Set<String> knownObligations) {
        this.calls = calls;
        this.gathering = batching ? new Gathering(calls) : null;
        this.cache = cache;
        this.tenant = tenant;
        this.env = env;
        this.knownObligations = Set.copyOf(knownObligations);
    }

    CheckResult check(Question question, Duration deadline) {
        try {
            CheckRequest request = Wire.question(question, tenant, env);
            Optional<CheckResult> kept = cache.get(request);
            if (kept.isPresent()) {
                return kept.get();
            }
            AnswerCache.Place place = cache.placeFor(request);
            return place.keep(result(answer(question, request, deadline), question));
        } catch (RuntimeException failure) {
            return CheckResult.failed(AssizeException.of(failure));
        }
    }

    private CheckResponse answer(Question question, CheckRequest request, Duration deadline) {
        return gathering == null || question.isAboutThePast()
                ? Retries.within(deadline, left -> calls.checkHere(request, left))
                : gathering.ask(request, noLaterThanTheContext(deadline));
    }

    /** Whoever serves a call with a deadline has no use for an answer behind it. */
    private static Duration noLaterThanTheContext(Duration deadline) {
        Deadline ofContext = Context.current().getDeadline();
        if (ofContext == null) {
            return deadline;
        }
        Duration left = Duration.ofNanos(ofContext.timeRemaining(TimeUnit.NANOSECONDS));
        return left.compareTo(deadline) < 0 ? left : deadline;
    }

    CompletableFuture<CheckResult> checkLater(Question question, Duration deadline) {
        try {
            CheckRequest request = Wire.question(question, tenant, env);
            Optional<CheckResult> kept = cache.get(request);
            if (kept.isPresent()) {
                return CompletableFuture.completedFuture(kept.get());
            }
            AnswerCache.Place place = cache.placeFor(request);
            Duration atMost = noLaterThanTheContext(deadline);
            CompletableFuture<CheckResponse> answer = gathering == null || question.isAboutThePast()
                    ? Retries.laterWithin(atMost, left -> calls.check(request, left))
                    : gathering.askLater(request, atMost);
            withdrawWithTheContext(answer);
            return following(
                    answer,
                    answer.handleAsync(
                            (response, failure) -> failure == null
                                    ? place.keep(resultOrFailure(response, question))
                                    : CheckResult.failed(AssizeException.of(Retries.unwrapped(failure))),
                            Thread::startVirtualThread));
        } catch (RuntimeException failure) {
            return CompletableFuture.completedFuture(CheckResult.failed(AssizeException.of(failure)));
        }
    }

    /** Whoever is cancelled has no use for an answer; the call itself knows nobody's context. */
    private static void withdrawWithTheContext(CompletableFuture<CheckResponse> answer) {
        Context context = Context.current();
        Context.CancellationListener left = cancelled -> answer.completeExceptionally(
                Contexts.statusFromCancelled(cancelled).asRuntimeException());
        context.addListener(left, Runnable::run);
        var _ = answer.whenComplete((_, _) -> context.removeListener(left));
    }

    /** Whoever cancels the result withdraws the question. */
    private static CompletableFuture<CheckResult> following(
            CompletableFuture<CheckResponse> answer, CompletableFuture<CheckResult> result) {
        var _ = result.exceptionally(failure -> {
            if (failure instanceof CancellationException) {
                answer.cancel(true);
            }
            return CheckResult.failed(AssizeException.of(failure));
        });
        return result;
    }

    private CheckResult resultOrFailure(CheckResponse response, Question question) {
        try {
            return result(response, question);
        } catch (RuntimeException malformed) {
            return CheckResult.failed(AssizeException.of(malformed));
        }
    }

    private CheckResult result(CheckResponse response, Question question) {
        return Wire.result(response, question.isAboutThePast(), knownObligations);
    }

    List<CheckResult> checkBatch(List<Question> questions, Duration deadline) {
        if (questions.isEmpty()) {
            return List.of();
        }
        try {
            CheckBatchRequest.Builder builder = CheckBatchRequest.newBuilder()
                    .setTenant(batchTenant(questions))
                    .setEnv(env);
            questions.forEach(it -> builder.addItems(Wire.question(it, tenant, env)));
            CheckBatchRequest request = builder.build();
            return results(questions, Retries.within(deadline, left -> calls.checkBatchHere(request, left)));
        } catch (RuntimeException failure) {
            return allFailed(questions, AssizeException.of(failure));
        }
    }

    private List<CheckResult> results(List<Question> questions, CheckBatchResponse response) {
        if (response.getResultsCount() != questions.size()) {
            return allFailed(
                    questions,
                    AssizeException.malformed("the server gave " + response.getResultsCount() + " results for "
                            + questions.size() + " questions"));
        }
        List<CheckResult> results = new ArrayList<>(questions.size());
        for (int i = 0; i < questions.size(); i++) {
            CheckBatchResult result = response.getResults(i);
            results.add(
                    result.hasResponse()
                            ? resultOrFailure(result.getResponse(), questions.get(i))
                            : CheckResult.failed(AssizeException.of(Lane.failureOf(result))));
        }
        return results;
    }

    /** Of the first question; the server refuses those of another by themselves. */
    private String batchTenant(List<Question> questions) {
        String first = questions.getFirst().tenant();
        return first.isEmpty() ? tenant : first;
    }

    private static List<CheckResult> allFailed(List<Question> questions, AssizeException failure) {
        return Collections.nCopies(questions.size(), CheckResult.failed(failure));
    }

    void close() {
        cache.close();
    }
}
