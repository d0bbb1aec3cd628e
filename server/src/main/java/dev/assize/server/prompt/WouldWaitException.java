package dev.assize.server.prompt;

/** Prompt work would have to wait: no failure, but the sign to begin it anew elsewhere. Thrown often, hence without a trace. */
public final class WouldWaitException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    WouldWaitException() {
        super("this work would have to wait", null, false, false);
    }
}
