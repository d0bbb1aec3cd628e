package dev.assize.server.ledger;

import dev.assize.server.model.Recorder;

/**
 * An entry before it has a place: what the frame will say beyond its position, link and time.
 *
 * @param type of the entry, frame field 8
 * @param body encoded frame fields numbered 16 and above, in ascending order; opaque to the ledger
 */
public record EntryDraft(Recorder recorder, String type, byte[] body) {}
