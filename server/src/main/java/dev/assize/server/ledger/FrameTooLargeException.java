package dev.assize.server.ledger;

/** A draft whose frame would be over the limit; nothing was appended. */
public final class FrameTooLargeException extends DraftRefusedException {

    private final long frameBytes;

    FrameTooLargeException(long frameBytes) {
        super("the frame would have " + frameBytes + " bytes: expected at most " + Frame.MAX_BYTES);
        this.frameBytes = frameBytes;
    }

    /** How long the frame would have been. */
    public long frameBytes() {
        return frameBytes;
    }
}
