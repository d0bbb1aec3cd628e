package dev.assize.server.decision.compile;

/** A policy whose graph would be out of all proportion to its documents; to be refused when it is written. */
public final class PolicyTooLargeException extends RuntimeException {

    PolicyTooLargeException(int maxCells) {
        super("types, actions and environments multiply to more than " + maxCells + " cells");
    }
}
