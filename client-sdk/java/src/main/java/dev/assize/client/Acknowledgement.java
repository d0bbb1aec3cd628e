package dev.assize.client;

/** When an append is answered. */
public enum Acknowledgement {

    /** When the events are in the ledger, for good. */
    IN_LEDGER,

    /**
     * When they are on the disk of the sidecar that is asked, for good; it forwards them to the ledger in the order in which they
     * came. A server that is no sidecar answers when they are in the ledger, and so does a sidecar where a separation of duty
     * has to know of the action.
     */
    SPOOLED
}
