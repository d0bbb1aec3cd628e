package dev.assize.server.endpoint.call;

import dev.assize.server.authentication.Caller;
import dev.assize.server.model.Recorder;
import io.grpc.Context;
import org.jspecify.annotations.Nullable;

/**
 * Who calls, and what: what the door found out before the call came in.
 *
 * @param rpc as `DecisionService/Check`
 * @param traceContext W3C `traceparent`; null where the call had none of that form
 */
public record CallContext(
        Caller caller, String rpc, @Nullable String traceContext) {

    private static final Context.Key<CallContext> KEY = Context.key("assize-call");

    /** The call that this thread serves. */
    public static CallContext current() {
        CallContext call = KEY.get();
        if (call == null) {
            throw new IllegalStateException("A handler ran without passing the door");
        }
        return call;
    }

    public Context attachedTo(Context context) {
        return context.withValue(KEY, this);
    }

    /** As the ledger names the caller. */
    public Recorder recorder() {
        return new Recorder(caller.subject(), caller.home());
    }
}
