package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.time.Instant;
import java.util.List;
import java.util.Set;

/**
 * Whose word counts for a log: its own key, and as many witnesses as one wants to have heard.
 *
 * @param origin of the log
 * @param logKeys of which one must have signed
 * @param witnesses that are known
 * @param quorum how many of them must have cosigned
 */
public record TrustPolicy(String origin, Set<VerifierKey> logKeys, Set<VerifierKey> witnesses, int quorum) {

    public TrustPolicy {
        logKeys = Set.copyOf(logKeys);
        witnesses = Set.copyOf(witnesses);
        if (logKeys.stream().anyMatch(VerifierKey::isWitness)
                || !witnesses.stream().allMatch(VerifierKey::isWitness)
                || quorum < 0
                || quorum > witnesses.size()) {
            throw new IllegalArgumentException("log keys that sign notes, and a quorum of witnesses");
        }
    }

    /** Trust in the log's own keys. */
    public static TrustPolicy of(String origin, VerifierKey... logKeys) {
        return new TrustPolicy(origin, Set.of(logKeys), Set.of(), 0);
    }

    /**
     * The same, if as many witnesses as are asked for have signed it at that moment or later. A checkpoint itself tells no
     * time: without witnesses an old one may be shown for ever, so none is accepted then.
     *
     * @param notBefore such as an hour ago; take more than witnesses need to sign a log anew that does not grow
     */
    public Checkpoint accept(SignedNote note, Instant notBefore) throws NotProvenException {
        require(quorum > 0, "no witness is asked for, and nobody else says when a checkpoint was the newest");
        Checkpoint checkpoint = accept(note);
        long fresh = note.verify(witnesses).stream()
                .filter(signature -> signature
                        .time()
                        .filter(time -> !time.isBefore(notBefore))
                        .isPresent())
                .map(SignedNote.VerifiedSignature::key)
                .distinct()
                .count();
        require(fresh >= quorum, fresh + " known witnesses have signed it since " + notBefore + ", not " + quorum);
        return checkpoint;
    }

    /** What a checkpoint says, if it can be trusted. */
    public Checkpoint accept(SignedNote note) throws NotProvenException {
        note.verify(logKeys);
        Checkpoint checkpoint = Checkpoint.parse(note.text());
        require(checkpoint.origin().equals(origin), "the log is `" + checkpoint.origin() + "`, not `" + origin + "`");
        if (quorum > 0) {
            List<SignedNote.VerifiedSignature> cosignatures = note.verify(witnesses);
            long heard = cosignatures.stream()
                    .map(SignedNote.VerifiedSignature::key)
                    .distinct()
                    .count();
            require(heard >= quorum, heard + " known witnesses, not " + quorum);
        }
        return checkpoint;
    }
}
