package dev.assize.server.decision;

/** What a decision needs to know, of history or approvals, is not to be had here: the question is for where policy is kept. */
public final class FactsElsewhereException extends RuntimeException {

    public FactsElsewhereException() {
        super("history and approvals are not known here", null, false, false);
    }
}
