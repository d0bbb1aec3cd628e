package dev.assize.client;

/** A subject, and the pseudonym that stands for it in a ledger. */
public record KnownActor(String pseudonym, String subject) {}
