package dev.assize.client;

import java.util.List;

/**
 * What rebuilding a policy from its ledger came to.
 *
 * @param equal whether it could be rebuilt, and what is stored is the same
 * @param revision that was rebuilt; with a fault, up to which the ledger tells it
 * @param policyDigest SHA-256 of the policy that was rebuilt; empty with a fault
 * @param drifts what is stored otherwise: the first of them
 * @param driftCount how many there are
 * @param fault why it could not be rebuilt; empty where it could
 */
public record PolicyReplay(
        boolean equal,
        long revision,
        byte[] policyDigest,
        long documents,
        long entries,
        List<Drift> drifts,
        long driftCount,
        String fault) {

    public PolicyReplay {
        policyDigest = policyDigest.clone();
        drifts = List.copyOf(drifts);
    }

    @Override
    public byte[] policyDigest() {
        return policyDigest.clone();
    }

    /**
     * Something that is stored otherwise than the ledger tells.
     *
     * @param kind empty where it is no document
     * @param told its YAML as the ledger tells it; empty where it does not, or where it is not shown
     * @param stored its YAML as it is stored; likewise
     */
    public record Drift(String kind, String name, String message, String told, String stored) {}
}
