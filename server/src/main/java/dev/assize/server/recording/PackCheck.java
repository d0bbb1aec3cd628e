package dev.assize.server.recording;

import com.google.inject.Inject;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditColumns;
import dev.assize.server.ledger.BesideCheck;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionStore.StoredDecision;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Recomputes the root over stored records and compares it with the entry's, and every query column with its record. */
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
            return fault(payload, store.beside(tenant, entry.seq()));
        } catch (MalformedRecordException e) {
            return "vouches for decisions that cannot be read: " + e.getMessage();
        }
    }

    private static @Nullable String fault(String payload, List<StoredDecision> stored) {
        int count = DecisionPack.count(payload);
        if (stored.size() != count) {
            return "vouches for " + count + " decisions, and " + stored.size() + " are on record";
        }
        for (int i = 0; i < count; i++) {
            StoredDecision decision = stored.get(i);
            if (decision.position() != i) {
                return "vouches for a decision at position " + i + ", which is missing";
            }
            if (!decision.columns().equals(DecisionColumns.of(decision.record()))) {
                return "vouches for a decision at position " + i + " whose columns are not those of its record";
            }
        }
        String found =
                new DecisionPack(stored.stream().map(StoredDecision::record).toList()).payload();
        return found.equals(payload) ? null : "vouches for other decisions than those that are on record";
    }

    @Override
    public OptionalLong orphan(TenantId tenant, long fromSeq, long toSeq) {
        return store.orphan(tenant, fromSeq, toSeq);
    }
}
