package dev.assize.server.administration;

import com.google.inject.Inject;
import dev.assize.server.administration.ApprovalRepository.Ended;
import dev.assize.server.administration.ApprovalRepository.Filing;
import dev.assize.server.administration.ApprovalRepository.FilingResult;
import dev.assize.server.administration.ApprovalRepository.Filter;
import dev.assize.server.administration.ApprovalRepository.Position;
import dev.assize.server.administration.ApprovalRepository.Step;
import dev.assize.server.administration.ApprovalRepository.Write;
import dev.assize.server.administration.ApprovalResult.Done;
import dev.assize.server.administration.FiledApproval.Call;
import dev.assize.server.administration.FiledApproval.Change;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.decision.ApprovalPolicy;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.decision.approval.ApprovalState;
import dev.assize.server.decision.approval.ApproverStanding;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.decision.approval.Standing;
import dev.assize.server.decision.approval.StricterRule;
import dev.assize.server.model.Calendar;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The front desk of approvals: has actions approved by others before they are done. Blocks. Who the caller may speak for
 * is for whoever asks to know; who may approve is judged here.
 *
 * <p>Policy is read before a request is locked and the request itself behind its lock, so that of two calls one finds
 * what the other did, and no call waits for policy while others wait for it. Times come from this node's clock, but never
 * before what already happened to the request.
 */
public final class Approvals {

    /** Requests of a tenant that wait or hold at a time. */
    public static final int OPEN_REQUESTS = 10_000;

    /** Rules that a request pins. */
    public static final int PINNED_RULES = 32;

    /** Requests that are looked at for one page. */
    private static final int SCANNED_FOR_A_PAGE = 10_000;

    /** Requests that are read at a time, each with as many comments as are kept. */
    static final int READ_AT_A_TIME = 100;

    /** Bytes of what was said, behind which a page ends: a message has no room for more. */
    static final int PAGE_BYTES = 3 << 20;

    private final ApprovalRepository repository;
    private final ApprovalPolicy policy;
    private final InstantSource clock;
    private final int openLimit;
    private final ApprovalIds ids = new ApprovalIds();

    @Inject
    public Approvals(ApprovalRepository repository, ApprovalPolicy policy, InstantSource clock) {
        this(repository, policy, clock, OPEN_REQUESTS);
    }

    Approvals(ApprovalRepository repository, ApprovalPolicy policy, InstantSource clock, int openLimit) {
        this.repository = repository;
        this.policy = policy;
        this.clock = clock;
        this.openLimit = openLimit;
    }

    /**
     * What is asked for.
     *
     * @param requester who asks
     * @param subject who would do it
     * @param idempotencyKey null where a retry is not to be recognised
     */
    public record Wish(
            Party requester,
            Party subject,
            ProposedAction proposed,
            @Nullable String reason,
            @Nullable String idempotencyKey) {}

    /** Somebody of a home tenant. */
    public record Party(Subject subject, TenantId home) {}

    /**
     * What an approver says.
     *
     * @param idempotencyKey null where a retry is not to be recognised
     */
    public record Ruling(
            boolean approves,
            @Nullable String comment,
            @Nullable String idempotencyKey) {}

    /**
     * A page of requests.
     *
     * @param next where the next page begins; null on the last one
     */
    public record Page(List<Done> approvals, @Nullable Position next) {}

    /** Asks for an approval, under the rules that cover it now. A retry has its first answer, whatever they are by then. */
    public ApprovalResult request(Wish wish, Recorder caller) {
        Optional<ApprovalResult> earlier = earlier(wish, caller);
        return earlier.isPresent() ? earlier.get() : file(wish, caller);
    }

    private Optional<ApprovalResult> earlier(Wish wish, Recorder caller) {
        String key = wish.idempotencyKey();
        return key == null
                ? Optional.empty()
                : repository
                        .findByKey(wish.proposed().tenant(), caller, key)
                        .map(first -> first.contentHash().equals(contentHash(wish))
                                ? done(first.approval())
                                : new ApprovalResult.KeyReused());
    }

    private ApprovalResult file(Wish wish, Recorder caller) {
        Optional<Reason> unknown = policy.unknown(wish.proposed());
        if (unknown.isPresent()) {
            return new ApprovalResult.Unknown(unknown.get());
        }
        List<ApprovalRuleDocument> covering = policy.covering(wish.proposed());
        if (covering.isEmpty()) {
            return new ApprovalResult.NotNeeded();
        }
        if (covering.size() > PINNED_RULES) {
            return new ApprovalResult.TooManyRules(covering.size());
        }
        Instant now = now();
        FiledApproval approval = FiledApproval.of(newRequest(wish, covering, now), wish.reason());
        Standing standing = approval.standing(covering, now);
        Filing filing = new Filing(
                approval,
                caller,
                wish.idempotencyKey(),
                contentHash(wish),
                openUntil(standing, now),
                ApprovalEvents.requested(approval.request(), wish.reason()));
        return switch (repository.file(filing, openLimit)) {
            case FilingResult.Filed() -> new Done(approval, standing);
            case FilingResult.Replayed(FiledApproval first) -> done(first);
            case FilingResult.KeyReused() -> new ApprovalResult.KeyReused();
            case FilingResult.Full() -> new ApprovalResult.Full();
        };
    }

    /** Approves or rejects. A retry is answered as the first was, though nobody is heard twice. */
    public ApprovalResult resolve(TenantId tenant, String id, Party approver, Ruling ruling, Recorder caller) {
        String key = ruling.idempotencyKey();
        Call call = key == null ? null : new Call(caller, key);
        return change(tenant, id, caller, (filed, covering) -> {
            Set<String> roles = StricterRule.all(filed.request(), covering).stream()
                    .flatMap(rule -> Optional.ofNullable(rule.approverRole()).stream())
                    .collect(Collectors.toSet());
            ApproverStanding standing = policy.standing(approver.subject(), approver.home(), filed.proposed(), roles);
            return (current, at) -> earlier(current, covering, approver, ruling, call, at)
                    .orElseGet(() -> resolve(current, covering, approver, standing, ruling, call, at));
        });
    }

    /** Says something to a request that is not over, and leaves it where it stands. A retry says it once. */
    public ApprovalResult comment(
            TenantId tenant, String id, Party author, String text, @Nullable String idempotencyKey, Recorder caller) {
        Recorder whose = new Recorder(author.subject(), author.home());
        return change(tenant, id, caller, (filed, covering) -> (current, at) -> {
            Comment earlier =
                    Comment.earlier(current.comments(), caller, idempotencyKey).orElse(null);
            if (earlier != null) {
                return answer(
                        earlier.says(whose, text)
                                ? new Done(current, current.standing(covering, at))
                                : new ApprovalResult.KeyReused());
            }
            ApprovalState state = current.standing(covering, at).state();
            if (state != ApprovalState.PENDING && state != ApprovalState.APPROVED) {
                return wrongState(current, state, at, "pending or approved");
            }
            if (current.comments().size() >= Comment.MOST) {
                return answer(new ApprovalResult.CommentsFull());
            }
            Comment comment = new Comment(whose, caller, text, at, idempotencyKey);
            return write(
                    current,
                    covering,
                    new Change.Commented(comment),
                    ApprovalEvents.commented(current.request(), comment));
        });
    }

    /** Takes a request back; its requester only. */
    public ApprovalResult cancel(
            TenantId tenant, String id, Party requester, @Nullable String comment, Recorder caller) {
        return change(tenant, id, caller, (filed, covering) -> (current, at) -> {
            ApprovalRequest request = current.request();
            if (!requester.equals(new Party(request.requester(), request.requesterHome()))) {
                return answer(new ApprovalResult.NotTheirs("its requester `" + request.requester() + "`"));
            }
            ApprovalState state = current.standing(covering, at).state();
            return state == ApprovalState.PENDING || state == ApprovalState.APPROVED
                    ? write(current, covering, new Change.Cancelled(at), ApprovalEvents.cancelled(request, comment))
                    : wrongState(current, state, at, "pending or approved");
        });
    }

    /** Uses up an approval for a single use; the subject it is for only. */
    public ApprovalResult use(TenantId tenant, String id, Party subject, String idempotencyKey, Recorder caller) {
        Call use = new Call(caller, idempotencyKey);
        return change(tenant, id, caller, (filed, covering) -> (current, at) -> {
            ApprovalRequest request = current.request();
            if (!subject.equals(new Party(request.subject(), request.subjectHome()))) {
                return answer(new ApprovalResult.NotTheirs(
                        "the subject it is for, `" + request.subject() + "`, as the one who uses it"));
            }
            if (use.equals(current.use())) {
                return answer(new Done(current, current.standing(covering, at)));
            }
            ApprovalState state = current.standing(covering, at).state();
            if (state != ApprovalState.APPROVED) {
                return wrongState(current, state, at, "approved");
            }
            return StricterRule.all(request, covering).stream().anyMatch(StricterRule::singleUse)
                    ? write(current, covering, new Change.Used(at, use), ApprovalEvents.used(request))
                    : answer(new ApprovalResult.NotSingleUse());
        });
    }

    /** Has it recorded that a request has expired; whether that was not recorded before. */
    boolean expire(TenantId tenant, String id) {
        AtomicBoolean isNew = new AtomicBoolean();
        ApprovalResult _ = change(tenant, id, Recorder.ASSIZE, (_, covering) -> (current, at) -> {
            ApprovalState state = current.standing(covering, at).state();
            Step<ApprovalResult> step = wrongState(current, state, at, "expired");
            isNew.set(step.write() != null);
            return step;
        });
        return isNew.get();
    }

    /** A request and where it stands; empty where there is none of that id. */
    public Optional<Done> find(TenantId tenant, String id) {
        return repository.find(tenant, id).map(this::done);
    }

    /**
     * Requests, newest first. Where much was said the page is shorter than it may be, and has a next one.
     *
     * @param state null for every state
     * @param subject null for every subject
     * @param envs empty for every environment
     */
    public Page list(
            TenantId tenant,
            @Nullable ApprovalState state,
            @Nullable Subject subject,
            Set<Environment> envs,
            @Nullable Position before,
            int size) {
        List<Done> found = new ArrayList<>();
        Position position = before;
        int step = Math.min(size, READ_AT_A_TIME);
        int said = 0;
        for (int scanned = 0; scanned < SCANNED_FOR_A_PAGE; scanned += step) {
            List<FiledApproval> batch =
                    repository.list(tenant, new Filter(ended(state), subject, envs, position, step + 1));
            boolean isLast = batch.size() <= step;
            for (FiledApproval filed : batch.subList(0, Math.min(step, batch.size()))) {
                position = new Position(
                        filed.request().requestedAt(), filed.request().id());
                Done done = done(filed);
                if (state == null || done.standing().state() == state) {
                    found.add(done);
                    said += filed.saidBytes();
                }
                if (found.size() == size || said >= PAGE_BYTES) {
                    return new Page(found, isLast && filed.equals(batch.getLast()) ? null : position);
                }
            }
            if (isLast) {
                return new Page(found, null);
            }
        }
        return new Page(found, position);
    }

    /** What is asked of policy before a request is locked. */
    private interface Preparation {
        Act prepare(FiledApproval filed, List<ApprovalRuleDocument> covering);
    }

    /** What is done to a request behind its lock. */
    private interface Act {
        Step<ApprovalResult> on(FiledApproval current, Instant at);
    }

    private ApprovalResult change(TenantId tenant, String id, Recorder caller, Preparation preparation) {
        Optional<FiledApproval> filed = repository.find(tenant, id);
        if (filed.isEmpty()) {
            return new ApprovalResult.NotFound();
        }
        List<ApprovalRuleDocument> covering = policy.covering(filed.get().proposed());
        Act act = preparation.prepare(filed.get(), covering);
        Function<FiledApproval, Step<ApprovalResult>> step = current -> act.on(current, momentFor(current));
        return repository.change(tenant, id, caller, step).orElseGet(ApprovalResult.NotFound::new);
    }

    private static Optional<Step<ApprovalResult>> earlier(
            FiledApproval filed,
            List<ApprovalRuleDocument> covering,
            Party approver,
            Ruling ruling,
            @Nullable Call call,
            Instant at) {
        return call == null
                ? Optional.empty()
                : filed.voteOf(call)
                        .map(vote -> answer(
                                approver.equals(new Party(vote.approver(), vote.approverHome()))
                                                && vote.approves() == ruling.approves()
                                                && Objects.equals(vote.comment(), ruling.comment())
                                        ? new Done(filed, filed.standing(covering, at))
                                        : new ApprovalResult.KeyReused()));
    }

    private static Step<ApprovalResult> resolve(
            FiledApproval filed,
            List<ApprovalRuleDocument> covering,
            Party approver,
            ApproverStanding standing,
            Ruling ruling,
            @Nullable Call call,
            Instant at) {
        ApprovalRequest request = filed.request();
        if (approver.equals(new Party(request.requester(), request.requesterHome()))
                || approver.equals(new Party(request.subject(), request.subjectHome()))) {
            return answer(new ApprovalResult.OwnRequest());
        }
        List<StricterRule> rules = StricterRule.all(request, covering);
        Eligibility eligibility = Eligibility.of(approver.subject(), standing, filed.proposed(), rules);
        if (eligibility.rules().isEmpty()) {
            return answer(new ApprovalResult.NotEligible(eligibility.why()));
        }
        if (request.votes().stream()
                .anyMatch(vote -> approver.equals(new Party(vote.approver(), vote.approverHome())))) {
            return answer(new ApprovalResult.VotedAlready());
        }
        ApprovalState state = filed.standing(covering, at).state();
        if (state != ApprovalState.PENDING) {
            return wrongState(filed, state, at, "pending");
        }
        Vote vote = new Vote(
                approver.subject(), approver.home(), ruling.approves(), eligibility.rules(), ruling.comment(), at);
        Change change = new Change.Voted(vote, call);
        ApprovalState becomes = filed.after(change).standing(covering, at).state();
        return write(filed, covering, change, ApprovalEvents.voted(request, vote, becomes));
    }

    /** Changes nothing. */
    private static Step<ApprovalResult> answer(ApprovalResult answer) {
        return new Step<>(answer, null);
    }

    /** Whoever comes upon a request that has expired has that recorded. */
    private static Step<ApprovalResult> wrongState(
            FiledApproval filed, ApprovalState state, Instant at, String expected) {
        boolean isNew = state == ApprovalState.EXPIRED && filed.expiredAt() == null;
        return new Step<>(
                new ApprovalResult.WrongState(state, expected),
                isNew ? new Write(new Change.Expired(at), null, ApprovalEvents.expired(filed.request())) : null);
    }

    private static Step<ApprovalResult> write(
            FiledApproval filed, List<ApprovalRuleDocument> covering, Change change, AuditEvent event) {
        FiledApproval after = filed.after(change);
        Standing standing = after.standing(covering, change.at());
        Instant openUntil = standing.until() == null ? null : openUntil(standing, change.at());
        return new Step<>(new Done(after, standing), new Write(change, openUntil, event));
    }

    private Done done(FiledApproval filed) {
        return new Done(filed, filed.standing(policy.covering(filed.proposed()), momentFor(filed)));
    }

    private ApprovalRequest newRequest(Wish wish, List<ApprovalRuleDocument> covering, Instant now) {
        return new ApprovalRequest(
                ids.next(now),
                wish.proposed().tenant(),
                wish.requester().subject(),
                wish.requester().home(),
                wish.subject().subject(),
                wish.subject().home(),
                wish.proposed().action(),
                wish.proposed().resource(),
                wish.proposed().env(),
                covering.stream().map(PinnedRule::of).toList(),
                List.of(),
                now,
                null,
                null);
    }

    /** A zero byte stands in none of these, so no two wishes read the same. */
    private static Digest contentHash(Wish wish) {
        ProposedAction proposed = wish.proposed();
        String content = String.join(
                "\0",
                wish.requester().subject().toString(),
                wish.requester().home().value(),
                wish.subject().subject().toString(),
                wish.subject().home().value(),
                proposed.action().value(),
                proposed.resource().value(),
                proposed.env().value(),
                Objects.requireNonNullElse(wish.reason(), ""));
        return Digest.sha256(content.getBytes(StandardCharsets.UTF_8));
    }

    private static Ended ended(@Nullable ApprovalState state) {
        return switch (state) {
            case null -> Ended.ANY;
            case PENDING, APPROVED -> Ended.NOT;
            case EXPIRED -> Ended.NOT_OR_EXPIRED;
            case REJECTED -> Ended.REJECTED;
            case CANCELLED -> Ended.CANCELLED;
            case USED -> Ended.USED;
        };
    }

    private static Instant openUntil(Standing standing, Instant at) {
        Instant until = standing.until() == null ? at : standing.until();
        return Calendar.atMostLast(until);
    }

    private Instant momentFor(FiledApproval filed) {
        Instant now = now();
        Instant last = filed.lastChangedAt();
        return now.isBefore(last) ? last : now;
    }

    /** In microseconds, which is what the store keeps. */
    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }
}
