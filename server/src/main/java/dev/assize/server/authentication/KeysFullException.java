package dev.assize.server.authentication;

/** A tenant has as many valid keys as it may have. */
public final class KeysFullException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final int most;

    public KeysFullException(int most) {
        super("The tenant has " + most + " valid keys, which is as many as it may have");
        this.most = most;
    }

    /** How many it may have. */
    public int most() {
        return most;
    }
}
