package dev.assize.server.endpoint.envoy;

/** A request that comes to no question, and is denied. Carries no stack: it is an answer, not a fault. */
final class NotAskedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final Refusal refusal;

    /** @param detail for whoever operates Envoy; its clients are not told */
    NotAskedException(Refusal refusal, String detail) {
        super(detail, null, false, false);
        this.refusal = refusal;
    }

    Refusal refusal() {
        return refusal;
    }

    String detail() {
        return String.valueOf(getMessage());
    }
}
