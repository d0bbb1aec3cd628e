package dev.assize.server.anchor;

import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.TreeCheck;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A verification in steps, each of which reads a moment of its own, so that none of them is long. The tree over everything
 * from the beginning goes along, and is held to every root that was signed. Not for two threads.
 */
public final class LedgerWalk {

    private final ChainVerifier chains;
    private final TenantId tenant;
    private final int incarnation;
    private final TreeCheck tree;
    private final long end;
    private @Nullable Broken broken;

    /** @param end behind the last entry to be looked at */
    LedgerWalk(
            ChainVerifier chains, TenantId tenant, int incarnation, TreeCheck tree, long end, @Nullable Broken broken) {
        this.chains = chains;
        this.tenant = tenant;
        this.incarnation = incarnation;
        this.tree = tree;
        this.end = end;
        this.broken = broken;
    }

    /** What was verified: the tree over all entries before. */
    public SignedHead position() {
        return new SignedHead(tenant, incarnation, tree.size(), Digest.of(tree.root()));
    }

    /** Whether everything that was signed when it began is verified, and sound. */
    public boolean isDone() {
        return broken == null && tree.size() >= end;
    }

    /** Goes on by at most so many entries; what stands against the ledger, if anything. */
    public Optional<Broken> step(int entries) {
        if (broken == null && tree.size() < end) {
            long from = tree.size();
            Verification found = chains.verify(tenant, from, Math.min(end, from + entries) - 1, tree, (_, _) -> {});
            if (found instanceof Broken fault) {
                broken = fault;
            }
        }
        return Optional.ofNullable(broken);
    }
}
