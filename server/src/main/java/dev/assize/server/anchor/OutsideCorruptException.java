package dev.assize.server.anchor;

/** What stands outside is not what this deployment can have put there. */
public final class OutsideCorruptException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public OutsideCorruptException(String message) {
        super(message);
    }
}
