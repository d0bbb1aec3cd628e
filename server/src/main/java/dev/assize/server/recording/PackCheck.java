package dev.assize.server.recording;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditColumns;
import dev.assize.server.ledger.BesideCheck;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.model.Digest;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionTerms.Term;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Recomputes the root over stored records and compares it with the entry's, and what they are found by with them. */
final class PackCheck implements BesideCheck {

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
        Map<Term, Positions> expected = DecisionTerms.of(records);
        Map<Term, Positions> stored = store.terms(tenant, seq, expected.keySet());
        return expected.entrySet().stream()
                .filter(term -> !Objects.equals(stored.get(term.getKey()), term.getValue()))
                .map(term -> "vouches for decisions that are not found by their "
                        + term.getKey().kind().name().toLowerCase(Locale.ROOT) + " `"
                        + MalformedException.shown(term.getKey().value()) + "`")
                .findFirst()
                .orElse(null);
    }

    @Override
    public OptionalLong orphan(TenantId tenant, long fromSeq, long toSeq) {
        return store.orphan(tenant, fromSeq, toSeq);
    }
}
