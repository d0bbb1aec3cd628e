package dev.assize.server.ledger;

import dev.assize.server.model.Digest;
import java.time.Instant;

/** Where an entry stands: its position from 0, its hash, and when it was recorded (microseconds). */
public record Receipt(long seq, Digest entryHash, Instant recordedAt) {}
