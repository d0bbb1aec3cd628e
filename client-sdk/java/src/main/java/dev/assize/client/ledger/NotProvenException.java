package dev.assize.client.ledger;

/** A claim about a ledger that its evidence does not bear out, or evidence that cannot be read. Do not trust it. */
public final class NotProvenException extends Exception {

    private static final long serialVersionUID = 1;

    public NotProvenException(String message) {
        super(message);
    }

    static void require(boolean holds, String otherwise) throws NotProvenException {
        if (!holds) {
            throw new NotProvenException(otherwise);
        }
    }
}
