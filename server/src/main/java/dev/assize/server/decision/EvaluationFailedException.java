package dev.assize.server.decision;

/** The engine itself failed: a bug of ours, counted and alerted on. Whoever asked denies. */
public final class EvaluationFailedException extends RuntimeException {

    public EvaluationFailedException(Throwable cause) {
        super("the decision failed by an error of this server", cause);
    }
}
