package dev.assize.server.upstream;

import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySum;
import java.util.Set;

/**
 * A state of a tenant's policy that was taken: whole, and with the digests that its ledger holds.
 *
 * @param sum what the tenant's documents add up to
 * @param platformSum what the platform's do
 * @param mark its name
 * @param before the one that it was made from, by its policy; the same as its own where it was made from nothing
 * @param changed every document that is not in both
 */
record Followed(
        PolicySnapshot policy,
        PolicySum sum,
        PolicySum platformSum,
        Mark mark,
        PolicySnapshot before,
        Set<DocumentKey> changed) {}
