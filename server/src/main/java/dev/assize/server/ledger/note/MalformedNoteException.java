package dev.assize.server.ledger.note;

/** Text that is not a note, a checkpoint or a key as their specifications have them. */
public final class MalformedNoteException extends RuntimeException {

    private static final long serialVersionUID = 1;

    MalformedNoteException(String message) {
        super(message);
    }
}
