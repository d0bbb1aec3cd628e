package dev.assize.client;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.PolicyServiceGrpc;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Answers that may be given again, each under its whole question: until their {@code valid_until}, and only while a stream of
 * the tenant's policy states says that they rest on the policy that is. An answer is kept if it rests on the very
 * revisions of the stream's last state, heard before the question was asked; every change, and every end or silence of the
 * stream, empties all that is kept of the tenant.
 *
 * <p>What is used up by being used is not kept, nor what is no decision about the present. Where it is full, some of it makes
 * room, whichever.
 */
final class AnswerCache {

    static final String USE_APPROVAL = "assize/use-approval";

    /** Of a caller the server takes 100 streams. */
    static final int MOST_TENANTS = 64;

    /** What makes room: one of so many. */
    private static final int PARTS = 16;

    private static final AnswerCache NONE = new AnswerCache(0, null, InstantSource.system(), System::nanoTime);

    private final int size;
    private final PolicyServiceGrpc.@Nullable PolicyServiceStub policy;
    private final InstantSource clock;
    private final LongSupplier steady;
    private final Map<String, PolicyWord> words = new ConcurrentHashMap<>();

    private AnswerCache(
            int size, PolicyServiceGrpc.@Nullable PolicyServiceStub policy, InstantSource clock, LongSupplier steady) {
        this.size = size;
        this.policy = policy;
        this.clock = clock;
        this.steady = steady;
    }

    /** One that keeps nothing. */
    static AnswerCache none() {
        return NONE;
    }

    /**
     * One that keeps so many answers of each tenant.
     *
     * @param size at least 1
     * @param steady nanoseconds of a clock that nobody sets
     */
    static AnswerCache of(
            int size, PolicyServiceGrpc.PolicyServiceStub policy, InstantSource clock, LongSupplier steady) {
        return new AnswerCache(size, policy, clock, steady);
    }

    /** The answer, marked as kept, if it holds now. */
    Optional<CheckResult> get(CheckRequest request) {
        PolicyWord word = words.get(request.getTenant());
        PolicyWord.State state = word == null ? null : word.state();
        if (state == null) {
            return Optional.empty();
        }
        CheckResult kept = state.answers().get(request);
        if (kept == null || !kept.validUntil().orElse(Instant.MIN).isAfter(state.now(clock, steady))) {
            return Optional.empty();
        }
        return Optional.of(kept);
    }

    /** Where the answer to a question that is asked now may be kept. Begins to listen to the tenant's policy. */
    Place placeFor(CheckRequest request) {
        if (policy == null || request.getAtRevision() != 0 || request.hasAsOf()) {
            return result -> result;
        }
        PolicyWord word = words.get(request.getTenant());
        if (word == null) {
            if (words.size() >= MOST_TENANTS) {
                return result -> result;
            }
            word = words.computeIfAbsent(request.getTenant(), tenant -> new PolicyWord(policy, tenant, steady));
        }
        PolicyWord listening = word;
        PolicyWord.State before = listening.state();
        return result -> {
            if (before != null && listening.stands(before) && isToBeKept(result, before)) {
                put(before.answers(), request, result.fromCache());
            }
            return result;
        };
    }

    private boolean isToBeKept(CheckResult result, PolicyWord.State state) {
        return (result.decision() == CheckResult.Decision.ALLOW || result.decision() == CheckResult.Decision.DENY)
                && !result.historical()
                && result.revision() == state.revision()
                && result.platformRevision() == state.platformRevision()
                && result.approvalId().isEmpty()
                && result.obligations().stream().noneMatch(it -> it.type().equals(USE_APPROVAL))
                && result.validUntil().orElse(Instant.MIN).isAfter(state.now(clock, steady));
    }

    private void put(Map<CheckRequest, CheckResult> answers, CheckRequest request, CheckResult result) {
        if (answers.size() >= size && !answers.containsKey(request)) {
            Iterator<CheckRequest> some = answers.keySet().iterator();
            for (int left = Math.max(1, size / PARTS); left > 0 && some.hasNext(); left--) {
                some.next();
                some.remove();
            }
        }
        answers.put(request, result);
    }

    void close() {
        words.values().forEach(PolicyWord::close);
    }

    /** Takes an answer, keeps it if it may be kept, and gives it back. */
    @FunctionalInterface
    interface Place {
        CheckResult keep(CheckResult result);
    }
}
