package dev.assize.server.administration;

import dev.assize.server.administration.FiledProposal.Acceptance;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.LedgerStore;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/** Proposals in memory, for tests, beside policy in memory. */
public final class InMemoryProposalRepository implements ProposalRepository {

    private final InMemoryPolicyRepository policies;
    private final LedgerStore ledger;
    private final AuditCodec codec = new AuditCodec();
    private final TreeMap<String, Filing> filings = new TreeMap<>();
    private final TreeMap<String, FiledProposal> proposals = new TreeMap<>();

    /** Most proposals that were listed at a time. */
    int mostListed;

    public InMemoryProposalRepository(InMemoryPolicyRepository policies, LedgerStore ledger) {
        this.policies = policies;
        this.ledger = ledger;
    }

    @Override
    public synchronized FilingResult file(Filing filing, int openLimit) {
        FiledProposal proposal = filing.proposal();
        if (filing.idempotencyKey() != null) {
            Optional<Keyed> first = findByKey(proposal.scope(), proposal.recordedBy(), filing.idempotencyKey());
            if (first.isPresent()) {
                return new FilingResult.Replayed(first.get());
            }
        }
        long open = proposals.values().stream()
                .filter(one -> one.scope().equals(proposal.scope()))
                .filter(one -> one.state(proposal.proposedAt()) == FiledProposal.State.PENDING)
                .count();
        if (open >= openLimit) {
            return new FilingResult.Full();
        }
        filings.put(proposal.id(), filing);
        proposals.put(proposal.id(), proposal);
        record(proposal.scope(), proposal.recordedBy(), List.of(filing.event()));
        return new FilingResult.Filed();
    }

    @Override
    public synchronized Optional<Keyed> findByKey(PolicyScope scope, Recorder caller, String idempotencyKey) {
        return filings.values().stream()
                .filter(filing -> filing.proposal().scope().equals(scope)
                        && filing.proposal().recordedBy().equals(caller)
                        && idempotencyKey.equals(filing.idempotencyKey()))
                .findFirst()
                .map(filing -> new Keyed(
                        Objects.requireNonNull(proposals.get(filing.proposal().id())), filing.request()));
    }

    @Override
    public synchronized Optional<FiledProposal> find(PolicyScope scope, String id) {
        return Optional.ofNullable(proposals.get(id))
                .filter(proposal -> proposal.scope().equals(scope));
    }

    @Override
    public synchronized Content content(PolicyScope scope, String id) {
        return find(scope, id)
                .map(proposal -> Objects.requireNonNull(filings.get(id)).content())
                .orElse(new Content(List.of(), List.of()));
    }

    @Override
    public synchronized List<FiledProposal> list(PolicyScope scope, Filter filter) {
        List<FiledProposal> listed = proposals.descendingMap().values().stream()
                .filter(proposal -> proposal.scope().equals(scope))
                .filter(proposal -> filter.before() == null || proposal.id().compareTo(filter.before()) < 0)
                .filter(proposal -> filter.state() == null || proposal.state(filter.now()) == filter.state())
                .limit(filter.limit())
                .toList();
        mostListed = Math.max(mostListed, listed.size());
        return listed;
    }

    @Override
    public synchronized <R> Optional<R> change(PolicyScope scope, String id, Step<R> step) {
        return find(scope, id)
                .map(proposal -> policies.underLock(Set.of(scope), present -> {
                    Outcome<R> outcome = step.on(proposal, present);
                    if (outcome.write() != null) {
                        write(proposal, outcome.write());
                    }
                    return outcome.answer();
                }));
    }

    @Override
    public synchronized <R> Optional<R> say(PolicyScope scope, String id, Function<FiledProposal, Saying<R>> step) {
        return find(scope, id).map(proposal -> {
            Saying<R> saying = step.apply(proposal);
            Said said = saying.comment();
            if (said != null) {
                record(scope, said.comment().saidBy(), List.of(said.entry()));
                proposals.put(id, proposal.with(said.comment()));
            }
            return saying.answer();
        });
    }

    private void write(FiledProposal proposal, Write write) {
        if (write.plans().isEmpty()) {
            record(proposal.scope(), write.caller(), write.entries());
        } else {
            policies.writeUnderLock(List.of(write.plans().getFirst().with(write.entries())));
        }
        List<Acceptance> acceptances = new ArrayList<>(proposal.acceptances());
        if (write.acceptance() != null) {
            acceptances.add(write.acceptance());
        }
        proposals.put(proposal.id(), proposal.with(write.base(), acceptances, write.end()));
    }

    private void record(PolicyScope scope, Recorder caller, List<AuditEvent> events) {
        ledger.append(
                scope.ledgerTenant(),
                List.of(new AppendCommand(
                        caller,
                        events.stream()
                                .map(event -> codec.encode(event, caller, scope.ledgerTenant()))
                                .toList(),
                        null)));
    }
}
