package dev.assize.client.enforcement;

import dev.assize.client.Approval;
import dev.assize.client.ApprovalsClient;
import dev.assize.client.AssizeClient;
import dev.assize.client.CheckResult;
import dev.assize.client.Obligation;
import dev.assize.client.Question;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;

/**
 * Asks, and carries out what an allow is under. It goes ahead only where the answer is an allow, every obligation has a
 * handler, and every handler has returned.
 *
 * <pre>{@code
 * Enforcer enforcer = Enforcer.of(AssizeClient.builder().apiKey(key).tenant("acme"))
 *         .on("notify", (obligation, result) -> page(obligation.properties().get("channel")))
 *         .build();
 * }</pre>
 */
public final class Enforcer implements AutoCloseable {

    /** The duty to use up the single-use approval that an allow rests on. */
    public static final String USE_APPROVAL = "assize/use-approval";

    private final Function<Question, CheckResult> check;
    private final Map<String, Fulfilment> handlers;
    private final AutoCloseable client;

    /** Carries out an obligation of the allow to a question. */
    @FunctionalInterface
    private interface Fulfilment {
        void carryOut(Question question, Obligation obligation, CheckResult result) throws Exception;
    }

    private Enforcer(Function<Question, CheckResult> check, Map<String, Fulfilment> handlers, AutoCloseable client) {
        this.check = check;
        this.handlers = Map.copyOf(handlers);
        this.client = client;
    }

    /** One with a client that it makes, and closes, and that knows the obligations it has handlers for. */
    public static Builder of(AssizeClient.Builder client) {
        return new Builder(client);
    }

    /** One over a client, for allows without obligations. */
    public static Enforcer of(AssizeClient client) {
        return new Enforcer(client::check, Map.of(), () -> {});
    }

    /** Asks and carries out; never throws. Empty is a deny: nothing maps to a question. */
    public Verdict enforce(Optional<Question> question) {
        if (question.isEmpty()) {
            return Verdict.refused(Refusal.FORBIDDEN, "Denied, because nothing says what to ask");
        }
        CheckResult result = check.apply(question.get());
        return result.allowed()
                ? carriedOut(question.get(), result)
                : Verdict.refused(Refusal.of(result), result, result.message());
    }

    private Verdict carriedOut(Question question, CheckResult result) {
        for (Obligation obligation : result.obligations()) {
            if (!handlers.containsKey(obligation.type())) {
                return refused(Refusal.FORBIDDEN, result, obligation, "has no handler");
            }
        }
        for (Obligation obligation : result.obligations()) {
            try {
                handlers.getOrDefault(obligation.type(), Enforcer::unhandled).carryOut(question, obligation, result);
            } catch (Exception failure) {
                if (failure instanceof InterruptedException) {
                    Thread.currentThread().interrupt();
                }
                return refused(Refusal.UNAVAILABLE, result, obligation, "could not be carried out: " + failure);
            }
        }
        return Verdict.allowed(result);
    }

    private static void unhandled(Question question, Obligation obligation, CheckResult result) {
        throw new IllegalStateException("no handler for " + obligation.type());
    }

    private static Verdict refused(Refusal refusal, CheckResult result, Obligation obligation, String why) {
        return Verdict.refused(
                refusal,
                result,
                "Denied, because obligation `" + obligation.id() + "` of type `" + obligation.type() + "` " + why);
    }

    /** Closes the client, where it was made here. */
    @Override
    public void close() {
        try {
            client.close();
        } catch (Exception impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** Of two who try, one may: the other's allow is a deny. */
    private static void useUp(AssizeClient client, Question question, CheckResult result) {
        ApprovalsClient approvals = question.tenant().isEmpty()
                ? client.approvals()
                : client.approvals().inTenant(question.tenant());
        Approval used = approvals
                .as(question.subject())
                .use(result.approvalId(), UUID.randomUUID().toString());
        if (used.state() != Approval.State.USED) {
            throw new IllegalStateException("the approval is not used up");
        }
    }

    /** Gathers handlers. */
    public static final class Builder {

        private final AssizeClient.Builder client;
        private boolean usesApprovals;
        private final Map<String, ObligationHandler> handlers = new LinkedHashMap<>();

        private Builder(AssizeClient.Builder client) {
            this.client = client;
        }

        /** Carries out obligations of this type so. */
        public Builder on(String type, ObligationHandler handler) {
            if (handlers.putIfAbsent(type, handler) != null) {
                throw new IllegalArgumentException("obligation type `" + type + "` has a handler already");
            }
            return this;
        }

        /**
         * Uses up the approval that an allow rests on, for the subject of the question, before it goes ahead: so the obligation
         * {@link #USE_APPROVAL} asks. The key needs {@code act-as} on the subject.
         */
        public Builder usesApprovals() {
            usesApprovals = true;
            return this;
        }

        public Enforcer build() {
            handlers.keySet().forEach(client::knowsObligation);
            if (usesApprovals) {
                client.knowsObligation(USE_APPROVAL);
            }
            return over(client.build());
        }

        Enforcer over(AssizeClient made) {
            Map<String, Fulfilment> all = new LinkedHashMap<>();
            handlers.forEach(
                    (type, handler) -> all.put(type, (_, obligation, result) -> handler.carryOut(obligation, result)));
            if (usesApprovals) {
                all.putIfAbsent(USE_APPROVAL, (question, _, result) -> useUp(made, question, result));
            }
            return new Enforcer(made::check, all, made);
        }
    }
}
