package dev.assize.server.endpoint.call;

import dev.assize.server.authentication.Caller;
import dev.assize.server.model.Recorder;
import io.grpc.Context;
import io.opentelemetry.api.trace.Span;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Who calls, and what: what the door found out before the call came in.
 *
 * @param rpc as `DecisionService/Check`
 * @param traceContext W3C `traceparent`; null where the call had none of that form and none was begun here
 * @param number of the call, by which the log's lines of it are found; random, so that nodes need not count together
 */
public record CallContext(
        Caller caller, String rpc, @Nullable String traceContext, long number) {

    private static final Context.Key<CallContext> KEY = Context.key("assize-call");

    /** A call that has no number yet. */
    public CallContext(Caller caller, String rpc, @Nullable String traceContext) {
        this(caller, rpc, traceContext, ThreadLocalRandom.current().nextLong());
    }

    /** The call that this thread serves. */
    public static CallContext current() {
        CallContext call = KEY.get();
        if (call == null) {
            throw new IllegalStateException("A handler ran without passing the door");
        }
        return call;
    }

    /** The same where there may be none. */
    public static @Nullable CallContext ifAny() {
        return KEY.get();
    }

    /** The same call, for which a span was begun: where it brought no trace, it is part of the one that begins here. */
    public CallContext within(Span span) {
        return traceContext == null ? new CallContext(caller, rpc, CallSpans.traceContext(span), number) : this;
    }

    /** The call's number as the log has it. */
    public String id() {
        return HexFormat.of().toHexDigits(number);
    }

    public Context attachedTo(Context context) {
        return context.withValue(KEY, this);
    }

    /** As the ledger names the caller. */
    public Recorder recorder() {
        return new Recorder(caller.subject(), caller.home());
    }
}
