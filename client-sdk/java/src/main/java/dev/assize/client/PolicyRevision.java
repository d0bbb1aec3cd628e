package dev.assize.client;

import java.time.Instant;
import java.util.List;

/**
 * One accepted change of a policy.
 *
 * @param actor the caller that made it
 * @param reason why; empty where nobody said
 * @param origin what made it, as `apply` or `grant`; empty where its entry has been pruned
 * @param proposal that was accepted; empty where it was none
 * @param approvers who accepted it
 * @param changeCount documents created, replaced and deleted
 * @param policyDigest SHA-256 of the policy that resulted
 * @param seq of its manifest in the ledger
 */
public record PolicyRevision(
        long revision,
        Instant committedAt,
        String actor,
        String reason,
        String origin,
        String proposal,
        List<String> approvers,
        int changeCount,
        byte[] policyDigest,
        long seq) {

    public PolicyRevision {
        approvers = List.copyOf(approvers);
        policyDigest = policyDigest.clone();
    }

    @Override
    public byte[] policyDigest() {
        return policyDigest.clone();
    }
}
