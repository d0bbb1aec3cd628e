package dev.assize.server.administration;

import dev.assize.server.administration.ChangeOrigin.Accepted;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.FiledProposal.Acceptance;
import dev.assize.server.administration.FiledProposal.Base;
import dev.assize.server.administration.FiledProposal.End;
import dev.assize.server.administration.FiledProposal.How;
import dev.assize.server.administration.FiledProposal.State;
import dev.assize.server.administration.PolicyRepository.Present;
import dev.assize.server.administration.PolicyRepository.ScopePlan;
import dev.assize.server.administration.ProposalRepository.Content;
import dev.assize.server.administration.ProposalRepository.Outcome;
import dev.assize.server.administration.ProposalRepository.Step;
import dev.assize.server.administration.ProposalRepository.Write;
import dev.assize.server.administration.ProposalResult.Done;
import dev.assize.server.administration.Proposals.Seen;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One try to accept a proposal, behind its lock and those of the policy it would change: of any number of acceptors on any
 * number of nodes one is the last that it needs, and applies it.
 */
final class AcceptStep implements Step<AcceptStep.Result> {

    private final Recorder acceptor;
    private final Seen seen;
    private final @Nullable String comment;
    private final Content content;
    private final Judged judged;
    private final InstantSource clock;

    AcceptStep(
            Recorder acceptor,
            Seen seen,
            @Nullable String comment,
            Content content,
            Judged judged,
            InstantSource clock) {
        this.acceptor = acceptor;
        this.seen = seen;
        this.comment = comment;
        this.content = content;
        this.judged = judged;
        this.clock = clock;
    }

    /**
     * What was asked before anything was locked.
     *
     * @param obstacles what stands against each acceptor who was judged, the present one among them
     * @param mayLift whether they were asked about as those who lift freezes
     * @param maySetTerms whether they were asked about as those who say what a tenant may have
     */
    record Judged(Map<Recorder, List<String>> obstacles, boolean mayLift, boolean maySetTerms) {

        Judged {
            obstacles = Map.copyOf(obstacles);
        }

        private List<String> against(Recorder one) {
            return Objects.requireNonNull(obstacles.get(one));
        }
    }

    /** What a try comes to. */
    sealed interface Result {}

    /** It is decided. */
    record Over(ProposalResult result) implements Result {}

    /** Others accepted it of whom it is not known whether that counts. */
    record Unjudged(Set<Recorder> others) implements Result {}

    /** By what has changed meanwhile it takes more than the acceptors were asked about. */
    record Outgrown() implements Result {}

    @Override
    public Outcome<Result> on(FiledProposal proposal, Present policy) {
        Instant at = momentFor(proposal, clock);
        if (isAppliedAsSeen(proposal)) {
            return over(new Done(proposal, State.APPLIED, proposal.base(), 0, true));
        }
        Base base = base(policy, proposal.scope());
        ProposalResult refusal = refusal(proposal, base, at);
        if (refusal != null) {
            return new Outcome<>(new Over(refusal), expiry(proposal, base, at));
        }
        List<Acceptance> given = proposal.acceptances(base);
        Acceptance mine = given.stream().anyMatch(one -> one.acceptor().equals(acceptor))
                ? null
                : new Acceptance(acceptor, base, comment, at);
        List<Recorder> acceptors =
                new ArrayList<>(given.stream().map(Acceptance::acceptor).toList());
        if (mine != null) {
            acceptors.add(acceptor);
        }
        Set<Recorder> unjudged = acceptors.stream()
                .filter(one -> !judged.obstacles.containsKey(one))
                .collect(Collectors.toSet());
        return unjudged.isEmpty()
                ? count(proposal, policy, base, mine, acceptors, at)
                : new Outcome<>(new Unjudged(unjudged), null);
    }

    /** A retry of the last acceptance. */
    private boolean isAppliedAsSeen(FiledProposal proposal) {
        return proposal.end() != null
                && proposal.end().how() == How.APPLIED
                && proposal.digest(proposal.base()).equals(seen.digest())
                && proposal.acceptances(proposal.base()).stream()
                        .anyMatch(one -> one.acceptor().equals(acceptor));
    }

    private @Nullable ProposalResult refusal(FiledProposal proposal, Base base, Instant at) {
        if (proposal.state(at) != State.PENDING) {
            return new ProposalResult.WrongState(proposal.state(at));
        }
        if (proposal.isOf(acceptor)) {
            return new ProposalResult.Own();
        }
        List<String> why = judged.against(acceptor);
        if (!why.isEmpty()) {
            return new ProposalResult.NotEligible(why);
        }
        return seen.digest().equals(proposal.digest(base)) && seen.base().equals(base.revision())
                ? null
                : new ProposalResult.Moved(proposal.digest(base), base);
    }

    /** @param mine null where it was given before */
    private Outcome<Result> count(
            FiledProposal proposal,
            Present policy,
            Base base,
            @Nullable Acceptance mine,
            List<Recorder> acceptors,
            Instant at) {
        List<Recorder> counting =
                acceptors.stream().filter(one -> judged.against(one).isEmpty()).toList();
        int needed = needed(policy, proposal.scope());
        boolean isEnough = counting.size() >= needed;
        if (mine == null && !isEnough) {
            return over(new Done(proposal, State.PENDING, base, needed, true));
        }
        ChangePlanner planner = planner(proposal, counting, isEnough);
        List<ScopePlan> plans = planner.plan(policy);
        if (planner.result() instanceof ChangeResult.LiftRefused
                || planner.result() instanceof ChangeResult.TermsRefused) {
            return new Outcome<>(new Outgrown(), null);
        }
        ProposalResult refused = refusal(planner.result());
        if (refused != null) {
            return over(refused);
        }
        List<Acceptance> all = new ArrayList<>(proposal.acceptances());
        List<AuditEvent> entries = new ArrayList<>();
        if (mine != null) {
            all.add(mine);
            entries.add(ProposalEvents.accepted(proposal, mine, counting.size(), needed));
        }
        End end = null;
        if (isEnough) {
            Revision made = plans.isEmpty() ? base.revision() : plans.getFirst().revision();
            end = new End(How.APPLIED, acceptor, at, comment, made);
            entries.add(ProposalEvents.ended(proposal, base, end));
        }
        FiledProposal after = proposal.with(base, all, end);
        return new Outcome<>(
                new Over(new Done(after, after.state(at), base, isEnough ? 0 : needed, false)),
                new Write(acceptor, base, mine, end, plans, entries));
    }

    /** As long as others are to accept it, too, it is judged and not applied. */
    private ChangePlanner planner(FiledProposal proposal, List<Recorder> counting, boolean isEnough) {
        Accepted accepted = new Accepted(
                proposal.id(),
                proposal.proposer().caller(),
                counting.stream().map(Recorder::caller).toList());
        ChangeOrigin origin = new ChangeOrigin("proposal:" + proposal.id(), null, null, accepted);
        ChangeSet change = change(
                proposal.scope(),
                content,
                proposal.force(),
                proposal.prunedManager(),
                proposal.reason(),
                !isEnough,
                origin);
        Warrant warrant = Warrant.ofAcceptors(acceptor, isEnough ? counting : List.of(acceptor))
                .lifting(tenant -> judged.mayLift)
                .settingTerms(tenant -> judged.maySetTerms);
        return new ChangePlanner(change, warrant, tenant -> false, clock);
    }

    private static @Nullable ProposalResult refusal(ChangeResult result) {
        return switch (result) {
            case ChangeResult.Accepted _ -> null;
            case Compared compared
            when !compared.problems().isEmpty() ->
                new ProposalResult.Refused(new ChangeResult.Invalid(compared.problems()));
            case Compared compared
            when !compared.gains().isEmpty() ->
                new ProposalResult.Refused(
                        new ChangeResult.SelfEscalation(compared.gains().getFirst()));
            case Compared _ -> null;
            case ChangeResult other -> new ProposalResult.Refused(other);
        };
    }

    private static Outcome<Result> over(ProposalResult result) {
        return new Outcome<>(new Over(result), null);
    }

    /** What a proposal does, from what is kept of it. */
    static ChangeSet change(
            PolicyScope scope,
            Content content,
            boolean force,
            @Nullable String prunedManager,
            @Nullable String reason,
            boolean dryRun,
            ChangeOrigin origin) {
        return new ChangeSet(
                content.puts(),
                content.deletes(),
                List.of(),
                dryRun,
                force,
                reason,
                origin,
                prunedManager,
                Set.of(scope));
    }

    /** One at least: otherwise it could as well be applied. */
    static int needed(Present policy, PolicyScope scope) {
        return Math.max(1, ChangePlanner.acceptancesNeeded(policy.documents(PolicyScope.of(scope.ledgerTenant()))));
    }

    static Base base(Present policy, PolicyScope scope) {
        return new Base(
                policy.documents(scope).revision(),
                policy.documents(PolicyScope.PLATFORM).revision());
    }

    /** Whoever comes upon a proposal that has run out has that recorded; null where it has not, or that is done. */
    static @Nullable Write expiry(FiledProposal proposal, Base base, Instant at) {
        if (proposal.end() != null || proposal.state(at) != State.EXPIRED) {
            return null;
        }
        End end = new End(How.EXPIRED, Recorder.ASSIZE, at, null, null);
        return new Write(
                Recorder.ASSIZE, base, null, end, List.of(), List.of(ProposalEvents.ended(proposal, base, end)));
    }

    /** This node's clock, but never before what already happened to the proposal. */
    static Instant momentFor(FiledProposal proposal, InstantSource clock) {
        Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);
        Instant last = Stream.concat(
                        proposal.acceptances().stream().map(Acceptance::at),
                        proposal.comments().stream().map(Comment::at))
                .max(Comparator.naturalOrder())
                .orElse(proposal.proposedAt());
        return now.isBefore(last) ? last : now;
    }
}
