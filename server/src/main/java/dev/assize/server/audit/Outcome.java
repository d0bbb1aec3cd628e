package dev.assize.server.audit;

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
}
