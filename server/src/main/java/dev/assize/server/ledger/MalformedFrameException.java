package dev.assize.server.ledger;

/** Bytes that are not a frame of a version this server knows. */
public final class MalformedFrameException extends RuntimeException {

    public MalformedFrameException(String message) {
        super(message);
    }
}
