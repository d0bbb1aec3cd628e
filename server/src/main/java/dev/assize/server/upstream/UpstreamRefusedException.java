package dev.assize.server.upstream;

/** The centre does not serve this sidecar as it is configured, and would not later; the message tells the operator why. */
public final class UpstreamRefusedException extends RuntimeException {

    public UpstreamRefusedException(String message) {
        super(message);
    }

    public UpstreamRefusedException(String message, Throwable cause) {
        super(message, cause);
    }
}
