package dev.assize.server.policy;

/**
 * Which of a tenant's decisions go on record, and whether an answer waits for that.
 *
 * @param acknowledge says nothing where no decision goes on record
 */
public record DecisionLog(Mode mode, Acknowledge acknowledge) {

    /** What a tenant has that says nothing. */
    public static final DecisionLog NONE = new DecisionLog(Mode.NONE, Acknowledge.BEFORE);

    /** Which decisions. */
    public enum Mode {
        NONE,
        DENIES,
        ALL
    }

    /** When a decision is on record. */
    public enum Acknowledge {
        /** Before it is answered: an answer that was given survives everything that the ledger does. */
        BEFORE,
        /** A moment later: what a node has answered within that moment is lost with the node. */
        AFTER
    }

    public DecisionLog {
        if (mode == Mode.NONE) {
            acknowledge = Acknowledge.BEFORE;
        }
    }

    /** Whether a decision goes on record. */
    public boolean covers(boolean allowed) {
        return switch (mode) {
            case NONE -> false;
            case DENIES -> !allowed;
            case ALL -> true;
        };
    }
}
