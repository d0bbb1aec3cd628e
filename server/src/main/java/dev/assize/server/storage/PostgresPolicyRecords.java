package dev.assize.server.storage;

import com.google.inject.Inject;
import dev.assize.server.administration.PolicyHistory;
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

/** Reads by what states are known from the revisions and from the heads of ledgers. */
final class PostgresPolicyRecords implements PolicyRecords {

    private final PostgresPolicyRepository repository;
    private final PolicyHistory history;
    private final LedgerStore ledgers;

    @Inject
    PostgresPolicyRecords(PostgresPolicyRepository repository, PolicyHistory history, LedgerStore ledgers) {
        this.repository = repository;
        this.history = history;
        this.ledgers = ledgers;
    }

    @Override
    public Revision present(PolicyScope scope) {
        return history.present(scope);
    }

    @Override
    public Optional<Digest> digest(PolicyScope scope, Revision revision) {
        return repository.revisions(scope, revision.next(), 1).stream()
                .filter(record -> record.revision().equals(revision))
                .map(RevisionRecord::policyDigest)
                .findFirst();
    }

    @Override
    public int incarnation(PolicyScope scope) {
        return ledgers.head(scope.ledgerTenant()).map(LedgerHead::incarnation).orElse(0);
    }

    @Override
    public Set<DocumentKey> changed(PolicyScope scope, Revision from, Revision to) {
        Set<DocumentKey> changed = new HashSet<>();
        history.compare(scope, from, to, change -> changed.add(change.key()));
        return changed;
    }
}
