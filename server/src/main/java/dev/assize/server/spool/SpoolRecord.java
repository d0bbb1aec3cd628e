package dev.assize.server.spool;

import dev.assize.server.model.Digest;
import java.time.Instant;

/**
 * A record of a queue.
 *
 * @param number from 1, each one more than the one before
 * @param takenAt microseconds
 * @param hash over the record before it, and itself
 * @param payload as it was given
 */
public record SpoolRecord(long number, Instant takenAt, Digest hash, byte[] payload) {}
