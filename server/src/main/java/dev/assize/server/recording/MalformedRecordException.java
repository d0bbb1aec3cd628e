package dev.assize.server.recording;

/** Bytes that are not a decision's record. */
public final class MalformedRecordException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    MalformedRecordException(String message) {
        super(message);
    }
}
