package dev.assize.server.anchor;

import com.google.inject.Inject;
import dev.assize.server.anchor.AnchorRepository.Standing;
import dev.assize.server.anchor.Prefixes.Found;
import dev.assize.server.anchor.SignedRoots.Signed;
import dev.assize.server.ledger.Beginning;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.ChainVerifier.Progress;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.TreeCheck;
import dev.assize.server.ledger.TreeCheck.SignedRoot;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.ledger.Verification.Span;
import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.ledger.merkle.TileMismatchException;
import dev.assize.server.ledger.note.CheckpointText;
import dev.assize.server.ledger.note.MalformedNoteException;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Verifies a ledger, and that it is the one that was signed: the tree over its entries is held to every checkpoint there
 * is, those in the database and the one outside, and to the one that the caller has kept.
 */
public final class SignedLedgerVerifier {

    private final ChainVerifier chains;
    private final AnchorRepository repository;
    private final AnchorView view;
    private final CheckpointSigner signer;
    private final SignedRoots roots;
    private final Prefixes prefixes;
    private final StandingRecords records;

    @Inject
    SignedLedgerVerifier(
            ChainVerifier chains,
            AnchorRepository repository,
            AnchorView view,
            CheckpointSigner signer,
            SignedRoots roots,
            Prefixes prefixes,
            StandingRecords records) {
        this.chains = chains;
        this.repository = repository;
        this.view = view;
        this.signer = signer;
        this.roots = roots;
        this.prefixes = prefixes;
        this.records = records;
    }

    /**
     * Verifies a range. Of a ledger whose first entries were pruned, a range that begins before what is left begins there.
     *
     * @param fromSeq the first position; where it is 0, and a trusted checkpoint is given, what comes after that
     * @param toSeq the last position, included; null means the head
     * @param trusted a signed note that the caller has kept; null where there is none
     * @throws MalformedException where that is no checkpoint of this ledger, signed by this deployment
     * @throws PrunedException where all of the range was pruned
     */
    public Verification verify(
            TenantId tenant, long fromSeq, @Nullable Long toSeq, @Nullable String trusted, Progress progress) {
        SignedHead vouched = trusted == null ? null : read(tenant, trusted);
        Optional<Broken> lost = lost(tenant, fromSeq, toSeq);
        if (lost.isPresent()) {
            return lost.get();
        }
        return fromBase(tenant, base -> verify(tenant, base, fromSeq, toSeq, vouched, progress));
    }

    private Verification verify(
            TenantId tenant,
            Found base,
            long fromSeq,
            @Nullable Long toSeq,
            @Nullable SignedHead trusted,
            Progress progress) {
        PrunedPrefix prefix = base.prefix();
        if (prefix != null && toSeq != null && toSeq < prefix.to()) {
            throw new PrunedException(
                    tenant, toSeq, prefixes.archived(tenant, toSeq).orElse(prefix.object()));
        }
        if (trusted != null) {
            return verifyBehind(tenant, base, fromSeq, toSeq, trusted, progress);
        }
        if (fromSeq <= base.base()) {
            Fault fault = prefixes.faultOfAll(tenant);
            return fault == null
                    ? withTree(tenant, verifyAlong(tenant, base, base.base(), toSeq, tree(prefix), progress))
                    : broken(repository.standing(tenant), fromSeq, toSeq, fault);
        }
        return verifyPart(tenant, base, fromSeq, toSeq, progress);
    }

    /** Verifies from where the ledger begins; anew where entries were pruned meanwhile. */
    private Verification fromBase(TenantId tenant, Function<Found, Verification> work) {
        Found base = prefixes.find(tenant);
        while (true) {
            Fault fault = base.fault();
            Verification found = fault == null ? work.apply(base) : broken(repository.standing(tenant), 0, null, fault);
            Found now = found instanceof Broken ? prefixes.find(tenant) : base;
            if (now.base() <= base.base()) {
                return found;
            }
            base = now;
        }
    }

    private PublishedTree published(Standing standing) {
        return new PublishedTree(repository, standing);
    }

    private static Frontier tree(@Nullable PrunedPrefix prefix) {
        return prefix == null ? Frontier.empty() : prefix.tree();
    }

    private static @Nullable Beginning beginning(Found base) {
        PrunedPrefix prefix = base.prefix();
        return prefix == null ? null : prefix.beginning();
    }

    /** Where the entries are sound: whether what proofs are made of is, too, the times of checkpoints, and what rows say. */
    private Verification withTree(TenantId tenant, Verification found) {
        return found instanceof Verification.Sound(Span span)
                ? stored(tenant)
                        .<Verification>map(fault -> new Broken(span, fault))
                        .orElse(found)
                : found;
    }

    /** Of an incarnation that has signed nothing yet there is no tree; what the one before had stored is of entries that are lost, too. */
    private Optional<Fault> stored(TenantId tenant) {
        Standing standing = repository.standing(tenant);
        Optional<Fault> tree = repository.published(published -> published
                .misdated(tenant)
                .map(what -> new Fault(0, Kind.CHECKPOINT, what))
                .or(() -> PublishedTree.latest(published, standing)
                        .map(signed -> StoredTree.faultOf(published, tenant.value(), signed))));
        return tree.or(() -> records.fault(tenant));
    }

    /** What of the log of heads, as it is stored, is not what was signed. */
    public Optional<String> headsFault() {
        return repository.published(published -> StoredHeads.faultOf(published, signer, repository.deployment()));
    }

    /**
     * What the database has lost of what is kept outside: asked before anything else, whatever part is verified, and
     * whoever vouches for what is before it. The copy is read before the ledger, which only grows.
     */
    private Optional<Broken> lost(TenantId tenant, long fromSeq, @Nullable Long toSeq) {
        SignedHead kept = roots.outside().heads().get(tenant);
        Standing standing = repository.standing(tenant);
        return lost(standing, kept).map(fault -> broken(standing, fromSeq, toSeq, fault));
    }

    private static Optional<Fault> lost(Standing standing, @Nullable SignedHead kept) {
        return kept == null || !AnchorView.isBehind(standing.incarnation(), standing.size(), kept)
                ? Optional.empty()
                : Optional.of(new Fault(
                        standing.size(),
                        Kind.CHECKPOINT,
                        AnchorView.behind(standing.tenant(), standing.incarnation(), standing.size(), kept)));
    }

    /**
     * Verifies all of a ledger by the checkpoints in the database alone: for a place outside that is lost. Shows that the
     * ledger was signed as it is, and not that nothing was signed since.
     */
    Verification verifyInside(TenantId tenant, Progress progress) {
        return fromBase(tenant, base -> {
            Standing standing = repository.standing(tenant);
            Fault fault = prefixes.faultOfAll(tenant);
            Signed signed = roots.inside(standing, base.base());
            return fault == null
                    ? verifyAlong(tenant, base, base.base(), null, tree(base.prefix()), standing, signed, progress)
                    : broken(standing, 0, null, fault);
        });
    }

    /**
     * Verifies the beginning of a ledger, up to a position: what was not pruned before.
     *
     * @return the tree over everything before that position, as the stored bytes make it, where that is sound
     */
    public Verified verifyBeginning(TenantId tenant, long toSeq) {
        Optional<Broken> lost = lost(tenant, 0, toSeq - 1);
        Found base = prefixes.find(tenant);
        Standing standing = repository.standing(tenant);
        Fault fault = base.fault() == null ? prefixes.faultOfAll(tenant) : base.fault();
        Signed signed = roots.beyond(standing, base.base());
        fault = fault == null ? signed.fault() : fault;
        TreeCheck tree = TreeCheck.from(tree(base.prefix()), signed.roots());
        Verification found;
        if (lost.isPresent()) {
            found = lost.get();
        } else if (fault == null) {
            // Its hashes stay in tiles, which are all that proves it then.
            found = withTree(
                    tenant,
                    held(
                            standing,
                            signed,
                            tree,
                            chains.verify(tenant, beginning(base), base.base(), toSeq - 1, tree, (_, _) -> {})));
        } else {
            found = broken(standing, base.base(), toSeq - 1, fault);
        }
        return new Verified(found, tree.edge());
    }

    /** What was found, and the tree up to there. */
    public record Verified(Verification found, Frontier tree) {}

    /**
     * Begins a walk over everything that is signed by now.
     *
     * @param from what was verified before, as whoever vouches for it says; null for where the ledger begins. Where the
     *     tiles do not bear it out, or it is of an incarnation that has ended, the walk begins there, too
     */
    public LedgerWalk walk(TenantId tenant, @Nullable SignedHead from) {
        SignedHead kept = view.copy().map(copy -> copy.heads().get(tenant)).orElse(null);
        Standing standing = repository.standing(tenant);
        Found base = prefixes.find(tenant);
        Frontier tree = from == null || from.size() < base.base()
                ? tree(base.prefix())
                : published(standing).of(from).orElseGet(() -> tree(base.prefix()));
        Signed signed = roots.beyond(standing, tree.size());
        Fault fault =
                lost(standing, kept).or(() -> Optional.ofNullable(base.fault())).orElse(signed.fault());
        if (fault == null && tree.size() == base.base()) {
            fault = prefixes.faultOfAll(tenant);
            fault = fault == null ? stored(tenant).orElse(null) : fault;
        }
        long end = signed.roots().stream()
                .filter(root -> root.incarnation() == standing.incarnation())
                .mapToLong(SignedRoot::size)
                .max()
                .orElse(tree.size());
        return new LedgerWalk(
                chains,
                prefixes,
                tenant,
                standing.incarnation(),
                base,
                tree,
                signed.roots(),
                end,
                fault == null ? null : broken(standing, tree.size(), null, fault));
    }

    /** Heads as they were kept outside when this node last looked. */
    public Map<TenantId, SignedHead> signedOutside() {
        return view.copy().<Map<TenantId, SignedHead>>map(OutsideCopy::heads).orElse(Map.of());
    }

    /** From a position on: the tree before it comes from tiles, which the roots behind it prove or disprove. */
    private Verification verifyPart(
            TenantId tenant, Found base, long fromSeq, @Nullable Long toSeq, Progress progress) {
        Standing standing = repository.standing(tenant);
        Signed signed = roots.beyond(standing, fromSeq);
        if (signed.fault() == null && signed.roots().stream().noneMatch(root -> root.size() > fromSeq)) {
            return chains.verify(tenant, fromSeq, toSeq, progress);
        }
        try {
            Frontier tree = published(standing).before(fromSeq, tree(base.prefix()));
            return verifyAlong(tenant, base, fromSeq, toSeq, tree, standing, signed, progress);
        } catch (TileMismatchException e) {
            return broken(standing, fromSeq, toSeq, new Fault(0, Kind.CHECKPOINT, String.valueOf(e.getMessage())));
        }
    }

    /** What came since a checkpoint that the caller vouches for. */
    private Verification verifyBehind(
            TenantId tenant, Found base, long fromSeq, @Nullable Long toSeq, SignedHead trusted, Progress progress) {
        Standing standing = repository.standing(tenant);
        if (standing.incarnation() < trusted.incarnation() || standing.size() < trusted.size()) {
            return broken(
                    standing,
                    fromSeq,
                    toSeq,
                    new Fault(
                            Math.min(standing.size(), trusted.size()),
                            Kind.CHECKPOINT,
                            AnchorView.behind(tenant, standing.incarnation(), standing.size(), trusted)));
        }
        if (fromSeq > 0 && fromSeq < trusted.size()) {
            throw new MalformedException(
                    Long.toString(fromSeq), "0, or a position behind the trusted checkpoint's " + trusted.size());
        }
        if (toSeq != null && toSeq < trusted.size()) {
            throw new MalformedException(
                    Long.toString(toSeq), "a position behind the trusted checkpoint's " + trusted.size());
        }
        PublishedTree published = published(standing);
        if (!published.reaches(trusted.size())) {
            throw new LedgerUnanchoredException("the ledger of tenant `" + tenant + "` is not signed up to "
                    + trusted.size() + " entries yet in its incarnation " + standing.incarnation());
        }
        Frontier tree;
        try {
            tree = published.at(trusted.size());
        } catch (TileMismatchException e) {
            return broken(standing, fromSeq, toSeq, new Fault(0, Kind.CHECKPOINT, String.valueOf(e.getMessage())));
        }
        if (!Digest.of(tree.root()).equals(trusted.root())) {
            return broken(
                    standing,
                    fromSeq,
                    toSeq,
                    new Fault(
                            0,
                            Kind.CHECKPOINT,
                            "the first " + trusted.size() + " entries are not those of the trusted checkpoint"));
        }
        if (standing.size() == trusted.size()) {
            return verifyEnd(tenant, base, standing, trusted, progress);
        }
        PrunedPrefix prefix = base.prefix();
        if (prefix == null || prefix.to() <= trusted.size()) {
            return verifyAlong(tenant, base, trusted.size(), toSeq, tree, progress);
        }
        if (!published.grows(tree, prefix.to(), prefix.root())) {
            return broken(
                    standing,
                    fromSeq,
                    toSeq,
                    new Fault(
                            trusted.size(),
                            Kind.CHECKPOINT,
                            "the entries that were pruned do not continue the trusted checkpoint"));
        }
        return verifyAlong(tenant, base, prefix.to(), toSeq, prefix.tree(), progress);
    }

    /** Nothing came since: the last entry is the one that was trusted, and the head is its own. */
    private Verification verifyEnd(
            TenantId tenant, Found base, Standing standing, SignedHead trusted, Progress progress) {
        long last = Math.max(0, trusted.size() - 1);
        Frontier before;
        try {
            before = published(standing).at(last);
        } catch (TileMismatchException e) {
            return broken(standing, last, null, new Fault(0, Kind.CHECKPOINT, String.valueOf(e.getMessage())));
        }
        TreeCheck end =
                TreeCheck.from(before, List.of(new SignedRoot(standing.incarnation(), trusted.size(), trusted.root())));
        Verification found = chains.verify(tenant, beginning(base), last, null, end, progress);
        return found instanceof Verification.Sound
                ? new Verification.Sound(
                        new Span(standing.origin(), trusted.size(), trusted.size() - 1, 0, standing.lastHash(), 1))
                : found;
    }

    private Verification verifyAlong(
            TenantId tenant, Found base, long fromSeq, @Nullable Long toSeq, Frontier tree, Progress progress) {
        Standing standing = repository.standing(tenant);
        return verifyAlong(tenant, base, fromSeq, toSeq, tree, standing, roots.beyond(standing, fromSeq), progress);
    }

    private Verification verifyAlong(
            TenantId tenant,
            Found base,
            long fromSeq,
            @Nullable Long toSeq,
            Frontier tree,
            Standing standing,
            Signed signed,
            Progress progress) {
        if (signed.fault() != null) {
            return broken(standing, fromSeq, toSeq, signed.fault());
        }
        TreeCheck check = TreeCheck.from(tree, signed.roots());
        return held(standing, signed, check, chains.verify(tenant, beginning(base), fromSeq, toSeq, check, progress));
    }

    /**
     * What ends before something that was signed is held to it as well: the tree over what was verified, grown by the hashes that
     * are stored of what comes behind, must be the one that was signed.
     */
    private Verification held(Standing standing, Signed signed, TreeCheck check, Verification found) {
        if (!(found instanceof Verification.Sound(Span span)) || span.verified() == 0) {
            return found;
        }
        Frontier tree = check.edge();
        try {
            PublishedTree published = published(standing);
            Set<SignedRoot> behind = roots.behind(standing, signed, check);
            for (SignedRoot root : behind) {
                if (!Digest.of(published.grown(tree, root.size()).root()).equals(root.root())) {
                    return new Broken(
                            span,
                            new Fault(
                                    tree.size() - 1,
                                    Kind.CHECKPOINT,
                                    "the first " + tree.size() + " entries, or the hashes of those behind them, are not"
                                            + " of the " + root.size() + " that were signed"));
                }
            }
            return new Verification.Sound(span.heldToMore(behind.size()));
        } catch (TileMismatchException e) {
            return new Broken(span, new Fault(tree.size() - 1, Kind.CHECKPOINT, String.valueOf(e.getMessage())));
        }
    }

    private SignedHead read(TenantId tenant, String note) {
        String deployment = repository.deployment();
        int end = note.indexOf("\n\n");
        try {
            String text = note.substring(0, Math.max(0, end + 1));
            SignedHead head =
                    SignedHead.parse(deployment, CheckpointText.parse(text).text());
            if (head.tenant().equals(tenant) && signer.isOurs(deployment, note, text)) {
                return head;
            }
        } catch (MalformedNoteException | OutsideCorruptException e) {
            throw new MalformedException(note, "a signed checkpoint of the ledger `" + deployment + "/" + tenant + "`");
        }
        throw new MalformedException(note, "a signed checkpoint of the ledger `" + deployment + "/" + tenant + "`");
    }

    private static Broken broken(Standing standing, long fromSeq, @Nullable Long toSeq, Fault fault) {
        return new Broken(
                new Span(
                        standing.origin(),
                        fromSeq,
                        toSeq == null ? standing.size() - 1 : toSeq,
                        0,
                        standing.lastHash(),
                        0),
                fault);
    }
}
