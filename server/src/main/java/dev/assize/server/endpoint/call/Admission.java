package dev.assize.server.endpoint.call;

import com.google.inject.Inject;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.BreakGlass;
import dev.assize.server.authentication.Caller;
import dev.assize.server.model.Digest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The door: lets a call in when its credential authenticates a caller that may use the RPC. */
public final class Admission {

    /** Of a `traceparent`, as W3C has it: version, trace, parent and flags in hexadecimal digits. */
    private static final int[] TRACE_PARTS = {2, 32, 16, 2};

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

    /**
     * Lets a call in at once by what is remembered of its credential, as {@link #admit} would. Null where that has to say
     * more: the credential is not known here at this moment, may not use the RPC, is limited to environments, or is for
     * emergencies. It has no effect; whoever goes on with it says so to {@link #recalled}.
     *
     * @param authorization the only value of that header
     * @param presented by the same connection before
     */
    public @Nullable CallContext recall(
            String rpc, String authorization, @Nullable String traceparent, Presented presented) {
        byte[] header = authorization.getBytes(StandardCharsets.UTF_8);
        Digest known = presented.digestOf(header);
        Digest digest = known == null ? digest(authorization) : known;
        if (digest == null) {
            return null;
        }
        Caller caller = keys.recall(digest);
        if (caller == null || !caller.mayUse(rpc) || !caller.envs().isEmpty()) {
            return null;
        }
        if (known == null) {
            presented.remember(header, digest);
        }
        return new CallContext(caller, rpc, traceContext(traceparent));
    }

    private static @Nullable Digest digest(String authorization) {
        return hasScheme(authorization) ? ApiKeys.digest(afterScheme(authorization)) : null;
    }

    /** A call that was let in by what was recalled has been answered. */
    public void recalled() {
        keys.recalled();
    }

    /** What is not of its form is nobody's trace. */
    private static @Nullable String traceContext(@Nullable String value) {
        return value != null && isTraceContext(value) ? value : null;
    }

    /** Whether a text has the form of a W3C `traceparent`: neither id is all zeros, and there is no version ff. */
    public static boolean isTraceContext(String text) {
        int at = 0;
        for (int length : TRACE_PARTS) {
            if (at > 0 && (at >= text.length() || text.charAt(at++) != '-')) {
                return false;
            }
            boolean isId = length > 2;
            if (at + length > text.length() || !isHex(text, at, length) || (isId && isZeros(text, at, length))) {
                return false;
            }
            at += length;
        }
        return at == text.length() && !text.startsWith("ff");
    }

    private static boolean isHex(String text, int from, int length) {
        for (int i = from; i < from + length; i++) {
            char digit = text.charAt(i);
            if ((digit < '0' || digit > '9') && (digit < 'a' || digit > 'f')) {
                return false;
            }
        }
        return true;
    }

    private static boolean isZeros(String text, int from, int length) {
        for (int i = from; i < from + length; i++) {
            if (text.charAt(i) != '0') {
                return false;
            }
        }
        return true;
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
        if (authorization.size() > 1 || !hasScheme(value)) {
            throw RefusedException.of(
                    ErrorReason.CREDENTIALS_INVALID,
                    "malformed metadata: expected one `authorization: Bearer asz_<id>_<secret>`",
                    Map.of());
        }
        return afterScheme(value);
    }

    private static boolean hasScheme(String authorization) {
        return authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
    }

    private static String afterScheme(String authorization) {
        return authorization.substring(SCHEME.length()).strip();
    }

    private static RefusedException unknown() {
        return RefusedException.of(
                ErrorReason.CREDENTIALS_INVALID, "the credential is unknown, expired or revoked", Map.of());
    }
}
