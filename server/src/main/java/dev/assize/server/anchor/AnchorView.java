package dev.assize.server.anchor;

import dev.assize.server.ledger.HeadGuard;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What this node knows of the outside copy, and the guard that holds every append to it. Before the copy was read once,
 * nothing is appended.
 */
final class AnchorView implements HeadGuard {

    private final AnchorConfig config;
    private final LongSupplier nanoTime;

    private volatile @Nullable Seen seen;
    private volatile @Nullable String complaint = "the outside copy of the ledgers' heads was not read yet";

    AnchorView(AnchorConfig config, LongSupplier nanoTime) {
        this.config = config;
        this.nanoTime = nanoTime;
    }

    /** The copy was read, or advanced, and is the database's. */
    void confirm(OutsideCopy copy) {
        seen = new Seen(copy, nanoTime.getAsLong());
        complaint = null;
    }

    /** The copy is not to be trusted, or not the database's: nothing is appended from now on. */
    void refuse(String reason) {
        complaint = reason;
    }

    /** The copy as it was last read. */
    Optional<OutsideCopy> copy() {
        return Optional.ofNullable(seen).map(Seen::copy);
    }

    /** For how long it has not been reached. */
    Duration age() {
        Seen present = seen;
        return present == null
                ? config.maxLag().plusMillis(1)
                : Duration.ofNanos(Math.max(0, nanoTime.getAsLong() - present.atNanos()));
    }

    @Override
    public void admit(TenantId tenant, LedgerHead head) {
        String reason = complaint;
        Seen present = seen;
        if (reason != null || present == null) {
            throw new LedgerUnanchoredException("nothing is appended: " + reason);
        }
        Duration age = age();
        if (age.compareTo(config.maxLag()) > 0) {
            throw new LedgerUnanchoredException(
                    "nothing is appended: the outside copy of the ledgers' heads was not reached for "
                            + age.toSeconds() + " s (anchor.maxLag is "
                            + config.maxLag().toSeconds() + " s)");
        }
        SignedHead outside = present.copy().heads().get(tenant);
        if (outside != null && isBehind(head.incarnation(), head.size(), outside)) {
            throw new LedgerHaltedException(behind(tenant, head.incarnation(), head.size(), outside));
        }
    }

    static String behind(TenantId tenant, int incarnation, long size, SignedHead outside) {
        return "the ledger of tenant `" + tenant + "` ends at entry " + size + " of incarnation " + incarnation
                + ", and was signed up to entry " + outside.size() + " of incarnation " + outside.incarnation()
                + ": the database has lost entries. Restore them, or begin a new incarnation";
    }

    /** Whether the database has less of a ledger than was signed. */
    static boolean isBehind(int incarnation, long size, SignedHead outside) {
        return incarnation < outside.incarnation() || (incarnation == outside.incarnation() && size < outside.size());
    }

    private record Seen(OutsideCopy copy, long atNanos) {}
}
