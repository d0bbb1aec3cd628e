package dev.assize.client.enforcement;

import dev.assize.client.AssizeClient;
import dev.assize.client.CheckResult;
import dev.assize.client.Obligation;
import dev.assize.client.Question;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
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

    private final Function<Question, CheckResult> check;
    private final Map<String, ObligationHandler> handlers;
    private final AutoCloseable client;

    private Enforcer(
            Function<Question, CheckResult> check, Map<String, ObligationHandler> handlers, AutoCloseable client) {
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
            return Verdict.denied("Denied, because nothing says what to ask");
        }
        CheckResult result = check.apply(question.get());
        return result.allowed() ? carriedOut(result) : new Verdict(false, Optional.of(result), result.message());
    }

    private Verdict carriedOut(CheckResult result) {
        for (Obligation obligation : result.obligations()) {
            if (!handlers.containsKey(obligation.type())) {
                return refused(result, obligation, "has no handler");
            }
        }
        for (Obligation obligation : result.obligations()) {
            try {
                handlers.getOrDefault(obligation.type(), Enforcer::unhandled).carryOut(obligation, result);
            } catch (Exception failure) {
                if (failure instanceof InterruptedException) {
                    Thread.currentThread().interrupt();
                }
                return refused(result, obligation, "could not be carried out: " + failure);
            }
        }
        return new Verdict(true, Optional.of(result), result.message());
    }

    private static void unhandled(Obligation obligation, CheckResult result) {
        throw new IllegalStateException("no handler for " + obligation.type());
    }

    private static Verdict refused(CheckResult result, Obligation obligation, String why) {
        return new Verdict(
                false,
                Optional.of(result),
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

    /** Gathers handlers. */
    public static final class Builder {

        private final AssizeClient.Builder client;
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

        public Enforcer build() {
            handlers.keySet().forEach(client::knowsObligation);
            return over(client.build());
        }

        Enforcer over(AssizeClient made) {
            return new Enforcer(made::check, handlers, made);
        }
    }
}
