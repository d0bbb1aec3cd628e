package dev.assize.server.policy.replay;

import dev.assize.server.model.Digest;
import dev.assize.server.model.Revision;
import java.util.List;

/**
 * What a ledger says of one change as a whole.
 *
 * @param seq where it says so
 * @param base the revision before
 * @param count documents created, replaced and deleted
 * @param policyDigest of the policy that results
 * @param origin what made it; empty in manifests from before that was written
 * @param proposal that was accepted; empty where it was none
 * @param approvers who accepted it
 */
public record Manifest(
        long seq,
        Revision base,
        Revision revision,
        long count,
        Digest changeDigest,
        Digest policyDigest,
        String actor,
        String origin,
        String proposal,
        List<String> approvers) {

    public Manifest {
        approvers = List.copyOf(approvers);
    }

    /** Reads the payload of an entry of type {@link PolicyEntry#MANIFEST}. */
    public static Manifest of(PolicyEntry entry) throws ReplayException {
        return of(entry.seq(), Told.of(entry));
    }

    static Manifest of(long seq, Told told) throws ReplayException {
        return new Manifest(
                seq,
                told.revision("base"),
                told.revision("revision"),
                told.number("count"),
                told.digest("change_digest"),
                told.digest("policy_digest"),
                told.text("actor"),
                told.textOrEmpty("origin"),
                told.textOrEmpty("proposal"),
                told.textsOrNone("approvers"));
    }
}
