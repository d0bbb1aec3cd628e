package dev.assize.client;

/**
 * A pseudonym behind which the ledger has no name any more.
 *
 * @param recordedSeq the entry that says so
 */
public record ForgottenActor(String pseudonym, long recordedSeq) {}
