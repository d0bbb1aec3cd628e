package dev.assize.server.decision;

/** More questions about the past are waiting for their policy than this node takes on; the present is answered as ever. */
public final class PastBusyException extends RuntimeException {

    public PastBusyException(int waiting) {
        super(waiting + " questions about the past are waiting for their policy already");
    }
}
