package dev.assize.client.ledger;

import static dev.assize.client.ledger.NotProvenException.require;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which entries of a ledger a bundle holds, and what ties them to its checkpoint: those that were pruned together, or
 * those that are left. Says nothing until the entries are hashed.
 *
 * @param from the first position, a multiple of 256
 * @param to the position behind the last
 * @param prevHash the hash of the entry before the first; where there is none, what the first one must contain
 * @param proof shows the checkpoint's tree to continue that of the first {@code to} entries (RFC 6962, 2.1.2)
 */
public record LedgerPart(long from, long to, byte[] prevHash, List<byte[]> proof) {

    private static final String TITLE = "assize ledger part v1";
    private static final Pattern TEXT = Pattern.compile(
            TITLE + "\nfrom ([0-9]+)\nto ([0-9]+)\nprev ([0-9a-f]{64})\n((?:proof [0-9a-f]{64}\n){0,126})");

    public LedgerPart {
        prevHash = prevHash.clone();
        proof = proof.stream().map(byte[]::clone).toList();
    }

    @Override
    public byte[] prevHash() {
        return prevHash.clone();
    }

    /** Reads the text of such a part. */
    static LedgerPart parse(byte[] text) throws NotProvenException {
        Matcher matcher = TEXT.matcher(Evidence.utf8(text));
        require(matcher.matches(), "`" + LedgerBundle.PART + "` does not say which part of the ledger this is");
        List<byte[]> proof = new ArrayList<>();
        for (String line : matcher.group(4).lines().toList()) {
            proof.add(HexFormat.of().parseHex(line.substring("proof ".length())));
        }
        LedgerPart part = new LedgerPart(
                Evidence.decimal(matcher.group(1)),
                Evidence.decimal(matcher.group(2)),
                HexFormat.of().parseHex(matcher.group(3)),
                proof);
        part.requirePlace();
        return part;
    }

    void requirePlace() throws NotProvenException {
        require(
                from < to && from % TileTree.TILE_HASHES == 0 && prevHash.length == Sha256.BYTES,
                "no part of a ledger goes from " + from + " to " + to);
    }

    /** One line each, as {@link #parse} reads them. */
    byte[] text() {
        StringBuilder text =
                new StringBuilder(TITLE + "\nfrom " + from + "\nto " + to + "\nprev " + hex(prevHash) + "\n");
        proof.forEach(hash -> text.append("proof ").append(hex(hash)).append('\n'));
        return text.toString().getBytes(StandardCharsets.US_ASCII);
    }

    /** A verifier of the chain from the first entry on. */
    ChainVerifier chain(String origin) throws NotProvenException {
        if (from > 0) {
            return ChainVerifier.startingAfter(origin, from - 1, prevHash);
        }
        ChainVerifier chain = ChainVerifier.fromTheBeginning(origin);
        require(chain.endsAt(-1, prevHash).isEmpty(), "the part does not begin where the ledger does");
        return chain;
    }

    /** Requires the first {@code to} entries, whose tree has that root, to be those of the checkpoint. */
    void requireCovered(byte[] root, Checkpoint checkpoint) throws NotProvenException {
        MerkleProof.requireConsistency(to, root, checkpoint.size(), checkpoint.root(), proof);
    }

    private static String hex(byte[] hash) {
        return HexFormat.of().formatHex(hash);
    }
}
