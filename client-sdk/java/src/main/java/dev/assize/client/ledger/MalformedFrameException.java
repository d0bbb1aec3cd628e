package dev.assize.client.ledger;

/** Bytes that are not a frame of version 1. */
public final class MalformedFrameException extends Exception {

    private static final long serialVersionUID = 1;

    MalformedFrameException(String message) {
        super(message);
    }
}
