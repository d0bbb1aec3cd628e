package dev.assize.server.recording;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditColumns;
import dev.assize.server.ledger.BesideCheck;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionTerms.Found;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Recomputes the root over stored records and compares it with the entry's, and what they are found by with them. */
final class PackCheck implements BesideCheck {

    /** What a full page of decisions costs to verify, in entries: it was measured to be about as much. */
    private static final int PAGE_WORK = 8;

    private static final int PACK_PAGES = DecisionPack.MAX_DECISIONS / DecisionPage.DECISIONS;

    private final DecisionStore store;
    private final AuditCodec audit;

    @Inject
    PackCheck(DecisionStore store, AuditCodec audit) {
        this.store = store;
        this.audit = audit;
    }

    @Override
    public boolean isVouching(StoredEntry entry) {
        return DecisionPack.ENTRY_TYPE.equals(entry.columns().get(AuditColumns.TYPE));
    }

    @Override
    public @Nullable String fault(TenantId tenant, StoredEntry entry) {
        try {
            String payload = Objects.requireNonNullElse(
                    audit.decode(entry.frame(), Digest.sha256(new byte[] {0}, entry.frame()))
                            .event()
                            .payload(),
                    "");
            return fault(tenant, entry.seq(), payload, store.pages(tenant, entry.seq()));
        } catch (MalformedRecordException e) {
            return "vouches for decisions that cannot be read: " + e.getMessage();
        }
    }

    private @Nullable String fault(TenantId tenant, long seq, String payload, List<DecisionPage> pages) {
        int count = DecisionPack.count(payload);
        List<byte[]> records =
                pages.stream().flatMap(page -> page.records().stream()).toList();
        if (records.size() != count) {
            return "vouches for " + count + " decisions, and " + records.size() + " are on record";
        }
        records.forEach(DecisionCodec::decode);
        if (!new DecisionPack(records).payload().equals(payload)) {
            return "vouches for other decisions than those that are on record";
        }
        if (!DecisionPage.of(records).equals(pages)) {
            return "vouches for decisions that do not stand as they were recorded";
        }
        return faultOfBuckets(tenant, seq, records);
    }

    private @Nullable String faultOfBuckets(TenantId tenant, long seq, List<byte[]> records) {
        List<TermBucket> expected = TermBucket.of(records);
        List<TermBucket> stored = store.buckets(
                tenant, seq, expected.stream().map(TermBucket::number).toList());
        if (stored.equals(expected)) {
            return null;
        }
        return DecisionTerms.found(records).stream()
                .filter(found -> !isFound(found, stored))
                .map(found -> "vouches for decisions that are not found by their "
                        + found.kind().name().toLowerCase(Locale.ROOT) + " `"
                        + MalformedException.shown(found.term().value()) + "`")
                .findFirst()
                .orElse("vouches for decisions that are found by more than they have");
    }

    private static boolean isFound(Found found, List<TermBucket> stored) {
        TermHash hash = TermHash.of(found.term());
        BitSet positions = new BitSet();
        stored.stream()
                .filter(bucket -> hash.buckets().contains(bucket.number()))
                .forEach(bucket -> positions.or(hash.positions(bucket.terms())));
        BitSet missing = found.positions().toSet();
        missing.andNot(positions);
        return missing.isEmpty();
    }

    @Override
    public Stretch stretch(TenantId tenant, long fromSeq, long toSeq, int work) {
        List<Long> pages = store.pagePlaces(tenant, fromSeq, toSeq, Math.max(PACK_PAGES, work / PAGE_WORK) + 1);
        long last = Math.max(fromSeq, last(fromSeq, toSeq, work, pages));
        long read = pages.stream().takeWhile(seq -> seq <= last).count();
        return new Stretch(last, last - fromSeq + 1 + PAGE_WORK * read);
    }

    /** Before the first entry whose pages are too much. */
    private static long last(long fromSeq, long toSeq, int work, List<Long> pages) {
        int before = 0;
        for (int i = 0; i < pages.size(); i++) {
            long seq = pages.get(i);
            before = i > 0 && pages.get(i - 1) < seq ? i : before;
            if (seq - fromSeq + 1 + PAGE_WORK * (i + 1L) > work) {
                return Math.min(seq - 1, fromSeq + work - PAGE_WORK * (long) before - 1);
            }
        }
        return Math.min(toSeq, fromSeq + work - PAGE_WORK * (long) pages.size() - 1);
    }

    @Override
    public OptionalLong orphan(TenantId tenant, long fromSeq, long toSeq) {
        return store.orphan(tenant, fromSeq, toSeq);
    }
}
