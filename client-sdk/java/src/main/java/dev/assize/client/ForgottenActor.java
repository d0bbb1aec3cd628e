package dev.assize.client;

/**
 * A pseudonym of which nobody can tell any more whose it was.
 *
 * @param recordedSeq the entry that says so
 */
public record ForgottenActor(String pseudonym, long recordedSeq) {}
