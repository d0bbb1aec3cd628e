package dev.assize.server.anchor;

import dev.assize.server.ledger.HeadGuard;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What this node knows of the outside copy, and the guard that holds every append to it. Before the copy was read once,
 * nothing is appended.
 */
final class AnchorView implements HeadGuard {

    private final AnchorConfig config;
    private final LongSupplier nanoTime;

    /** Ledgers that had entries beyond what is kept outside when something was last appended, or a round looked. */
    private final ConcurrentMap<TenantId, Waiting> waiting = new ConcurrentHashMap<>();

    /** Since when a ledger may wait that the database did not name, beside those that have waited longer; null where it named all. */
    private volatile @Nullable Long othersSinceNanos;

    private volatile @Nullable Seen seen;
    private volatile @Nullable String complaint = "the outside copy of the ledgers' heads was not read yet";

    AnchorView(AnchorConfig config, LongSupplier nanoTime) {
        this.config = config;
        this.nanoTime = nanoTime;
    }

    /**
     * What the database says of ledgers that wait, and how long the first of their entries has by now: whoever appended it,
     * and whenever this node has started.
     *
     * @param ledgers those that have waited longest, first
     * @param most it names no more; what it may not have named counts as if it waited as long as the last one that it has
     */
    void waiting(List<AnchorRepository.Waiting> ledgers, int most, Instant now) {
        long nanos = nanoTime.getAsLong();
        othersSinceNanos = ledgers.size() < most ? null : sinceNanos(ledgers.getLast(), nanos, now);
        if (othersSinceNanos == null) {
            waiting.values().removeIf(Waiting::isAssumed);
        }
        for (AnchorRepository.Waiting ledger : ledgers) {
            SignedHead outside =
                    copy().map(copy -> copy.heads().get(ledger.tenant())).orElse(null);
            if (kept(ledger.incarnation(), outside) > ledger.kept()) {
                // It is kept outside, and yet to be published.
                continue;
            }
            long since = sinceNanos(ledger, nanos, now);
            waiting.merge(
                    ledger.tenant(),
                    new Waiting(ledger.incarnation(), ledger.kept(), since, false),
                    (before, found) ->
                            before.isOf(found) && !before.isAssumed() && before.sinceNanos() - found.sinceNanos() < 0
                                    ? before
                                    : found);
        }
    }

    private static long sinceNanos(AnchorRepository.Waiting ledger, long nanos, Instant now) {
        return nanos - Math.max(0, Duration.between(ledger.since(), now).toNanos());
    }

    /** The copy was read, or advanced, and is the database's. */
    void confirm(OutsideCopy copy) {
        seen = new Seen(copy, nanoTime.getAsLong());
        complaint = null;
        waiting.entrySet()
                .removeIf(entry -> hasMoved(entry.getValue(), copy.heads().get(entry.getKey())));
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
        requireNotLate(tenant, head, outside);
    }

    /** What was appended before must have been kept outside by now, wherever the place or the signing fails. */
    private void requireNotLate(TenantId tenant, LedgerHead head, @Nullable SignedHead outside) {
        long kept = kept(head.incarnation(), outside);
        if (head.size() <= kept) {
            waiting.remove(tenant);
            return;
        }
        long now = nanoTime.getAsLong();
        Long others = othersSinceNanos;
        Waiting since = waiting.merge(
                tenant,
                new Waiting(head.incarnation(), kept, others == null ? now : others, others != null),
                (before, fresh) -> before.isOf(fresh) ? before : fresh);
        Duration lag = Duration.ofNanos(now - since.sinceNanos());
        if (lag.compareTo(config.maxLag()) > 0) {
            throw new LedgerUnanchoredException("nothing is appended: entry " + kept + " of tenant `" + tenant
                    + "` and those behind it were not signed and kept outside for "
                    + (since.isAssumed() ? "as long as " : "") + lag.toSeconds()
                    + " s (anchor.maxLag is " + config.maxLag().toSeconds() + " s)");
        }
    }

    private static long kept(int incarnation, @Nullable SignedHead outside) {
        return outside == null || outside.incarnation() != incarnation ? 0 : outside.size();
    }

    private static boolean hasMoved(Waiting since, @Nullable SignedHead outside) {
        return outside != null && (outside.incarnation() != since.incarnation() || outside.size() != since.kept());
    }

    /** The longest that a ledger has waited to be kept outside. */
    Duration longestWait() {
        long now = nanoTime.getAsLong();
        return Duration.ofNanos(waiting.values().stream()
                .mapToLong(since -> now - since.sinceNanos())
                .max()
                .orElse(0));
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

    /** Since when a ledger has entries beyond that many, which are kept outside; or may have, where the database did not name it. */
    private record Waiting(int incarnation, long kept, long sinceNanos, boolean isAssumed) {

        boolean isOf(Waiting other) {
            return incarnation == other.incarnation && kept == other.kept;
        }
    }

    private record Seen(OutsideCopy copy, long atNanos) {}
}
