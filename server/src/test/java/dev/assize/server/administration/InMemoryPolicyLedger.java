package dev.assize.server.administration;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.replay.PolicyEntry;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/** Entries that tell of policy, in a ledger in memory that has no snapshots; for tests. */
public final class InMemoryPolicyLedger implements PolicyLedger {

    private static final Set<String> TYPES = Set.of(PolicyEntry.MANIFEST, PolicyEntry.DIFF);

    private final InMemoryLedgerStore ledger;
    private final AuditCodec codec = new AuditCodec();

    public InMemoryPolicyLedger(InMemoryLedgerStore ledger) {
        this.ledger = ledger;
    }

    @Override
    public OptionalLong newestSnapshot(PolicyScope scope, Revision atMost) {
        return OptionalLong.empty();
    }

    @Override
    public List<PolicyEntry> manifests(TenantId tenant, List<Long> seqs) {
        return entries(tenant)
                .filter(entry -> seqs.contains(entry.seq()) && entry.type().equals(PolicyEntry.MANIFEST))
                .toList();
    }

    @Override
    public List<PolicyEntry> read(TenantId tenant, long fromSeq) {
        return entries(tenant)
                .filter(entry -> entry.seq() >= fromSeq && TYPES.contains(entry.type()))
                .limit(3)
                .toList();
    }

    private Stream<PolicyEntry> entries(TenantId tenant) {
        return List.copyOf(ledger.rows(tenant).values()).stream().map(this::entry);
    }

    private PolicyEntry entry(StoredEntry entry) {
        AuditEvent event = codec.decode(entry.frame(), entry.entryHash()).event();
        return new PolicyEntry(entry.seq(), event.type(), event.payload() == null ? "" : event.payload());
    }
}
