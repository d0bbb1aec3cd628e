package dev.assize.server.policy.replay;

import dev.assize.server.model.Digest;
import dev.assize.server.model.Revision;

/**
 * What a ledger says of one change as a whole.
 *
 * @param seq where it says so
 * @param base the revision before
 * @param count documents created, replaced and deleted
 * @param policyDigest of the policy that results
 */
public record Manifest(
        long seq, Revision base, Revision revision, long count, Digest changeDigest, Digest policyDigest, String actor) {

    static Manifest of(long seq, Told told) throws ReplayException {
        return new Manifest(
                seq,
                told.revision("base"),
                told.revision("revision"),
                told.number("count"),
                told.digest("change_digest"),
                told.digest("policy_digest"),
                told.text("actor"));
    }
}
