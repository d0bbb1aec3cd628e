package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The signed checkpoint of a ledger with its place in the log of heads, whose own checkpoint is kept outside of the
 * database. Says nothing until {@link #verify} has been asked.
 *
 * @param checkpoint of the ledger
 * @param place proves that the text of the checkpoint is in the log of heads
 * @param keys whom the server names as those who sign; nobody has vouched for them
 */
public record LedgerHead(SignedNote checkpoint, TlogProof place, List<VerifierKey> keys) {

    public LedgerHead {
        keys = List.copyOf(keys);
    }

    /** What the checkpoint says, if one of these keys has signed it, and the log of heads has it. */
    public Checkpoint verify(Set<VerifierKey> trusted) throws NotProvenException {
        Checkpoint signed = verify(checkpoint, trusted);
        String deployment = LedgerName.parse(signed.origin()).deployment();
        require(place.extra().isEmpty(), "a place in the log of heads comes with nothing else");
        String heads = parse(place.checkpoint()).origin();
        LedgerName log = LedgerName.parse(heads);
        require(
                log.tenant().equals(LedgerName.HEADS) && log.deployment().equals(deployment),
                "`" + heads + "` is not the log of heads that `" + signed.origin() + "` belongs to");
        byte[] leaf = ChainVerifier.entryHash(checkpoint.text().getBytes(StandardCharsets.UTF_8));
        place.checkpoint().verify(trusted);
        Checkpoint _ = place.verify(leaf, new TrustPolicy(heads, ownKeys(deployment, trusted), Set.of(), 0));
        return signed;
    }

    /**
     * When witnesses have signed the checkpoint of the log of heads last, each by its key; those that have not are left out.
     * It is worth what {@link #verify} with the log's own keys is worth.
     *
     * @param witnesses that are known
     */
    public Map<VerifierKey, Instant> witnessed(Set<VerifierKey> witnesses) throws NotProvenException {
        Map<VerifierKey, Instant> times = new HashMap<>();
        for (SignedNote.VerifiedSignature signature : place.checkpoint().signaturesOf(witnesses)) {
            signature
                    .time()
                    .ifPresent(time ->
                            times.merge(signature.key(), time, (one, other) -> one.isAfter(other) ? one : other));
        }
        return times;
    }

    /**
     * What a ledger's checkpoint says, if one of these keys has signed it, and is a key of that ledger's deployment. A witness's
     * is none, whatever its name; it may be among them, and what it has signed is verified.
     */
    public static Checkpoint verify(SignedNote note, Set<VerifierKey> trusted) throws NotProvenException {
        Checkpoint claimed = parse(note);
        LedgerName name = LedgerName.parse(claimed.origin());
        require(!name.tenant().equals(LedgerName.HEADS), "`" + name + "` is the log of heads, and no ledger");
        List<VerifierKey> signers = note.verify(trusted).stream()
                .map(SignedNote.VerifiedSignature::key)
                .filter(key -> !key.isWitness())
                .toList();
        require(!signers.isEmpty(), "the checkpoint of `" + name + "` is signed by witnesses only");
        require(
                signers.stream().anyMatch(key -> key.name().equals(name.deployment())),
                "the checkpoint of `" + name + "` is signed by a key of another deployment");
        return claimed;
    }

    /** Three lines and no more: what C2SP allows behind them says nothing here. */
    private static Checkpoint parse(SignedNote note) throws NotProvenException {
        Checkpoint checkpoint = Checkpoint.parse(note.text());
        require(checkpoint.extensions().isEmpty(), "the checkpoint of a ledger has three lines");
        require(
                checkpoint.size() > 0 || MessageDigest.isEqual(checkpoint.root(), Sha256.of()),
                "a checkpoint of size 0 has the root of the empty tree");
        return checkpoint;
    }

    /** Those with which a deployment signs its logs: no witness's, and no other deployment's. */
    static Set<VerifierKey> ownKeys(String deployment, Set<VerifierKey> trusted) {
        return trusted.stream()
                .filter(key -> !key.isWitness() && key.name().equals(deployment))
                .collect(Collectors.toUnmodifiableSet());
    }
}
