package dev.assize.server.endpoint.call;

import com.google.inject.Inject;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.BreakGlass;
import dev.assize.server.authentication.Caller;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The door: lets a call in when its credential authenticates a caller that may use the RPC. */
public final class Admission {

    /** As W3C has it: neither id is all zeros, and there is no version ff. */
    private static final Pattern TRACE_CONTEXT =
            Pattern.compile("(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");

    private static final String SCHEME = "Bearer ";

    private final ApiKeys keys;
    private final BreakGlass breakGlass;

    @Inject
    public Admission(ApiKeys keys, BreakGlass breakGlass) {
        this.keys = keys;
        this.breakGlass = breakGlass;
    }

    /**
     * Lets one call in, or refuses it.
     *
     * @param rpc as `DecisionService/Check`: the RPC, or the one that the call stands for
     * @param limited whether the credential must name the RPC where it names any
     * @param authorization every value of that header
     * @param traceparent that header; null without one
     */
    public CallContext admit(String rpc, boolean limited, List<String> authorization, @Nullable String traceparent) {
        Caller caller = keys.authenticate(credential(authorization)).orElseThrow(Admission::unknown);
        if (limited && !caller.mayUse(rpc)) {
            throw RefusedException.of(
                    ErrorReason.RPC_NOT_ALLOWED, "the credential may not use `" + rpc + "`", Map.of("rpc", rpc));
        }
        if (caller.breakGlass() && !breakGlass.use(caller, rpc)) {
            throw unknown();
        }
        return new CallContext(caller, rpc, traceContext(traceparent));
    }

    /** What is not of its form is nobody's trace. */
    private static @Nullable String traceContext(@Nullable String value) {
        return value != null && isTraceContext(value) ? value : null;
    }

    /** Whether a text has the form of a W3C `traceparent`. */
    public static boolean isTraceContext(String text) {
        return TRACE_CONTEXT.matcher(text).matches();
    }

    /** The one credential of a call: of several, none is believed. */
    private static String credential(List<String> authorization) {
        if (authorization.isEmpty()) {
            throw RefusedException.of(
                    ErrorReason.CREDENTIALS_MISSING,
                    "no credential: expected metadata `authorization: Bearer asz_<id>_<secret>`",
                    Map.of());
        }
        String value = authorization.getFirst();
        if (authorization.size() > 1 || !value.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            throw RefusedException.of(
                    ErrorReason.CREDENTIALS_INVALID,
                    "malformed metadata: expected one `authorization: Bearer asz_<id>_<secret>`",
                    Map.of());
        }
        return value.substring(SCHEME.length()).strip();
    }

    private static RefusedException unknown() {
        return RefusedException.of(
                ErrorReason.CREDENTIALS_INVALID, "the credential is unknown, expired or revoked", Map.of());
    }
}
