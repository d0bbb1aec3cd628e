package dev.assize.client;

/**
 * Where events stand in the spool of a sidecar, until they are in the ledger.
 *
 * @param spoolId the spool's own name
 * @param number from 1, each append one more than the one before
 */
public record SpoolPosition(String spoolId, long number) {}
