package dev.assize.server.audit;

/** When whoever appends wants its answer. */
public enum Acknowledgement {
    /** When the events are in the ledger. */
    IN_LEDGER,
    /** When they are on the disk of a sidecar, which forwards them. */
    SPOOLED
}
