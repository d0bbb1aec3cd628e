package dev.assize.client.ledger;

/**
 * A decision that is on record.
 *
 * @param entry that vouches for it
 */
public record ProvenDecision(DecisionRecord record, ProvenEntry entry) {}
