package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.util.Set;

/**
 * An entry that stands in a ledger.
 *
 * @param checkpoint that says so
 */
public record ProvenEntry(Frame frame, Checkpoint checkpoint) {

    /**
     * Verifies that an entry stands where a proof says.
     *
     * @param frame the exact bytes of the entry
     * @param trusted keys of which one must have signed the checkpoint
     */
    public static ProvenEntry of(TlogProof proof, byte[] frame, Set<VerifierKey> trusted) throws NotProvenException {
        Checkpoint signed = LedgerHead.verify(proof.checkpoint(), trusted);
        LedgerName name = LedgerName.parse(signed.origin());
        Set<VerifierKey> own = LedgerHead.ownKeys(name.deployment(), trusted);
        Checkpoint checkpoint =
                proof.verify(ChainVerifier.entryHash(frame), new TrustPolicy(signed.origin(), own, Set.of(), 0));
        Frame read;
        try {
            read = FrameReader.read(frame);
        } catch (MalformedFrameException e) {
            throw new NotProvenException(
                    proof.index(), "entry " + proof.index() + " cannot be read: " + e.getMessage());
        }
        require(
                proof.index(),
                read.seq() == proof.index()
                        && read.origin().equals(name.origin())
                        && read.incarnation() <= name.incarnation(),
                "the entry calls itself " + read.seq() + " of `" + read.origin() + "`, and stands at " + proof.index()
                        + " of `" + name + "`");
        return new ProvenEntry(read, checkpoint);
    }
}
