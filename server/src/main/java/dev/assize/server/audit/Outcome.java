package dev.assize.server.audit;

import dev.assize.server.ledger.MalformedFrameException;

/** How what was done ended; the number is what frames hold. */
public enum Outcome {
    SUCCESS(1),
    FAILURE(2),
    DENIED(3),
    PARTIAL(4);

    private final int number;

    Outcome(int number) {
        this.number = number;
    }

    public int number() {
        return number;
    }

    /** The outcome a frame means. */
    public static Outcome ofNumber(int number) {
        return switch (number) {
            case 1 -> SUCCESS;
            case 2 -> FAILURE;
            case 3 -> DENIED;
            case 4 -> PARTIAL;
            default -> throw new MalformedFrameException("outcome " + number + " is unknown");
        };
    }
}
