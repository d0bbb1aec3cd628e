package dev.assize.server.anchor;

/** A proof was asked of a tree that there is not, or not yet; the message says which there is. */
public final class NoSuchTreeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public NoSuchTreeException(String message) {
        super(message);
    }
}
