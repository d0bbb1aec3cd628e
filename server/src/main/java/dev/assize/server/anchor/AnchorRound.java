package dev.assize.server.anchor;

import dev.assize.server.anchor.AnchorRepository.GrownTree;
import dev.assize.server.anchor.AnchorRepository.MetaSize;
import dev.assize.server.anchor.AnchorRepository.PresentHead;
import dev.assize.server.anchor.AnchorRepository.PrunedRow;
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
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One round of signing, within one transaction of the database:
 *
 * <ol>
 *   <li>what the outside copy has and the database has not, because a node stopped in between, is completed; where an
 *       old dump has lost leaves that nobody has any more, the log of heads begins anew with every head there is;
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
    private boolean backlog;
    private boolean metaChanged;

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
     * @param left ledgers that are left alone, for they have lost what was signed
     * @return empty where another node has changed the outside copy meanwhile; nothing was published then
     */
    Optional<Outcome> sign(OutsideCopy copy, Set<TenantId> left) {
        Optional<List<SignedHead>> found = missing(copy, round.metaSize());
        if (found.isEmpty()) {
            metaChanged = true;
            return outside.beginAnew(deployment, copy).map(anew -> new Outcome(anew, 0, true, faults));
        }
        List<SignedHead> missing = found.get();
        Map<TenantId, LedgerGrowth> growths = grow(copy, left);
        Map<TenantId, List<Tile>> tiles = new HashMap<>();
        growths.forEach((tenant, growth) -> tiles.put(tenant, fullTiles(tenant, growth)));
        growths.values().removeIf(growth -> growth.fault() != null || !growth.hasPassedOutside());
        if (growths.isEmpty() && missing.isEmpty()) {
            return Optional.of(new Outcome(copy, 0, backlog, faults));
        }
        List<SignedHead> heads = growths.values().stream()
                .map(LedgerGrowth::head)
                .filter(head -> !head.equals(copy.heads().get(head.tenant())))
                .toList();
        Optional<OutsideCopy> advanced = heads.isEmpty() ? Optional.of(copy) : outside.advance(deployment, copy, heads);
        if (advanced.isEmpty()) {
            return Optional.empty();
        }
        publish(advanced.get(), missing, heads, growths, tiles);
        growths.forEach((tenant, growth) -> cache.put(tenant, growth.state()));
        return Optional.of(new Outcome(advanced.get(), growths.size(), backlog, faults));
    }

    /**
     * Reads the new entries of as many ledgers as a round signs. Ledgers with few are read whole, and what they leave of
     * the round's bound goes to those with many.
     */
    private Map<TenantId, LedgerGrowth> grow(OutsideCopy copy, Set<TenantId> left) {
        Map<TenantId, LedgerGrowth> growths = new LinkedHashMap<>();
        List<Unsigned> all = round.unsigned(config.roundLedgers(), left);
        List<Unsigned> begun = new ArrayList<>();
        for (Unsigned ledger : all) {
            LedgerGrowth growth = begin(copy, ledger);
            if (growth != null) {
                growths.put(ledger.tenant(), growth);
                begun.add(ledger);
            }
        }
        backlog = all.size() == config.roundLedgers();
        List<Span> spans = spans(copy, begun, growths);
        round.entries(spans, (tenant, seq, frame, hash) -> {
            LedgerGrowth growth = growths.get(tenant);
            if (growth != null) {
                growth.accept(seq, frame, hash);
            }
        });
        spans.forEach(span -> finish(span, growths));
        return growths;
    }

    private List<Span> spans(OutsideCopy copy, List<Unsigned> ledgers, Map<TenantId, LedgerGrowth> growths) {
        List<Unsigned> fewestFirst = new ArrayList<>(ledgers);
        fewestFirst.sort(Comparator.comparingLong(ledger -> ledger.size() - from(ledger, growths)));
        List<Span> spans = new ArrayList<>();
        long rest = config.roundEntries();
        for (int i = 0; i < fewestFirst.size(); i++) {
            Unsigned ledger = fewestFirst.get(i);
            long from = from(ledger, growths);
            long to = end(copy, ledger, from + Math.max(1, rest / (fewestFirst.size() - i)));
            spans.add(new Span(ledger.tenant(), from, to));
            rest = Math.max(0, rest - (to - from));
            backlog |= to < ledger.size();
        }
        return spans;
    }

    private static long from(Unsigned ledger, Map<TenantId, LedgerGrowth> growths) {
        LedgerGrowth growth = growths.get(ledger.tenant());
        return growth == null ? 0 : growth.size();
    }

    /** At least as far as it was signed before; else as far as its share of the round goes. */
    private static long end(OutsideCopy copy, Unsigned ledger, long share) {
        SignedHead signed = copy.heads().get(ledger.tenant());
        long signedSize = signed == null || signed.incarnation() != ledger.incarnation() ? 0 : signed.size();
        return Math.min(ledger.size(), Math.max(share, signedSize));
    }

    private void finish(Span span, Map<TenantId, LedgerGrowth> growths) {
        LedgerGrowth growth = growths.get(span.tenant());
        String fault = growth == null ? null : growth.fault();
        if (growth != null && fault == null && growth.size() < span.toSeq()) {
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
        long kept = same == null ? 0 : same.size();
        if (ledger.publishedIncarnation() == ledger.incarnation() && ledger.publishedSize() > kept) {
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
            return beginning(ledger);
        }
        Optional<State> kept = cache.get(ledger.tenant(), ledger.incarnation(), ledger.publishedSize());
        return kept.isPresent() ? kept.get() : readBack(ledger);
    }

    /** Of a ledger whose first entries were pruned, the tree over them was signed with that. */
    private State beginning(Unsigned ledger) {
        List<PrunedRow> rows = round.pruned(ledger.tenant());
        return rows.isEmpty()
                ? State.empty(ledger.incarnation())
                : Prefixes.open(signer, deployment, ledger.tenant(), rows.getLast())
                        .map(prefix -> {
                            round.adoptTiles(ledger.tenant(), ledger.incarnation(), prefix.to());
                            return new State(
                                    ledger.incarnation(),
                                    prefix.tree(),
                                    prefix.beginning().lastHash(),
                                    false);
                        })
                        .orElseGet(() -> State.empty(ledger.incarnation()));
    }

    /**
     * The right edge before the last entry comes from tiles; the last entry is hashed anew. Whether both are what was
     * signed shows in the root, then or on the way to what is kept outside.
     */
    private @Nullable State readBack(Unsigned ledger) {
        TenantId tenant = ledger.tenant();
        long size = ledger.publishedSize();
        List<Digest> last = new ArrayList<>();
        List<Boolean> begun = new ArrayList<>();
        round.entries(List.of(new Span(tenant, size - 1, size)), (_, _, frame, _) -> {
            last.add(Frame.hash(frame));
            begun.add(LedgerGrowth.isOfIncarnation(ledger.incarnation(), frame));
        });
        if (last.size() != 1) {
            faults.put(tenant, "entry " + (size - 1) + " was signed and is missing");
            return null;
        }
        try {
            Frontier tree = new Prover(round.tiles(tenant.value(), ledger.incarnation())).frontier(size - 1);
            tree.append(last.getFirst().bytes());
            return new State(ledger.incarnation(), tree, last.getFirst(), begun.getFirst());
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

    /** Leaves that were put outside, after which the node stopped; empty where nobody has them any more. */
    private Optional<List<SignedHead>> missing(OutsideCopy copy, MetaSize meta) {
        requireSameLog(copy, meta);
        long from = meta.incarnation() == copy.incarnation() ? meta.size() : 0;
        return outside.leaves(copy, from)
                .map(leaves -> leaves.stream()
                        .map(text -> SignedHead.parse(deployment, text))
                        .toList());
    }

    /** The log of heads is put outside first, so it is never the shorter one there. */
    private static void requireSameLog(OutsideCopy copy, MetaSize meta) {
        if (meta.incarnation() > copy.incarnation()
                || (meta.incarnation() == copy.incarnation() && meta.size() > copy.size())) {
            throw new OutsideCorruptException("the log of heads has " + meta.size() + " leaves here and " + copy.size()
                    + " outside: somebody has put an older copy there");
        }
    }

    private void publish(
            OutsideCopy after,
            List<SignedHead> missing,
            List<SignedHead> heads,
            Map<TenantId, LedgerGrowth> growths,
            Map<TenantId, List<Tile>> tiles) {
        // A tenth of a millisecond each: the one thing in a round that keeps a processor busy, so all of them do it.
        List<SignedTree> trees = growths.values().parallelStream()
                .map(LedgerGrowth::head)
                .map(head -> new SignedTree(head, signer.sign(deployment, head.text(deployment))))
                .toList();
        List<GrownTree> grown = new ArrayList<>();
        trees.forEach(tree -> grown.add(new GrownTree(
                tree.head().tenant().value(),
                tree.head().incarnation(),
                tiles.getOrDefault(tree.head().tenant(), List.of()))));
        List<SignedHead> leaves = new ArrayList<>(missing);
        leaves.addAll(heads);
        long from = after.size() - leaves.size();
        grown.add(new GrownTree(OutsideCopy.META, after.incarnation(), metaTiles(after, from, leaves)));
        round.publish(new Publication(
                trees,
                grown,
                from,
                leaves,
                new PublishedCheckpoint(after.incarnation(), after.size(), after.root(), after.note(), now)));
    }

    /**
     * The tiles of the log of heads that have become full. What the database has of it is a copy; where that was changed,
     * proofs of what was signed before fail, and this says so. Signing goes on from what is kept outside.
     */
    private List<Tile> metaTiles(OutsideCopy after, long from, List<SignedHead> leaves) {
        var source = round.tiles(OutsideCopy.META, after.incarnation());
        try {
            TreeGrowth growth = new TreeGrowth(new Prover(source).frontier(from));
            TreeHash hash = new TreeHash();
            leaves.forEach(leaf -> growth.append(hash.leaf(leaf.text(deployment).getBytes(StandardCharsets.UTF_8))));
            metaChanged = !Digest.of(growth.frontier().root()).equals(after.root());
            return metaChanged ? List.of() : growth.fullTiles(source);
        } catch (TileMismatchException changed) {
            metaChanged = true;
            return List.of();
        }
    }

    /** Whether the log of heads in the database is not the one that is kept outside. */
    boolean metaChanged() {
        return metaChanged;
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
     * @param backlog whether there is more to sign at once
     * @param faults what does not fit, by ledger
     */
    record Outcome(OutsideCopy copy, int ledgers, boolean backlog, Map<TenantId, String> faults) {}
}
