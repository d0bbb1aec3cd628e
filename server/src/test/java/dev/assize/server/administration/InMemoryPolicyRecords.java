package dev.assize.server.administration;

import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.decision.PolicyRecords;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DocumentKey;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** What a ledger in memory holds of policies in memory. */
public record InMemoryPolicyRecords(InMemoryPolicyRepository policies, LedgerStore ledger) implements PolicyRecords {

    @Override
    public Revision present(PolicyScope scope) {
        return policies.present(scope);
    }

    @Override
    public Optional<Digest> digest(PolicyScope scope, Revision revision) {
        return policies.revisions(scope, revision.next(), 1).stream()
                .filter(record -> record.revision().equals(revision))
                .map(RevisionRecord::policyDigest)
                .findFirst();
    }

    @Override
    public int incarnation(PolicyScope scope) {
        return ledger.head(scope.ledgerTenant()).map(LedgerHead::incarnation).orElse(0);
    }

    @Override
    public Set<DocumentKey> changed(PolicyScope scope, Revision from, Revision to) {
        Set<DocumentKey> changed = new HashSet<>();
        policies.compare(scope, from, to, change -> changed.add(change.key()));
        return changed;
    }
}
