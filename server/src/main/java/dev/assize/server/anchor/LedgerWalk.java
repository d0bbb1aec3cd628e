package dev.assize.server.anchor;

import dev.assize.server.ledger.BesideCheck.Stretch;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.TreeCheck;
import dev.assize.server.ledger.TreeCheck.SignedRoot;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.merkle.Frontier;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A verification in steps, each of which reads a moment of its own, so that none of them is long. The tree over everything
 * from the beginning goes along, and is held to every root that was signed. Not for two threads.
 */
public final class LedgerWalk {

    private final ChainVerifier chains;
    private final Prefixes prefixes;
    private final TenantId tenant;
    private final int incarnation;
    private final List<SignedRoot> signed;
    private final long end;
    private final boolean anew;
    private Prefixes.Found base;
    private TreeCheck tree;
    private @Nullable Broken broken;
    private long worked;

    /**
     * @param base where the ledger begins
     * @param from the tree where the walk does
     * @param signed every root to hold it to
     * @param end behind the last entry to be looked at
     */
    LedgerWalk(
            ChainVerifier chains,
            Prefixes prefixes,
            TenantId tenant,
            int incarnation,
            Prefixes.Found base,
            Frontier from,
            List<SignedRoot> signed,
            long end,
            @Nullable Broken broken) {
        this.chains = chains;
        this.prefixes = prefixes;
        this.tenant = tenant;
        this.incarnation = incarnation;
        this.base = base;
        this.signed = signed;
        this.tree = TreeCheck.from(from, signed);
        this.end = end;
        this.anew = from.size() == base.base();
        this.broken = broken;
    }

    /** Whether it began where the ledger does. */
    public boolean isFromTheBeginning() {
        return anew;
    }

    /** What was verified: the tree over all entries before. */
    public SignedHead position() {
        return new SignedHead(tenant, incarnation, tree.size(), Digest.of(tree.root()));
    }

    /** Whether everything that was signed when it began is verified, and sound. */
    public boolean isDone() {
        return broken == null && tree.size() >= end;
    }

    /** How much work it has been so far, in entries; what is kept beside them counts, too. */
    public long worked() {
        return worked;
    }

    /** Goes on by at most so much work, or by one entry; what stands against the ledger, if anything. */
    public Optional<Broken> step(int work) {
        if (broken == null && tree.size() < end) {
            TreeCheck before = TreeCheck.from(tree.edge(), signed);
            Stretch stretch = chains.stretch(tenant, tree.size(), end - 1, work);
            worked += stretch.work();
            if (verify(stretch.toSeq()) instanceof Broken fault && !wasPrunedMeanwhile(before)) {
                broken = fault;
            }
        }
        return Optional.ofNullable(broken);
    }

    private Verification verify(long toSeq) {
        PrunedPrefix prefix = base.prefix();
        return chains.verify(
                tenant, prefix == null ? null : prefix.beginning(), tree.size(), toSeq, tree, (_, _) -> {});
    }

    /** What is missing may have gone as it should: then the walk goes on where the ledger begins now. */
    private boolean wasPrunedMeanwhile(TreeCheck before) {
        Prefixes.Found now = prefixes.find(tenant);
        PrunedPrefix prefix = now.prefix();
        if (prefix == null || prefix.to() <= base.base()) {
            return false;
        }
        base = now;
        tree = prefix.to() > before.size() ? TreeCheck.from(prefix.tree(), signed) : before;
        return true;
    }
}
