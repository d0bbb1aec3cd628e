package dev.assize.server.ledger;

import dev.assize.server.ledger.BesideCheck.Stretch;
import dev.assize.server.ledger.MentionCheck.Mention;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.ledger.Verification.NoSuchRange;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.ledger.Verification.Span;
import dev.assize.server.model.TenantId;
import jakarta.inject.Inject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Recomputes a tenant's chain from the stored bytes and compares it with everything the store says beside them:
 * positions, hashes, links, query columns, the head. One pass over one snapshot, in constant memory.
 *
 * <p>What this cannot find is a store that was rewritten as a whole, or whose tail was cut together with its head:
 * that takes a hash kept elsewhere, such as a receipt.
 */
public final class ChainVerifier {

    /** After how many entries progress is told. */
    private static final int PROGRESS_ENTRIES = 1_000;

    private final LedgerStore store;
    private final Projector projector;
    private final Optional<BesideCheck> beside;
    private final Optional<MentionCheck> mentions;
    private final LedgerMetrics metrics;

    @Inject
    ChainVerifier(
            LedgerStore store,
            Projector projector,
            Optional<BesideCheck> beside,
            Optional<MentionCheck> mentions,
            LedgerMetrics metrics) {
        this.store = store;
        this.projector = projector;
        this.beside = beside;
        this.mentions = mentions;
        this.metrics = metrics;
    }

    /** A verifier of ledgers beside whose entries nothing is kept. */
    public ChainVerifier(LedgerStore store, Projector projector, LedgerMetrics metrics) {
        this(store, projector, Optional.empty(), Optional.empty(), metrics);
    }

    /** Hears how far a verification is. What it throws ends the verification. */
    @FunctionalInterface
    public interface Progress {

        /** Entries verified so far, of about how many; called first with none. */
        void verified(long verified, long total);
    }

    /**
     * Verifies a range. The link of its first entry is checked against the entry before, where that exists; the head
     * row where the range reaches it.
     *
     * @param fromSeq the first position
     * @param toSeq the last position, included; null means the head
     */
    public Verification verify(TenantId tenant, long fromSeq, @Nullable Long toSeq, Progress progress) {
        return verify(tenant, fromSeq, toSeq, TreeCheck.none(), progress);
    }

    /**
     * Verifies a range, and on the way the tree over its entries.
     *
     * @param tree at the beginning of the range, with the roots that were signed
     */
    public Verification verify(TenantId tenant, long fromSeq, @Nullable Long toSeq, TreeCheck tree, Progress progress) {
        return verify(tenant, null, fromSeq, toSeq, tree, progress);
    }

    /**
     * The same of a ledger whose first entries were pruned. Where the range begins with it, nothing may be left before.
     *
     * @param beginning null where the ledger begins with entry 0
     */
    public Verification verify(
            TenantId tenant,
            @Nullable Beginning beginning,
            long fromSeq,
            @Nullable Long toSeq,
            TreeCheck tree,
            Progress progress) {
        long lastWanted = toSeq == null ? Long.MAX_VALUE : toSeq;
        Optional<LedgerHead> before = store.head(tenant);
        long size = before.map(LedgerHead::size).orElse(0L);
        if (fromSeq < 0 || lastWanted < fromSeq) {
            return new NoSuchRange(size);
        }
        long total = Math.max(0, Math.min(size - 1, lastWanted) - fromSeq + 1);
        progress.verified(0, total);
        boolean fromBeginning = beginning != null && fromSeq == beginning.seq();
        ChainWalk walk = new ChainWalk(tenant, fromSeq, fromBeginning ? beginning : null, projector, tree);
        List<StoredEntry> vouching = new ArrayList<>();
        Verification result;
        try {
            Predicate<StoredEntry> reader = entry -> {
                boolean sound = walk.accept(entry);
                if (sound && isVouching(entry, walk)) {
                    vouching.add(entry);
                }
                if (sound && walk.verified() > 0 && walk.verified() % PROGRESS_ENTRIES == 0) {
                    progress.verified(walk.verified(), Math.max(total, walk.verified()));
                }
                return sound;
            };
            long scanFrom = fromBeginning ? 0 : Math.max(0, fromSeq - 1);
            Optional<LedgerHead> head = store.scan(
                    tenant,
                    scanFrom,
                    lastWanted,
                    reader,
                    () -> areSoundBeside(tenant, vouching, walk) && areMentionsKept(tenant, walk));
            hearTheRest(tenant, walk);
            result = withoutOrphans(
                    tenant, conclude(walk, head, fromSeq, toSeq), fromBeginning ? 0 : fromSeq, lastWanted);
        } catch (UnreadableRowException row) {
            Fault fault =
                    new Fault(row.seq(), Kind.FRAME, "entry " + row.seq() + " cannot be read: " + row.getMessage());
            result = broken(tenant, vouching, walk, span(walk, before, fromSeq, toSeq), fault);
        } catch (StrayRowException row) {
            Fault fault = new Fault(row.seq(), Kind.PROJECTION, String.valueOf(row.getMessage()));
            result = broken(tenant, vouching, walk, span(walk, before, fromSeq, toSeq), fault);
        }
        metrics.verified(result instanceof Sound);
        return result;
    }

    /**
     * What is gone of a part may have been erased by an entry behind it. Those are looked for by name: to read all that
     * follows would cost each part of a long ledger as much as the whole.
     */
    private void hearTheRest(TenantId tenant, ChainWalk walk) {
        List<Long> missing = walk.missing();
        for (int from = 0; from < missing.size(); from += LedgerStore.NOTICES_AT_ONCE) {
            List<Long> some = missing.subList(from, Math.min(missing.size(), from + LedgerStore.NOTICES_AT_ONCE));
            store.notices(tenant, some, walk.nextSeq()).forEach(walk::hear);
        }
    }

    /** How far it comes from a position, with so much work; see {@link BesideCheck#stretch}. */
    public Stretch stretch(TenantId tenant, long fromSeq, long toSeq, int work) {
        long last = toSeq - fromSeq < work ? toSeq : fromSeq + work - 1;
        return beside.map(check -> check.stretch(tenant, fromSeq, last, work))
                .orElse(new Stretch(last, last - fromSeq + 1));
    }

    private boolean isVouching(StoredEntry entry, ChainWalk walk) {
        return beside.isPresent()
                && entry.seq() >= walk.fromSeq()
                && beside.get().isVouching(entry);
    }

    /** Checks what is kept beside entries that were sound; not while they are read, for that has the connection. */
    private boolean areSoundBeside(TenantId tenant, List<StoredEntry> vouching, ChainWalk walk) {
        for (StoredEntry entry : vouching) {
            String fault = beside.orElseThrow().fault(tenant, entry);
            if (fault != null) {
                return walk.refuse(entry, fault);
            }
        }
        vouching.clear();
        return true;
    }

    /** Not where an entry is unsound: that is told. */
    private boolean areMentionsKept(TenantId tenant, ChainWalk walk) {
        Map<String, Mention> mentioned = walk.takeMentions();
        if (mentions.isEmpty() || mentioned.isEmpty() || walk.fault() != null) {
            return true;
        }
        Fault fault = mentions.get().fault(tenant, mentioned);
        return fault == null || walk.refuse(fault);
    }

    /** What cannot be read ends the reading; what was read before it may be worse. */
    private Broken broken(TenantId tenant, List<StoredEntry> vouching, ChainWalk walk, Span span, Fault fault) {
        Fault earlier = areSoundBeside(tenant, vouching, walk) ? null : walk.fault();
        return new Broken(span, earlier == null ? fault : earlier);
    }

    private Verification withoutOrphans(TenantId tenant, Verification found, long from, long lastWanted) {
        if (beside.isEmpty() || !(found instanceof Sound(Span span))) {
            return found;
        }
        OptionalLong orphan = beside.get().orphan(tenant, from, lastWanted);
        return orphan.isEmpty()
                ? found
                : new Broken(
                        span,
                        new Fault(
                                orphan.getAsLong(),
                                Verification.Kind.DECISIONS,
                                "entry " + orphan.getAsLong()
                                        + " vouches for no decisions, and some are on record there"));
    }

    private static Verification conclude(
            ChainWalk walk, Optional<LedgerHead> head, long fromSeq, @Nullable Long toSeq) {
        long size = head.map(LedgerHead::size).orElse(0L);
        Fault fault = walk.fault() == null ? endFault(walk, head, fromSeq, toSeq) : walk.fault();
        Fault missing = walk.missingValue();
        if (missing != null && (fault == null || missing.seq() < fault.seq())) {
            fault = missing;
        }
        if (fault == null && isBeyond(size, fromSeq, toSeq)) {
            return new NoSuchRange(size);
        }
        Span span = span(walk, head, fromSeq, toSeq);
        return fault == null ? new Sound(span) : new Broken(span, fault);
    }

    private static Span span(ChainWalk walk, Optional<LedgerHead> head, long fromSeq, @Nullable Long toSeq) {
        long size = head.map(LedgerHead::size).orElse(0L);
        String origin = head.map(LedgerHead::origin).orElse(walk.origin());
        return new Span(
                origin,
                fromSeq,
                toSeq == null ? size - 1 : toSeq,
                walk.verified(),
                walk.lastHash(),
                walk.checkpoints(),
                walk.redacted());
    }

    /** All of an empty ledger is a range, though it has no position. */
    private static boolean isBeyond(long size, long fromSeq, @Nullable Long toSeq) {
        return toSeq == null ? fromSeq >= size && fromSeq > 0 : toSeq >= size;
    }

    /** What only the head can tell: whether the end of what was read is the end of the range. */
    private static @Nullable Fault endFault(
            ChainWalk walk, Optional<LedgerHead> head, long fromSeq, @Nullable Long toSeq) {
        long next = walk.nextSeq();
        if (head.isEmpty()) {
            return walk.verified() == 0
                    ? walk.missingAt(0, Sequencer.FIRST_INCARNATION)
                    : new Fault(fromSeq, Kind.HEAD, "there are entries but no head");
        }
        LedgerHead end = head.get();
        if (next < end.size() && (toSeq == null || next <= toSeq)) {
            return new Fault(
                    next, Kind.SEQUENCE, "entry " + next + " is missing: the head counts " + end.size() + " entries");
        }
        if (next > end.size() && walk.verified() > 0) {
            long first = Math.max(fromSeq, end.size());
            return new Fault(
                    first,
                    Kind.SEQUENCE,
                    "entry " + first + " stands behind the head, which counts " + end.size() + " entries");
        }
        Fault found = next == end.size() ? walk.compare(end) : null;
        return found == null ? walk.missingAt(end.size(), end.incarnation()) : found;
    }
}
