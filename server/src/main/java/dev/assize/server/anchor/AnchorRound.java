package dev.assize.server.anchor;

import dev.assize.server.anchor.AnchorRepository.GrownTree;
import dev.assize.server.anchor.AnchorRepository.MetaSize;
import dev.assize.server.anchor.AnchorRepository.PresentHead;
import dev.assize.server.anchor.AnchorRepository.Publication;
import dev.assize.server.anchor.AnchorRepository.PublishedCheckpoint;
import dev.assize.server.anchor.AnchorRepository.Round;
import dev.assize.server.anchor.AnchorRepository.SignedTree;
import dev.assize.server.anchor.AnchorRepository.Span;
import dev.assize.server.anchor.AnchorRepository.Unsigned;
import dev.assize.server.anchor.LedgerGrowth.State;
import dev.assize.server.ledger.Frame;
import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.ledger.merkle.Prover;
import dev.assize.server.ledger.merkle.Tile;
import dev.assize.server.ledger.merkle.TileMismatchException;
import dev.assize.server.ledger.merkle.TreeGrowth;
import dev.assize.server.ledger.merkle.TreeHash;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One round of signing, within one transaction of the database:
 *
 * <ol>
 *   <li>what the outside copy has and the database has not, because a node stopped in between, is completed;
 *   <li>the new entries of every ledger are read back and hashed anew, from the tree last published, and on the way the
 *       tree must have the root that is kept outside;
 *   <li>the heads are put outside, by compare-and-swap;
 *   <li>only then are they published here.
 * </ol>
 *
 * A ledger of which anything does not fit is not signed; it is named in the result.
 */
final class AnchorRound {

    private final Round round;
    private final Outside outside;
    private final CheckpointSigner signer;
    private final TreeCache cache;
    private final AnchorConfig config;
    private final String deployment;
    private final Instant now;

    private final Map<TenantId, String> faults = new TreeMap<>();

    AnchorRound(
            Round round,
            Outside outside,
            CheckpointSigner signer,
            TreeCache cache,
            AnchorConfig config,
            String deployment,
            Instant now) {
        this.round = round;
        this.outside = outside;
        this.signer = signer;
        this.cache = cache;
        this.config = config;
        this.deployment = deployment;
        this.now = now;
    }

    /**
     * Signs what is to be signed.
     *
     * @return empty where another node has changed the outside copy meanwhile; nothing was published then
     */
    Optional<Outcome> sign(OutsideCopy copy) {
        Map<TenantId, LedgerGrowth> growths = grow(copy);
        Map<TenantId, List<Tile>> tiles = new HashMap<>();
        growths.forEach((tenant, growth) -> tiles.put(tenant, fullTiles(tenant, growth)));
        growths.values().removeIf(growth -> growth.fault() != null || !growth.hasPassedOutside());
        List<SignedHead> heads =
                growths.values().stream().map(LedgerGrowth::head).toList();
        MetaSize meta = round.metaSize();
        List<SignedHead> missing = missing(copy, meta);
        if (heads.isEmpty() && missing.isEmpty()) {
            return Optional.of(new Outcome(copy, 0, 0, faults));
        }
        Optional<OutsideCopy> advanced = heads.isEmpty() ? Optional.of(copy) : outside.advance(deployment, copy, heads);
        if (advanced.isEmpty()) {
            return Optional.empty();
        }
        publish(copy, advanced.get(), meta, missing, growths, tiles);
        growths.forEach((tenant, growth) -> cache.put(tenant, growth.state()));
        long entries = growths.values().stream().mapToLong(LedgerGrowth::size).sum();
        return Optional.of(new Outcome(advanced.get(), heads.size(), entries, faults));
    }

    /** Reads the new entries of as many ledgers as a round signs. */
    private Map<TenantId, LedgerGrowth> grow(OutsideCopy copy) {
        Map<TenantId, LedgerGrowth> growths = new LinkedHashMap<>();
        List<Span> spans = new ArrayList<>();
        List<Unsigned> all = round.unsigned(config.roundLedgers());
        long share = Math.max(1, config.roundEntries() / Math.max(1, all.size()));
        for (Unsigned ledger : all) {
            LedgerGrowth growth = begin(copy, ledger);
            if (growth != null) {
                growths.put(ledger.tenant(), growth);
                spans.add(new Span(ledger.tenant(), growth.size(), end(copy, ledger, growth.size() + share)));
            }
        }
        round.entries(spans, (tenant, seq, frame, hash) -> {
            LedgerGrowth growth = growths.get(tenant);
            if (growth != null) {
                growth.accept(seq, frame, hash);
            }
        });
        spans.forEach(span -> finish(span, growths));
        return growths;
    }

    /** At least as far as it was signed before; else as far as its share of the round goes. */
    private static long end(OutsideCopy copy, Unsigned ledger, long share) {
        SignedHead signed = copy.heads().get(ledger.tenant());
        long signedSize = signed == null || signed.incarnation() != ledger.incarnation() ? 0 : signed.size();
        return Math.min(ledger.size(), Math.max(share, signedSize));
    }

    private void finish(Span span, Map<TenantId, LedgerGrowth> growths) {
        LedgerGrowth growth = growths.get(span.tenant());
        if (growth == null) {
            return;
        }
        String fault = growth.fault();
        if (fault == null && growth.size() < span.toSeq()) {
            fault = "entry " + growth.size() + " is missing, and the head is behind it";
        }
        if (fault != null) {
            faults.put(span.tenant(), fault);
            growths.remove(span.tenant());
        }
    }

    /** Where a ledger's tree begins to grow; null where it may not be signed. */
    private @Nullable LedgerGrowth begin(OutsideCopy copy, Unsigned ledger) {
        TenantId tenant = ledger.tenant();
        SignedHead signed = copy.heads().get(tenant);
        int known = signed == null ? 1 : signed.incarnation();
        if (ledger.incarnation() > known) {
            faults.put(tenant, "incarnation " + ledger.incarnation() + " was never begun: outside it is " + known);
            return null;
        }
        if (signed != null && (ledger.incarnation() < known || ledger.size() < signed.size())) {
            // Nothing is appended to it either; what is left of it stays as it is.
            return null;
        }
        SignedHead same = signed != null && signed.incarnation() == ledger.incarnation() ? signed : null;
        if (ledger.publishedIncarnation() == known && same != null && ledger.publishedSize() > same.size()) {
            faults.put(tenant, "checkpoint " + ledger.publishedSize() + " was published and is not kept outside");
            return null;
        }
        String origin = deployment + "/" + tenant;
        State state = published(ledger);
        if (state == null) {
            return null;
        }
        LedgerGrowth growth = new LedgerGrowth(tenant, origin, state, same);
        if (growth.fault() != null) {
            faults.put(tenant, String.valueOf(growth.fault()));
            return null;
        }
        return growth;
    }

    /** The tree as it was last published: from memory, or read back and held to its last entry. */
    private @Nullable State published(Unsigned ledger) {
        if (ledger.publishedIncarnation() != ledger.incarnation() || ledger.publishedSize() == 0) {
            return State.empty(ledger.incarnation());
        }
        Optional<State> kept = cache.get(ledger.tenant(), ledger.incarnation(), ledger.publishedSize());
        return kept.isPresent() ? kept.get() : readBack(ledger);
    }

    /**
     * The right edge before the last entry comes from tiles; the last entry is hashed anew. Whether both are what was
     * signed shows in the root, then or on the way to what is kept outside.
     */
    private @Nullable State readBack(Unsigned ledger) {
        TenantId tenant = ledger.tenant();
        long size = ledger.publishedSize();
        List<Digest> last = new ArrayList<>();
        round.entries(List.of(new Span(tenant, size - 1, size)), (_, _, frame, _) -> last.add(Frame.hash(frame)));
        if (last.size() != 1) {
            faults.put(tenant, "entry " + (size - 1) + " was signed and is missing");
            return null;
        }
        try {
            Frontier tree = new Prover(round.tiles(tenant.value(), ledger.incarnation())).frontier(size - 1);
            tree.append(last.getFirst().bytes());
            return new State(ledger.incarnation(), tree, last.getFirst());
        } catch (TileMismatchException e) {
            faults.put(tenant, String.valueOf(e.getMessage()));
            return null;
        }
    }

    private List<Tile> fullTiles(TenantId tenant, LedgerGrowth growth) {
        List<Tile> tiles =
                growth.fullTiles(round.tiles(tenant.value(), growth.head().incarnation()));
        if (growth.fault() != null) {
            faults.put(tenant, String.valueOf(growth.fault()));
        }
        return tiles;
    }

    /** Leaves that were put outside, after which the node stopped. */
    private List<SignedHead> missing(OutsideCopy copy, MetaSize meta) {
        requireSameLog(copy, meta);
        long from = meta.incarnation() == copy.incarnation() ? meta.size() : 0;
        return outside.leaves(copy, from).orElseThrow(() -> new LostLeavesException(from, copy.size())).stream()
                .map(text -> SignedHead.parse(deployment, text))
                .toList();
    }

    /** As far as the database has the log of heads it is the one outside, which is never the shorter one. */
    private static void requireSameLog(OutsideCopy copy, MetaSize meta) {
        if (meta.incarnation() > copy.incarnation()
                || (meta.incarnation() == copy.incarnation() && meta.size() > copy.size())) {
            throw new OutsideCorruptException("the log of heads has " + meta.size() + " leaves here and " + copy.size()
                    + " outside: somebody has put an older copy there");
        }
        if (meta.incarnation() == copy.incarnation()
                && meta.size() == copy.size()
                && !meta.root().equals(copy.root())) {
            throw changedHeads();
        }
    }

    private static OutsideCorruptException changedHeads() {
        return new OutsideCorruptException(
                "the log of heads in the database is not the one that is kept outside: somebody has changed it");
    }

    private void publish(
            OutsideCopy before,
            OutsideCopy after,
            MetaSize meta,
            List<SignedHead> missing,
            Map<TenantId, LedgerGrowth> growths,
            Map<TenantId, List<Tile>> tiles) {
        List<SignedTree> trees = new ArrayList<>();
        List<GrownTree> grown = new ArrayList<>();
        List<SignedHead> leaves = new ArrayList<>(missing);
        long index = before.size();
        for (Map.Entry<TenantId, LedgerGrowth> entry : growths.entrySet()) {
            SignedHead head = entry.getValue().head();
            trees.add(new SignedTree(head, signer.sign(deployment, head.text(deployment)), index++));
            leaves.add(head);
            List<Tile> full = tiles.getOrDefault(entry.getKey(), List.of());
            if (!full.isEmpty()) {
                grown.add(new GrownTree(head.tenant().value(), head.incarnation(), full));
            }
        }
        long from = meta.incarnation() == after.incarnation() ? meta.size() : 0;
        List<Tile> metaTiles = metaTiles(after, from, leaves);
        if (!metaTiles.isEmpty()) {
            grown.add(new GrownTree(OutsideCopy.META, after.incarnation(), metaTiles));
        }
        round.publish(new Publication(
                trees,
                grown,
                from,
                leaves,
                new PublishedCheckpoint(after.incarnation(), after.size(), after.root(), after.note(), now)));
    }

    private List<Tile> metaTiles(OutsideCopy after, long from, List<SignedHead> leaves) {
        var source = round.tiles(OutsideCopy.META, after.incarnation());
        TreeGrowth growth = new TreeGrowth(new Prover(source).frontier(from));
        TreeHash hash = new TreeHash();
        leaves.forEach(leaf -> growth.append(hash.leaf(leaf.text(deployment).getBytes(StandardCharsets.UTF_8))));
        if (!Digest.of(growth.frontier().root()).equals(after.root())) {
            throw changedHeads();
        }
        return growth.fullTiles(source);
    }

    /** Looks at every ledger there is, in the database and outside. */
    static Sweep sweep(Round round, OutsideCopy copy) {
        requireSameLog(copy, round.metaSize());
        Map<TenantId, PresentHead> present = new HashMap<>();
        round.heads().forEach(head -> present.put(head.tenant(), head));
        Map<TenantId, String> behind = new TreeMap<>();
        Map<TenantId, String> forged = new TreeMap<>();
        copy.heads().forEach((tenant, signed) -> {
            PresentHead head = present.getOrDefault(tenant, new PresentHead(tenant, 1, 0, null));
            if (AnchorView.isBehind(head.incarnation(), head.size(), signed)) {
                behind.put(tenant, AnchorView.behind(tenant, head.incarnation(), head.size(), signed));
            }
        });
        present.forEach((tenant, head) -> {
            if (head.published() != null
                    && isForged(head.published(), copy.heads().get(tenant))) {
                forged.put(
                        tenant,
                        "its checkpoint of " + head.published().size() + " entries is not one that is kept outside");
            }
        });
        return new Sweep(behind, forged);
    }

    /** A checkpoint is kept outside before it is published, so what is published is not beyond what is kept. */
    private static boolean isForged(SignedHead published, @Nullable SignedHead signed) {
        return signed == null
                || signed.isBehind(published)
                || (signed.incarnation() == published.incarnation()
                        && signed.size() == published.size()
                        && !signed.root().equals(published.root()));
    }

    /**
     * What a look at all ledgers found, one sentence each.
     *
     * @param behind ledgers that have lost entries which were signed
     * @param forged ledgers with a checkpoint that was not kept outside
     */
    record Sweep(Map<TenantId, String> behind, Map<TenantId, String> forged) {}

    /**
     * What a round did.
     *
     * @param copy the outside copy as it stands now
     * @param ledgers signed
     * @param entries that the signed trees have
     * @param faults what does not fit, by ledger
     */
    record Outcome(OutsideCopy copy, int ledgers, long entries, Map<TenantId, String> faults) {}
}
