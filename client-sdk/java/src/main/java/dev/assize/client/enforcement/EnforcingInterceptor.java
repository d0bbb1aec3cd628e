package dev.assize.client.enforcement;

import static java.util.Objects.requireNonNull;

import dev.assize.client.CheckResult;
import dev.assize.client.Question;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Lets a gRPC call begin only where Assize allows it. What is asked is said by a function of the method and the call's
 * headers; a call it has no question for is denied. The subject must come from something that was verified before, such as
 * by an interceptor that runs before this one, and never from a header as it is.
 *
 * <p>It asks by the thread of the call, so the server must not have a direct executor. What it refuses ends as {@link Refusal}
 * says, with the decision's id in the trailer {@code assize-decision-id}, and does not say why: the verdict goes to the
 * listener.
 */
public final class EnforcingInterceptor implements ServerInterceptor {

    /** The answer by which a call is allowed, for its handler: its decision goes into the audit event of what is done. */
    public static final Context.Key<CheckResult> RESULT = Context.key("dev.assize.client.enforcement.result");

    private static final Metadata.Key<String> DECISION_ID =
            Metadata.Key.of("assize-decision-id", Metadata.ASCII_STRING_MARSHALLER);

    private final Enforcer enforcer;
    private final Mapping mapping;
    private final Consumer<Verdict> listener;

    /** What a call is in terms of policy. */
    @FunctionalInterface
    public interface Mapping {

        /**
         * The question for a call; empty, or whatever it throws, is a deny.
         *
         * @param method as {@code acme.v1.Replays/Execute}
         */
        Optional<Question> questionFor(String method, Metadata headers, ServerCall<?, ?> call);
    }

    public EnforcingInterceptor(Enforcer enforcer, Mapping mapping) {
        this(enforcer, mapping, verdict -> {});
    }

    /**
     * One that tells every verdict.
     *
     * @param listener hears it by the thread of the call, before the call goes on or ends
     */
    public EnforcingInterceptor(Enforcer enforcer, Mapping mapping, Consumer<Verdict> listener) {
        this.enforcer = enforcer;
        this.mapping = mapping;
        this.listener = listener;
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        Verdict verdict = verdict(call, headers);
        listener.accept(verdict);
        if (!verdict.allowed()) {
            call.close(verdict.refusal().orElse(Refusal.FORBIDDEN).grpcStatus(), trailers(verdict));
            return new ServerCall.Listener<>() {};
        }
        Context allowed = Context.current().withValue(RESULT, verdict.result().orElseThrow());
        return Contexts.interceptCall(allowed, call, headers, next);
    }

    private Verdict verdict(ServerCall<?, ?> call, Metadata headers) {
        Optional<Question> question;
        try {
            question = requireNonNull(
                    mapping.questionFor(call.getMethodDescriptor().getFullMethodName(), headers, call));
        } catch (RuntimeException failure) {
            return Verdict.refused(Refusal.FORBIDDEN, "Denied, because the mapping failed: " + failure);
        }
        return enforcer.enforce(question);
    }

    private static Metadata trailers(Verdict verdict) {
        Metadata trailers = new Metadata();
        if (!verdict.decisionId().isEmpty()) {
            trailers.put(DECISION_ID, verdict.decisionId());
        }
        return trailers;
    }
}
