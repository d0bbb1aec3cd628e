package dev.assize.server.administration;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.inject.Inject;
import dev.assize.server.administration.AcceptStep.Judged;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.administration.FiledProposal.Base;
import dev.assize.server.administration.FiledProposal.End;
import dev.assize.server.administration.FiledProposal.How;
import dev.assize.server.administration.FiledProposal.State;
import dev.assize.server.administration.ProposalRepository.Content;
import dev.assize.server.administration.ProposalRepository.Filing;
import dev.assize.server.administration.ProposalRepository.FilingResult;
import dev.assize.server.administration.ProposalRepository.Filter;
import dev.assize.server.administration.ProposalRepository.Keyed;
import dev.assize.server.administration.ProposalRepository.Outcome;
import dev.assize.server.administration.ProposalRepository.Said;
import dev.assize.server.administration.ProposalRepository.Saying;
import dev.assize.server.administration.ProposalRepository.Write;
import dev.assize.server.administration.ProposalResult.Done;
import dev.assize.server.decision.ApprovalPolicy;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.approval.ApproverStanding;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicyDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The front desk of proposals: has changes of policy accepted by others before they are applied. Blocks. Who may ask for
 * which step is for the caller to know; whose acceptance counts is judged here.
 *
 * <p>An acceptance is given to a digest: of the change, and of the revisions it was judged against. Where policy moves the
 * digest is another one, so what was accepted before counts no more, and nobody has to go and void it. Acceptors are judged
 * before the locks are taken, for that asks the engine; whoever accepted in between is judged in another round.
 */
public final class Proposals {

    /** Proposals of a scope that wait at a time. */
    public static final int OPEN_PROPOSALS = 100;

    public static final Duration DEFAULT_TTL = Duration.ofDays(7);
    public static final Duration SHORTEST_TTL = Duration.ofMinutes(1);
    public static final Duration LONGEST_TTL = Duration.ofDays(30);

    /** The action on `policy` that lets somebody accept. */
    private static final Action ACCEPT = new Action("accept");

    private static final String POLICY = "policy";
    private static final Needed ACCEPTING = new Needed(ACCEPT, POLICY);

    /** What it takes besides where a freeze is lifted, it is said anew what a tenant may have, or one is deleted. */
    private static final Needed LIFTING = new Needed(new Action("lift"), "freeze");

    private static final Needed SETTING_TERMS = new Needed(new Action("create"), "tenant");
    private static final Needed DELETING = new Needed(new Action("delete"), "tenant");

    /** A permission that accepting takes. */
    private record Needed(Action action, String type) {}

    private final ProposalRepository repository;
    private final PolicyAdministration administration;
    private final DecisionService decisions;
    private final ApprovalPolicy approvals;
    private final InstantSource clock;
    private final int openLimit;
    private final ApprovalIds ids = new ApprovalIds();

    @Inject
    public Proposals(
            ProposalRepository repository,
            PolicyAdministration administration,
            DecisionService decisions,
            ApprovalPolicy approvals,
            InstantSource clock) {
        this(repository, administration, decisions, approvals, clock, OPEN_PROPOSALS);
    }

    Proposals(
            ProposalRepository repository,
            PolicyAdministration administration,
            DecisionService decisions,
            ApprovalPolicy approvals,
            InstantSource clock,
            int openLimit) {
        this.repository = repository;
        this.administration = administration;
        this.decisions = decisions;
        this.approvals = approvals;
        this.clock = clock;
        this.openLimit = openLimit;
    }

    /**
     * What is proposed.
     *
     * @param proposer who proposes it, and its home
     * @param idempotencyKey null where a retry is not to be recognised
     */
    public record Wish(
            PolicyScope scope,
            Content content,
            boolean force,
            @Nullable String prunedManager,
            @Nullable String reason,
            Duration ttl,
            Recorder proposer,
            @Nullable String idempotencyKey) {}

    /** What an acceptor saw. */
    public record Seen(Digest digest, Revision base) {}

    /**
     * A proposal and what it would do.
     *
     * @param content what it puts and deletes
     * @param outcome of a dry run, with what it would give to whoever looks; null where it is over
     */
    public record View(
            Done proposal, Content content, @Nullable Compared outcome) {}

    /** Proposes a change, judged as it would be were it applied, but for what it gives to its proposer. */
    public ProposalResult propose(Wish wish, Recorder caller) {
        Optional<ProposalResult> earlier = earlier(wish, caller);
        return earlier.isPresent() ? earlier.get() : file(wish, caller);
    }

    /** Before anything is judged: what was proposed may be there by now. */
    private Optional<ProposalResult> earlier(Wish wish, Recorder caller) {
        String key = wish.idempotencyKey;
        return key == null
                ? Optional.empty()
                : repository.findByKey(wish.scope, caller, key).map(first -> answer(first, wish));
    }

    private ProposalResult answer(Keyed first, Wish wish) {
        return first.request().equals(request(wish))
                ? done(first.proposal(), true)
                : new ProposalResult.KeyReused(Objects.requireNonNull(wish.idempotencyKey));
    }

    private ProposalResult file(Wish wish, Recorder caller) {
        Comparison judged = administration.compare(
                AcceptStep.change(
                        wish.scope,
                        wish.content,
                        wish.force,
                        wish.prunedManager,
                        wish.reason,
                        true,
                        ChangeOrigin.APPLY),
                wish.scope,
                caller,
                false);
        if (!(judged.result() instanceof Compared compared)) {
            return new ProposalResult.Refused(judged.result());
        }
        if (!compared.problems().isEmpty()) {
            return new ProposalResult.Refused(new ChangeResult.Invalid(compared.problems()));
        }
        if (compared.changes().stream().noneMatch(ScopeChange::isChange)) {
            return new ProposalResult.NothingToChange();
        }
        Instant now = now();
        FiledProposal proposal = new FiledProposal(
                ids.next(now),
                wish.scope,
                wish.proposer,
                caller,
                digest(wish),
                wish.reason,
                wish.force,
                wish.prunedManager,
                wish.content.puts().size() + wish.content.deletes().size(),
                now,
                now.plus(wish.ttl),
                judged.base(),
                List.of(),
                null,
                List.of());
        Filing filing = new Filing(
                proposal, wish.content, wish.idempotencyKey, request(wish), ProposalEvents.proposed(proposal));
        return switch (repository.file(filing, openLimit)) {
            case FilingResult.Filed() -> done(proposal, false);
            case FilingResult.Replayed(Keyed first) -> answer(first, wish);
            case FilingResult.Full() -> new ProposalResult.Full(openLimit);
        };
    }

    /** Accepts what somebody saw; with the last acceptance that it needs a proposal is applied. */
    public ProposalResult accept(PolicyScope scope, String id, Recorder acceptor, Seen seen, @Nullable String comment) {
        Map<Recorder, List<String>> obstacles = new HashMap<>();
        Content content = repository.content(scope, id);
        Set<Needed> needed = needed(scope, content);
        obstacles.put(acceptor, obstacles(scope, acceptor, needed));
        while (true) {
            Judged judged = new Judged(obstacles, needed.contains(LIFTING), needed.contains(SETTING_TERMS));
            AcceptStep step = new AcceptStep(acceptor, seen, comment, content, judged, clock);
            switch (repository.change(scope, id, step).orElse(new AcceptStep.Over(new ProposalResult.NotFound()))) {
                // Each round knows at least one acceptor more, and they are few.
                case AcceptStep.Unjudged(Set<Recorder> others) ->
                    others.forEach(other -> obstacles.put(other, obstacles(scope, other, needed)));
                // What was asked for stays so, and there are two things that can come in between.
                case AcceptStep.Outgrown() -> {
                    needed.addAll(needed(scope, content));
                    obstacles.replaceAll((one, any) -> obstacles(scope, one, needed));
                }
                case AcceptStep.Over(ProposalResult result) -> {
                    if (result instanceof Done done && done.state() == State.APPLIED) {
                        decisions.refresh(scope);
                    }
                    return result;
                }
            }
        }
    }

    /** Ends a proposal: whoever may accept it may reject it. */
    public ProposalResult reject(PolicyScope scope, String id, Recorder caller, @Nullable String comment) {
        List<String> obstacles = obstacles(scope, caller, Set.of(ACCEPTING));
        return end(scope, id, How.REJECTED, caller, comment, proposal -> {
            if (proposal.isOf(caller)) {
                return new ProposalResult.Own();
            }
            return obstacles.isEmpty() ? null : new ProposalResult.NotEligible(obstacles);
        });
    }

    /** Says something to a pending proposal, and leaves it where it stands. A retry says it once. */
    public ProposalResult comment(
            PolicyScope scope, String id, Recorder author, String text, @Nullable String idempotencyKey) {
        Base base = administration.base(scope);
        int needed = administration.acceptancesNeeded(scope);
        return repository
                .say(scope, id, proposal -> {
                    Comment earlier = Comment.earlier(proposal.comments(), author, idempotencyKey)
                            .orElse(null);
                    if (earlier != null) {
                        return silent(
                                earlier.says(author, text)
                                        ? done(proposal, base, needed, true)
                                        : new ProposalResult.KeyReused(Objects.requireNonNull(idempotencyKey)));
                    }
                    Instant at = AcceptStep.momentFor(proposal, clock);
                    if (proposal.state(at) != State.PENDING) {
                        return silent(new ProposalResult.WrongState(proposal.state(at)));
                    }
                    if (proposal.comments().size() >= Comment.MOST) {
                        return silent(new ProposalResult.CommentsFull());
                    }
                    Comment comment = new Comment(author, author, text, at, idempotencyKey);
                    return new Saying<ProposalResult>(
                            done(proposal.with(comment), base, needed, false),
                            new Said(comment, ProposalEvents.commented(proposal, base, comment)));
                })
                .orElseGet(ProposalResult.NotFound::new);
    }

    private static Saying<ProposalResult> silent(ProposalResult answer) {
        return new Saying<>(answer, null);
    }

    /** Takes a proposal back; its proposer only, or who wrote it down. */
    public ProposalResult withdraw(PolicyScope scope, String id, Recorder caller, @Nullable String comment) {
        return end(
                scope,
                id,
                How.WITHDRAWN,
                caller,
                comment,
                proposal -> proposal.isOf(caller) ? null : new ProposalResult.NotTheirs());
    }

    /** Has it recorded that a proposal has expired; whether that was not recorded before. */
    boolean expire(PolicyScope scope, String id) {
        return repository
                .change(scope, id, (proposal, policy) -> {
                    Write expiry = AcceptStep.expiry(
                            proposal, AcceptStep.base(policy, scope), AcceptStep.momentFor(proposal, clock));
                    return new Outcome<>(expiry != null, expiry);
                })
                .orElse(false);
    }

    /** A proposal and, while it waits, what it would do; empty where there is none of that id. */
    public Optional<View> view(PolicyScope scope, String id, Recorder viewer) {
        return repository.find(scope, id).map(proposal -> {
            Content content = repository.content(scope, id);
            if (proposal.state(momentFor(proposal)) != State.PENDING) {
                return new View(done(proposal, false), content, null);
            }
            ChangeSet change = AcceptStep.change(
                    scope,
                    content,
                    proposal.force(),
                    proposal.prunedManager(),
                    proposal.reason(),
                    true,
                    ChangeOrigin.APPLY);
            Comparison judged = administration.compare(change, scope, viewer, true);
            Compared outcome = judged.result() instanceof Compared compared ? compared : Compared.NOTHING;
            return new View(
                    done(proposal, judged.base(), administration.acceptancesNeeded(scope), false), content, outcome);
        });
    }

    /**
     * A page of proposals.
     *
     * @param next the id behind which the next page begins; null on the last one
     */
    public record Page(List<Done> proposals, @Nullable String next) {

        public Page {
            proposals = List.copyOf(proposals);
        }
    }

    /**
     * Proposals, newest first, behind {@code before}. Where much was said the page is shorter than it may be, and has a next
     * one.
     */
    public Page list(PolicyScope scope, @Nullable State state, @Nullable String before, int size) {
        Base base = administration.base(scope);
        int needed = administration.acceptancesNeeded(scope);
        Instant now = now();
        List<Done> found = new ArrayList<>();
        String behind = before;
        int said = 0;
        while (true) {
            int step = Math.min(size - found.size(), Approvals.READ_AT_A_TIME);
            List<FiledProposal> batch = repository.list(scope, new Filter(state, now, behind, step + 1));
            for (int i = 0; i < Math.min(step, batch.size()); i++) {
                FiledProposal proposal = batch.get(i);
                behind = proposal.id();
                found.add(done(proposal, base, needed, false));
                said += proposal.saidBytes();
                if (found.size() == size || said >= Approvals.PAGE_BYTES) {
                    return new Page(found, i == batch.size() - 1 ? null : behind);
                }
            }
            if (batch.size() <= step) {
                return new Page(found, null);
            }
        }
    }

    /**
     * An end that somebody makes.
     *
     * @param refusal why it may not be; null where it may
     */
    private ProposalResult end(
            PolicyScope scope,
            String id,
            How how,
            Recorder caller,
            @Nullable String comment,
            Function<FiledProposal, @Nullable ProposalResult> refusal) {
        return repository
                .change(scope, id, (proposal, policy) -> {
                    Instant at = AcceptStep.momentFor(proposal, clock);
                    Base base = AcceptStep.base(policy, scope);
                    End end = proposal.end();
                    if (end != null && end.how() == how && end.by().equals(caller)) {
                        return new Outcome<>(done(proposal, false), null);
                    }
                    ProposalResult refused = refusal.apply(proposal);
                    if (refused != null) {
                        return new Outcome<>(refused, null);
                    }
                    if (proposal.state(at) != State.PENDING) {
                        return new Outcome<>(
                                new ProposalResult.WrongState(proposal.state(at)),
                                AcceptStep.expiry(proposal, base, at));
                    }
                    End made = new End(how, caller, at, comment, null);
                    return new Outcome<ProposalResult>(
                            done(proposal.with(base, proposal.acceptances(), made), false),
                            new Write(
                                    caller,
                                    base,
                                    null,
                                    made,
                                    List.of(),
                                    List.of(ProposalEvents.ended(proposal, base, made))));
                })
                .orElseGet(ProposalResult.NotFound::new);
    }

    /** Whether a freeze that is there may be another one afterwards. */
    private boolean lifts(PolicyScope scope, Content content) {
        return Stream.concat(content.puts().stream().map(Document::key), content.deletes().stream())
                .filter(key -> key.kind() == Kind.FREEZE)
                .anyMatch(key -> administration.export(scope).find(key).isPresent());
    }

    /** Whether what the tenant may have is another afterwards. */
    private boolean setsTerms(PolicyScope scope, Content content) {
        return content.puts().stream()
                .filter(TenantDocument.class::isInstance)
                .map(TenantDocument.class::cast)
                .anyMatch(tenant -> administration
                        .export(scope)
                        .find(tenant.key())
                        .filter(TenantDocument.class::isInstance)
                        .map(was -> !((TenantDocument) was).terms().equals(tenant.terms()))
                        .orElse(false));
    }

    /** What accepting takes by what a proposal does. */
    private Set<Needed> needed(PolicyScope scope, Content content) {
        Set<Needed> needed = new LinkedHashSet<>(Set.of(ACCEPTING));
        if (lifts(scope, content)) {
            needed.add(LIFTING);
        }
        if (setsTerms(scope, content)) {
            needed.add(SETTING_TERMS);
        }
        if (content.deletes().stream().anyMatch(key -> key.kind() == Kind.TENANT)) {
            needed.add(DELETING);
        }
        return needed;
    }

    /** What stands against somebody's word, in sentences for people. */
    private List<String> obstacles(PolicyScope scope, Recorder acceptor, Set<Needed> needed) {
        TenantId tenant = scope.ledgerTenant();
        List<String> obstacles = new ArrayList<>();
        needed.forEach(one -> require(one.action, path(tenant, one.type), acceptor, obstacles));
        ApproverStanding standing = approvals.standing(
                acceptor.caller(),
                acceptor.home(),
                new ProposedAction(tenant, ACCEPT, path(tenant, POLICY), Environment.DEFAULT),
                Set.of());
        if (standing.frozenBy() != null) {
            obstacles.add("`" + acceptor.caller() + "` is frozen in tenant `" + tenant + "` by `" + standing.frozenBy()
                    + "`");
        }
        return List.copyOf(obstacles);
    }

    private static ResourcePath path(TenantId tenant, String type) {
        return new ResourcePath("tenant:" + tenant + "/" + type, type, true);
    }

    private void require(Action action, ResourcePath resource, Recorder acceptor, List<String> obstacles) {
        Answer answer = decisions.evaluateOwn(new CheckQuery(
                acceptor.caller(), resource, action, TenantId.ASSIZE, Environment.DEFAULT, acceptor.home()));
        if (!answer.reason().isAllow() || !answer.obligations().isEmpty()) {
            obstacles.add("`" + acceptor.caller() + "` lacks permission `" + action + "` on `" + resource + "`");
        }
    }

    private Done done(FiledProposal proposal, boolean replayed) {
        return proposal.state(momentFor(proposal)) == State.PENDING
                ? done(
                        proposal,
                        administration.base(proposal.scope()),
                        administration.acceptancesNeeded(proposal.scope()),
                        replayed)
                : done(proposal, proposal.base(), 0, replayed);
    }

    private Done done(FiledProposal proposal, Base base, int needed, boolean replayed) {
        State state = proposal.state(momentFor(proposal));
        return state == State.PENDING
                ? new Done(proposal, state, base, needed, replayed)
                : new Done(proposal, state, proposal.base(), 0, replayed);
    }

    private static Digest digest(Wish wish) {
        return Digest.sha256(
                PolicyDigest.ofChange(wish.scope, wish.content.puts(), wish.content.deletes())
                        .bytes(),
                (wish.force + "\0" + Objects.requireNonNullElse(wish.prunedManager, "")).getBytes(UTF_8));
    }

    /** A zero byte stands in none of these, so no two wishes read the same. */
    private static Digest request(Wish wish) {
        return Digest.sha256(
                digest(wish).bytes(),
                String.join(
                                "\0",
                                wish.proposer.caller().toString(),
                                wish.proposer.home().value(),
                                wish.ttl.toString(),
                                Objects.requireNonNullElse(wish.reason, ""))
                        .getBytes(UTF_8));
    }

    private Instant momentFor(FiledProposal proposal) {
        return AcceptStep.momentFor(proposal, clock);
    }

    /** In microseconds, which is what the store keeps. */
    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }
}
