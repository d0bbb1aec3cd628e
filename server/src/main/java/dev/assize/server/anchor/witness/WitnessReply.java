package dev.assize.server.anchor.witness;

import dev.assize.server.ledger.note.WitnessLine;

/** What came of showing a checkpoint to a witness. */
public sealed interface WitnessReply {

    /** It has signed. */
    record Cosigned(WitnessLine line) implements WitnessReply {}

    /** The last checkpoint that it signed has another size than the proof begins at. */
    record Conflict(long size) implements WitnessReply {}

    /** It does not sign, or what it answers is not its signature. */
    record Refused(String reason) implements WitnessReply {}

    /** It was not reached, or did not answer in time. */
    record Unreached(String reason) implements WitnessReply {}
}
