package dev.assize.server.administration;

import static dev.assize.server.testing.FakeApprovalPolicy.HOLD;
import static dev.assize.server.testing.FakeApprovalPolicy.WAIT;
import static dev.assize.server.testing.FakeApprovalPolicy.rule;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.assize.server.administration.ApprovalResult.Done;
import dev.assize.server.administration.Approvals.Page;
import dev.assize.server.administration.Approvals.Party;
import dev.assize.server.administration.Approvals.Ruling;
import dev.assize.server.administration.Approvals.Wish;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.decision.approval.ApprovalState;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.decision.approval.Standing;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.testing.FakeApprovalPolicy;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ApprovalsTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId PARTNER = new TenantId("partner");
    private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");
    private static final Recorder GATE = new Recorder(new Subject("service", "gate"), ACME);
    private static final Recorder OTHER = new Recorder(new Subject("service", "other"), ACME);
    private static final Party ALICE = party("user:alice", ACME);
    private static final Party BOB = party("user:bob", ACME);
    private static final Party CAROL = party("user:carol", ACME);
    private static final Party ROBOT = party("agent:robot", ACME);
    private static final Ruling YES = new Ruling(true, "fine", null);
    private static final Ruling NO = new Ruling(false, "no", null);

    private Instant now = START;
    private final InMemoryLedgerStore ledger = new InMemoryLedgerStore(() -> now, new AuditCodec());
    private final InMemoryApprovalRepository repository = new InMemoryApprovalRepository(ledger);
    private final FakeApprovalPolicy policy = new FakeApprovalPolicy()
            .with(rule("payments", "pay", 1, false))
            .with(rule("wires", "wire", 2, true))
            .holds("user:bob", "acme", "approver")
            .holds("user:carol", "acme", "approver")
            .holds("user:alice", "acme", "approver");
    private final Approvals approvals = new Approvals(repository, policy, () -> now, 3);

    @Test
    void requestsNothingThatPolicyDoesNotKnow() {
        for (Reason unknown : List.of(
                Reason.TENANT_UNKNOWN, Reason.ENVIRONMENT_UNKNOWN, Reason.TYPE_UNKNOWN, Reason.ACTION_UNKNOWN)) {
            policy.answerUnknown(unknown);
            assertThat(approvals.request(wish("pay", null), GATE)).isEqualTo(new ApprovalResult.Unknown(unknown));
        }
        assertThat(types()).isEmpty();
    }

    @Test
    void requestsNothingThatNeedsNoApproval() {
        assertThat(approvals.request(wish("read", null), GATE)).isEqualTo(new ApprovalResult.NotNeeded());
    }

    @Test
    void pinsNoMoreRulesThanItMay() {
        for (int i = 0; i < Approvals.PINNED_RULES; i++) {
            policy.with(rule("rule-" + i, "sign", 1, false));
        }
        assertThat(approvals.request(wish("sign", null), GATE)).isInstanceOf(Done.class);
        policy.with(rule("one-more", "sign", 1, false));
        assertThat(approvals.request(wish("sign", null), GATE))
                .isEqualTo(new ApprovalResult.TooManyRules(Approvals.PINNED_RULES + 1));
    }

    @Test
    void keepsNoMoreOpenThanItMay() {
        request("pay");
        now = now.plusSeconds(1);
        request("pay");
        String last = request("pay");
        assertThat(approvals.request(wish("pay", null), GATE)).isEqualTo(new ApprovalResult.Full());
        cancel(last, ROBOT);
        request("pay");
        assertThat(approvals.request(wish("pay", null), GATE)).isEqualTo(new ApprovalResult.Full());
        now = START.plus(WAIT);
        request("pay");
    }

    @Test
    void answersARetryAsItDidAtFirst() {
        Done first = (Done) approvals.request(wish("pay", "key"), GATE);
        assertThat(approvals.request(wish("pay", "key"), GATE)).isEqualTo(first);
        assertThat(approvals.request(wish("wire", "key"), GATE)).isEqualTo(new ApprovalResult.KeyReused());
        assertThat(approvals.request(wish("wire", "key"), OTHER)).isInstanceOf(Done.class);
        assertThat(types()).containsExactly("assize.approval.requested", "assize.approval.requested");
    }

    @Test
    void answersARetryWhateverPolicySaysByThen() {
        Done first = (Done) approvals.request(wish("pay", "key"), GATE);
        policy.removeRule("payments");
        assertThat(approvals.request(wish("pay", null), GATE)).isEqualTo(new ApprovalResult.NotNeeded());
        assertThat(request(approvals.request(wish("pay", "key"), GATE))).isEqualTo(request(first));
        policy.answerUnknown(Reason.TYPE_UNKNOWN);
        assertThat(request(approvals.request(wish("pay", "key"), GATE))).isEqualTo(request(first));
        assertThat(approvals.request(wish("wire", "key"), GATE)).isEqualTo(new ApprovalResult.KeyReused());
        assertThat(types()).containsExactly("assize.approval.requested");
    }

    @Test
    void keepsWhatAnybodySaysAndDecidesNothingByIt() {
        String id = request("pay");
        Done asked = (Done) comment(id, BOB, "which invoice?", "key");
        assertThat(asked.standing().state()).isEqualTo(ApprovalState.PENDING);
        assertThat(comment(id, BOB, "which invoice?", "key")).isEqualTo(asked);
        assertThat(comment(id, BOB, "another", "key")).isEqualTo(new ApprovalResult.KeyReused());
        assertThat(comment(id, CAROL, "which invoice?", "key")).isEqualTo(new ApprovalResult.KeyReused());
        assertThat(comment(id, ROBOT, "number 17", null)).isInstanceOf(Done.class);
        // Whoever asked may still decide.
        assertThat(resolve(id, BOB, new Ruling(true, null, null))).isInstanceOf(Done.class);
        FiledApproval kept = repository.find(ACME, id).orElseThrow();
        assertThat(kept.comments()).extracting(Comment::text).containsExactly("which invoice?", "number 17");
        assertThat(kept.comments())
                .extracting(said -> said.author().caller().toString())
                .containsExactly("user:bob", ROBOT.subject().toString());
        assertThat(types()).filteredOn("assize.approval.commented"::equals).hasSize(2);
    }

    @Test
    void hearsNothingMoreOfWhatIsOverNorMoreThanItKeeps() {
        String full = request("wire");
        for (int i = 0; i < Comment.MOST; i++) {
            assertThat(comment(full, BOB, "again " + i, null)).isInstanceOf(Done.class);
        }
        assertThat(comment(full, BOB, "once more", null)).isEqualTo(new ApprovalResult.CommentsFull());
        cancel(full, ROBOT);
        assertThat(comment(full, BOB, "late", null)).isInstanceOf(ApprovalResult.WrongState.class);
        String waited = request("wire");
        now = now.plus(WAIT);
        assertThat(comment(waited, BOB, "late", null)).isInstanceOf(ApprovalResult.WrongState.class);
        assertThat(comment("nothing", BOB, "late", null)).isEqualTo(new ApprovalResult.NotFound());
    }

    private ApprovalResult comment(String id, Party author, String text, @Nullable String key) {
        return approvals.comment(ACME, id, author, text, key, GATE);
    }

    @Test
    void hearsARetriedWordOnce() {
        String id = request("wire");
        Ruling keyed = new Ruling(true, "fine", "key");
        Done first = (Done) resolve(id, BOB, keyed);
        assertThat(resolve(id, BOB, keyed)).isEqualTo(first);
        resolve(id, CAROL, YES);
        policy.freeze("user:bob", "incident");
        Done retried = (Done) resolve(id, BOB, keyed);
        assertThat(retried.standing().state()).isEqualTo(ApprovalState.APPROVED);
        assertThat(retried.approval().request().votes()).hasSize(2);
        assertThat(types()).filteredOn("assize.approval.approved"::equals).hasSize(2);
    }

    @Test
    void takesNoOtherWordUnderAKeyThatWasUsed() {
        String id = request("wire");
        resolve(id, BOB, new Ruling(true, "fine", "key"));
        assertThat(resolve(id, BOB, new Ruling(false, "fine", "key"))).isEqualTo(new ApprovalResult.KeyReused());
        assertThat(resolve(id, BOB, new Ruling(true, "well", "key"))).isEqualTo(new ApprovalResult.KeyReused());
        assertThat(resolve(id, CAROL, new Ruling(true, "fine", "key"))).isEqualTo(new ApprovalResult.KeyReused());
        assertThat(resolve(id, BOB, new Ruling(true, "fine", "other"))).isEqualTo(new ApprovalResult.VotedAlready());
        assertThat(approvals.resolve(ACME, id, BOB, new Ruling(true, "fine", "key"), OTHER))
                .isEqualTo(new ApprovalResult.VotedAlready());
    }

    @Test
    void pinsTheRulesThatCoverIt() {
        policy.with(rule("ledgers", "pay", 2, true));
        Done done = (Done) approvals.request(wish("pay", null), GATE);
        assertThat(done.approval().request().rules())
                .extracting(pinned -> pinned.name() + " " + pinned.approvals() + " " + pinned.singleUse())
                .containsExactly("ledgers 2 true", "payments 1 false");
        assertThat(done.standing()).isEqualTo(new Standing(ApprovalState.PENDING, START.plus(WAIT)));
    }

    @Test
    void letsNeitherTheRequesterNorTheSubjectApprove() {
        Wish wish = new Wish(ALICE, BOB, proposed("pay"), null, null);
        String id = ((Done) approvals.request(wish, GATE)).approval().request().id();
        assertThat(resolve(id, ALICE, YES)).isEqualTo(new ApprovalResult.OwnRequest());
        assertThat(resolve(id, BOB, YES)).isEqualTo(new ApprovalResult.OwnRequest());
        assertThat(resolve(id, BOB, NO)).isEqualTo(new ApprovalResult.OwnRequest());
        assertThat(resolve(id, CAROL, YES)).isInstanceOf(Done.class);
    }

    @Test
    void letsANamesakeOfAnotherHomeApprove() {
        policy.holds("user:alice", "partner", "approver");
        Wish wish = new Wish(ALICE, ALICE, proposed("pay"), null, null);
        String id = ((Done) approvals.request(wish, GATE)).approval().request().id();
        assertThat(resolve(id, party("user:alice", PARTNER), YES)).isInstanceOf(Done.class);
    }

    @Test
    void letsNobodyApproveWithoutTheRole() {
        String id = request("pay");
        ApprovalResult refused = resolve(id, party("user:mallory", ACME), YES);
        assertThat(((ApprovalResult.NotEligible) refused).why())
                .containsExactly("rule `payments`: `user:mallory` does not hold role `approver` for `invoice:7` in"
                        + " environment `production`");
        assertThat(resolve(id, party("user:bob", PARTNER), YES)).isInstanceOf(ApprovalResult.NotEligible.class);
        assertThat(resolve(id, party("user:mallory", ACME), NO)).isInstanceOf(ApprovalResult.NotEligible.class);
    }

    @Test
    void letsNobodyApproveOfATypeThatTheRuleDoesNotAdmit() {
        policy.holds("service:bot", "acme", "approver");
        ApprovalResult refused = resolve(request("pay"), party("service:bot", ACME), YES);
        assertThat(((ApprovalResult.NotEligible) refused).why())
                .containsExactly("rule `payments`: `service:bot` is a `service`, expected `user`");
    }

    @Test
    void letsNobodyApproveWhoIsFrozen() {
        policy.freeze("user:bob", "incident");
        ApprovalResult refused = resolve(request("pay"), BOB, YES);
        assertThat(((ApprovalResult.NotEligible) refused).why())
                .containsExactly("`user:bob` is frozen here by `incident`");
    }

    @Test
    void countsNobodyTwice() {
        String id = request("wire");
        resolve(id, BOB, YES);
        assertThat(resolve(id, BOB, YES)).isEqualTo(new ApprovalResult.VotedAlready());
        assertThat(resolve(id, BOB, NO)).isEqualTo(new ApprovalResult.VotedAlready());
        assertThat(state(id)).isEqualTo(ApprovalState.PENDING);
    }

    @Test
    void isApprovedByAsManyAsItTakes() {
        String id = request("wire");
        resolve(id, BOB, YES);
        now = now.plusSeconds(60);
        Done done = (Done) resolve(id, CAROL, YES);
        assertThat(done.standing()).isEqualTo(new Standing(ApprovalState.APPROVED, now.plus(HOLD)));
        assertThat(done.approval().request().votes())
                .extracting(Vote::approver, Vote::rules, Vote::at)
                .containsExactly(
                        tuple(BOB.subject(), List.of("wires"), START), tuple(CAROL.subject(), List.of("wires"), now));
        assertThat(resolve(id, ALICE, YES)).isEqualTo(new ApprovalResult.WrongState(ApprovalState.APPROVED, "pending"));
        assertThat(types())
                .containsExactly("assize.approval.requested", "assize.approval.approved", "assize.approval.approved");
    }

    @Test
    void needsMoreWhereTheRuleBecameStricter() {
        String id = request("pay");
        policy.with(rule("payments", "pay", 2, true));
        assertThat(((Done) resolve(id, BOB, YES)).standing().state()).isEqualTo(ApprovalState.PENDING);
        policy.with(rule("payments", "pay", 1, false));
        assertThat(state(id)).isEqualTo(ApprovalState.APPROVED);
    }

    @Test
    void countsAWordForTheRulesWhoseRoleWasHeld() {
        policy.with(rule("a-rule", "sign", 1, false));
        policy.with(new ApprovalRuleDocument(
                rule("b-rule", "sign", 1, false).metadata(),
                SourcePlace.UNKNOWN,
                new AnyOf.All<>(),
                new AnyOf.Listed<>(List.of(new Action("sign"))),
                new AnyOf.All<>(),
                1,
                "chief",
                List.of("user"),
                WAIT,
                HOLD,
                false));
        policy.holds("user:carol", "acme", "chief");
        String id = request("sign");
        Done half = (Done) resolve(id, BOB, YES);
        assertThat(half.approval().request().votes().getFirst().rules()).containsExactly("a-rule");
        assertThat(half.standing().state()).isEqualTo(ApprovalState.PENDING);
        assertThat(((Done) resolve(id, CAROL, YES)).standing().state()).isEqualTo(ApprovalState.APPROVED);
    }

    @Test
    void endsWithARejection() {
        String id = request("wire");
        resolve(id, BOB, YES);
        assertThat(((Done) resolve(id, CAROL, NO)).standing()).isEqualTo(new Standing(ApprovalState.REJECTED, null));
        assertThat(resolve(id, ALICE, YES)).isEqualTo(new ApprovalResult.WrongState(ApprovalState.REJECTED, "pending"));
        assertThat(types())
                .containsExactly("assize.approval.requested", "assize.approval.approved", "assize.approval.rejected");
    }

    @Test
    void recordsOnceThatItWasFoundExpired() {
        String id = request("pay");
        now = START.plus(WAIT);
        ApprovalResult expired = new ApprovalResult.WrongState(ApprovalState.EXPIRED, "pending");
        assertThat(state(id)).isEqualTo(ApprovalState.EXPIRED);
        assertThat(types()).containsExactly("assize.approval.requested");
        assertThat(resolve(id, BOB, YES)).isEqualTo(expired);
        assertThat(resolve(id, BOB, YES)).isEqualTo(expired);
        assertThat(types()).containsExactly("assize.approval.requested", "assize.approval.expired");
    }

    @Test
    void isCancelledByItsRequesterOnly() {
        String id = request("pay");
        assertThat(cancel(id, BOB)).isEqualTo(new ApprovalResult.NotTheirs("its requester `agent:robot`"));
        assertThat(cancel(id, party("agent:robot", PARTNER))).isInstanceOf(ApprovalResult.NotTheirs.class);
        assertThat(((Done) cancel(id, ROBOT)).standing().state()).isEqualTo(ApprovalState.CANCELLED);
        assertThat(cancel(id, ROBOT))
                .isEqualTo(new ApprovalResult.WrongState(ApprovalState.CANCELLED, "pending or approved"));
        assertThat(resolve(id, BOB, YES)).isEqualTo(new ApprovalResult.WrongState(ApprovalState.CANCELLED, "pending"));
    }

    @Test
    void isCancelledAlsoWhenItIsApproved() {
        String id = request("pay");
        resolve(id, BOB, YES);
        assertThat(((Done) cancel(id, ROBOT)).standing().state()).isEqualTo(ApprovalState.CANCELLED);
    }

    @Test
    void isUsedByTheSubjectItIsForOnly() {
        String id = approvedWire();
        assertThat(use(id, BOB, "k", GATE))
                .isEqualTo(
                        new ApprovalResult.NotTheirs("the subject it is for, `agent:robot`, as the one who uses it"));
        assertThat(((Done) use(id, ROBOT, "k", GATE)).standing().state()).isEqualTo(ApprovalState.USED);
    }

    @Test
    void isUsedOnce() {
        String id = approvedWire();
        ApprovalResult won = use(id, ROBOT, "k", GATE);
        ApprovalResult lost = new ApprovalResult.WrongState(ApprovalState.USED, "approved");
        assertThat(won).isInstanceOf(Done.class);
        assertThat(use(id, ROBOT, "k", GATE)).isEqualTo(won);
        assertThat(use(id, ROBOT, "other", GATE)).isEqualTo(lost);
        assertThat(use(id, ROBOT, "k", OTHER)).isEqualTo(lost);
        assertThat(types()).filteredOn("assize.approval.used"::equals).hasSize(1);
    }

    @Test
    void isNotUsedBeforeItIsApprovedNorAfterItRanOut() {
        String id = request("wire");
        assertThat(use(id, ROBOT, "k", GATE))
                .isEqualTo(new ApprovalResult.WrongState(ApprovalState.PENDING, "approved"));
        resolve(id, BOB, YES);
        resolve(id, CAROL, YES);
        now = now.plus(HOLD);
        assertThat(use(id, ROBOT, "k", GATE))
                .isEqualTo(new ApprovalResult.WrongState(ApprovalState.EXPIRED, "approved"));
    }

    @Test
    void isNotUsedUpWhereNoRuleIsForASingleUse() {
        String id = request("pay");
        resolve(id, BOB, YES);
        assertThat(use(id, ROBOT, "k", GATE)).isEqualTo(new ApprovalResult.NotSingleUse());
    }

    @Test
    void neverGoesBackInTime() {
        String id = request("wire");
        now = START.minusSeconds(5);
        Done done = (Done) resolve(id, BOB, YES);
        assertThat(done.approval().request().votes().getFirst().at()).isEqualTo(START);
    }

    @Test
    void knowsNoRequestOfAnotherTenant() {
        String id = request("pay");
        assertThat(approvals.resolve(PARTNER, id, BOB, YES, GATE)).isEqualTo(new ApprovalResult.NotFound());
        assertThat(approvals.find(PARTNER, id)).isEmpty();
        assertThat(cancel("unknown", ROBOT)).isEqualTo(new ApprovalResult.NotFound());
    }

    @Test
    void neverTakesARequestForTheAction() {
        String id = approvedWire();
        use(id, ROBOT, "k", GATE);
        List<String> resources = new ArrayList<>();
        ledger.scan(
                ACME, 0, Long.MAX_VALUE, entry -> resources.add(entry.columns().getOrDefault("resource", "")));
        assertThat(resources).containsOnly("tenant:acme/approval:" + id);
    }

    @Test
    void listsPagesNewestFirst() {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            now = now.plusSeconds(1);
            ids.addFirst(request("pay"));
        }
        Page first = approvals.list(ACME, null, null, Set.of(), null, 2);
        assertThat(ids(first)).containsExactlyElementsOf(ids.subList(0, 2));
        Page second = approvals.list(ACME, null, null, Set.of(), first.next(), 2);
        assertThat(ids(second)).containsExactlyElementsOf(ids.subList(2, 3));
        assertThat(second.next()).isNull();
    }

    /** However large a page may be: a hundred requests with all that may be said to them are 10 MB. */
    @Test
    void readsLittleAtATimeAndEndsAPageWhereMuchWasSaid() {
        Approvals many = new Approvals(repository, policy, () -> now, 1_000);
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 2 * Approvals.READ_AT_A_TIME + 1; i++) {
            now = now.plusMillis(1);
            ids.addFirst(request(many.request(wish("pay", null), GATE)).id());
        }
        String words = "x".repeat(1_024);
        int most = Approvals.PAGE_BYTES / (Comment.MOST * words.length()) + 1;
        for (String id : ids.subList(0, most + 1)) {
            for (int i = 0; i < Comment.MOST; i++) {
                assertThat(comment(id, BOB, words, null)).isInstanceOf(Done.class);
            }
        }

        Page first = many.list(ACME, null, null, Set.of(), null, 1_000);
        assertThat(ids(first)).containsExactlyElementsOf(ids.subList(0, most));
        Page second = many.list(ACME, null, null, Set.of(), first.next(), 1_000);
        assertThat(ids(second)).containsExactlyElementsOf(ids.subList(most, ids.size()));
        assertThat(second.next()).isNull();
        assertThat(repository.mostListed).isEqualTo(Approvals.READ_AT_A_TIME + 1);
    }

    @Test
    void listsWhatStandsInOneState() {
        String pending = request("pay");
        String approved = request("pay");
        resolve(approved, BOB, YES);
        String rejected = request("pay");
        resolve(rejected, BOB, NO);
        assertThat(ids(ApprovalState.PENDING)).containsExactly(pending);
        assertThat(ids(ApprovalState.APPROVED)).containsExactly(approved);
        assertThat(ids(ApprovalState.REJECTED)).containsExactly(rejected);
        now = START.plus(WAIT);
        assertThat(ids(ApprovalState.PENDING)).isEmpty();
        assertThat(ids(ApprovalState.EXPIRED)).containsExactlyInAnyOrder(pending, approved);
    }

    @Test
    void listsWhatIsForASubjectOrInAnEnvironment() {
        String id = request("pay");
        assertThat(ids(approvals.list(ACME, null, ROBOT.subject(), Set.of(), null, 10)))
                .containsExactly(id);
        assertThat(ids(approvals.list(ACME, null, BOB.subject(), Set.of(), null, 10)))
                .isEmpty();
        assertThat(ids(approvals.list(ACME, null, null, Set.of(Environment.DEFAULT), null, 10)))
                .isEmpty();
    }

    private List<String> ids(ApprovalState state) {
        return ids(approvals.list(ACME, state, null, Set.of(), null, 1_000));
    }

    private static List<String> ids(Page page) {
        return page.approvals().stream()
                .map(done -> done.approval().request().id())
                .toList();
    }

    private String approvedWire() {
        String id = request("wire");
        resolve(id, BOB, YES);
        resolve(id, CAROL, YES);
        return id;
    }

    private static ApprovalRequest request(ApprovalResult result) {
        return ((Done) result).approval().request();
    }

    private String request(String action) {
        ApprovalResult result = approvals.request(wish(action, null), GATE);
        assertThat(result).isInstanceOf(Done.class);
        return ((Done) result).approval().request().id();
    }

    private ApprovalResult resolve(String id, Party approver, Ruling ruling) {
        return approvals.resolve(ACME, id, approver, ruling, GATE);
    }

    private ApprovalResult cancel(String id, Party requester) {
        return approvals.cancel(ACME, id, requester, null, GATE);
    }

    private ApprovalResult use(String id, Party subject, String key, Recorder caller) {
        return approvals.use(ACME, id, subject, key, caller);
    }

    private ApprovalState state(String id) {
        return approvals.find(ACME, id).orElseThrow().standing().state();
    }

    private List<String> types() {
        List<String> types = new ArrayList<>();
        ledger.scan(ACME, 0, Long.MAX_VALUE, entry -> types.add(entry.columns().getOrDefault("type", "")));
        return types;
    }

    private static Party party(String subject, TenantId home) {
        return new Party(Subject.parse(subject), home);
    }

    private static Wish wish(String action, @Nullable String key) {
        return new Wish(ROBOT, ROBOT, proposed(action), "for the test", key);
    }

    private static ProposedAction proposed(String action) {
        return new ProposedAction(
                ACME, new Action(action), ResourcePath.parse("invoice:7"), new Environment("production"));
    }
}
