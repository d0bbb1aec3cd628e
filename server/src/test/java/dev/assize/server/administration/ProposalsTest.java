package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.server.administration.ChangeResult.AcceptanceNeeded;
import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.ChangeResult.SelfEscalation;
import dev.assize.server.administration.FiledProposal.State;
import dev.assize.server.administration.ProposalRepository.Content;
import dev.assize.server.administration.ProposalResult.Done;
import dev.assize.server.administration.ProposalResult.NotEligible;
import dev.assize.server.administration.ProposalResult.Own;
import dev.assize.server.administration.ProposalResult.Refused;
import dev.assize.server.administration.ProposalResult.WrongState;
import dev.assize.server.administration.Proposals.Seen;
import dev.assize.server.administration.Proposals.Wish;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.Kind;
import dev.assize.server.testing.FakeApprovalPolicy;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ProposalsTest {

    private static final TenantId ACME_ID = new TenantId("acme");
    private static final PolicyScope ACME = PolicyScope.of(ACME_ID);
    private static final Recorder ALICE = recorder("alice");
    private static final Recorder BOB = recorder("bob");
    private static final Recorder CAROL = recorder("carol");
    private static final Recorder DAVE = recorder("dave");
    private static final Duration DAY = Duration.ofDays(1);

    private static final String WORLD = """
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: pays},
          spec: {permissions: [{resources: [payment], actions: [create]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: Group, metadata: {tenant: acme, name: boss}, spec: {members: ["user:carol"]}}
        """;

    private Instant now = Instant.parse("2026-03-01T12:00:00Z");
    private final Set<Recorder> without = new HashSet<>();
    private String missing = "";

    /** Done once, between what is asked about an acceptor and what he accepts. */
    private Runnable meanwhile = () -> {};

    private final InMemoryLedgerStore ledger = new InMemoryLedgerStore(() -> now, new AuditCodec());
    private final InMemoryPolicyRepository policies = new InMemoryPolicyRepository(ledger);
    private final InMemoryProposalRepository repository = new InMemoryProposalRepository(policies, ledger);
    private final FakeApprovalPolicy approvals = new FakeApprovalPolicy();
    private final DecisionService decisions = decisions();
    private final PolicyAdministration administration = new PolicyAdministration(policies, decisions, () -> now);
    private final Proposals proposals = new Proposals(repository, administration, decisions, approvals, () -> now, 3);

    @BeforeEach
    void world() {
        assertThat(apply(ALICE, tenant(2) + "---\n" + WORLD)).isInstanceOf(Accepted.class);
    }

    @Test
    void nobodyChangesAloneWhatOthersMustAccept() {
        String change = binding("b", "erin");
        assertThat(apply(ALICE, change)).isEqualTo(new AcceptanceNeeded(ACME, 2));
        assertThat(apply(ALICE, tenant(1))).isInstanceOf(AcceptanceNeeded.class);
        assertThat(apply(ALICE, tenant(0))).isInstanceOf(AcceptanceNeeded.class);
        assertThat(delete(ALICE, Kind.TENANT, "acme", Kind.ROLE, "pays", Kind.GROUP, "boss"))
                .isInstanceOf(AcceptanceNeeded.class);
        assertThat(administration.apply(change(change, true, ChangeOrigin.APPLY), ALICE, any -> false))
                .isInstanceOfSatisfying(
                        Compared.class,
                        compared -> assertThat(compared.acceptancesNeeded()).isEqualTo(2));
        // What changes nothing needs nobody.
        assertThat(apply(ALICE, tenant(2))).isInstanceOf(Accepted.class);
        assertThat(administration.export(ACME).revision()).isEqualTo(new Revision(1));
    }

    @Test
    void stoppingDoesNotWaitAndLiftingDoes() {
        String freeze = "{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: f},"
                + " spec: {subject: 'user:erin', reason: runs wild}}\n";
        assertThat(apply(ALICE, freeze)).isInstanceOf(AcceptanceNeeded.class);
        ChangeOrigin byHand = new ChangeOrigin("freeze", null);
        assertThat(administration.apply(change(freeze, false, byHand), ALICE, any -> false))
                .isInstanceOf(Accepted.class);
        assertThat(delete(ALICE, Kind.FREEZE, "f")).isInstanceOf(AcceptanceNeeded.class);
    }

    @Test
    void loweringTheNumberNeedsTheOldOne() {
        Done proposed = propose(ALICE, tenant(0));
        assertThat(accept(proposed, BOB)).isInstanceOfSatisfying(Done.class, done -> {
            assertThat(done.state()).isEqualTo(State.PENDING);
            assertThat(done.needed()).isEqualTo(2);
        });
        assertThat(state(accept(proposed, BOB))).isEqualTo(State.PENDING);
        assertThat(state(accept(proposed, CAROL))).isEqualTo(State.APPLIED);
        assertThat(apply(ALICE, binding("b", "erin"))).isInstanceOf(Accepted.class);
    }

    @Test
    void prunesATenantOfWhichNothingIsPut() {
        String managed = binding("b", "erin").replace("name: b", "name: b, manager: ci");
        Done given = propose(ALICE, managed);
        assertThat(state(accept(given, BOB))).isEqualTo(State.PENDING);
        assertThat(state(accept(given, CAROL))).isEqualTo(State.APPLIED);
        Proposals.Wish wish = new Proposals.Wish(
                ACME, new Content(List.of(), List.of()), false, "ci", "moved", Duration.ofDays(1), ALICE, null);
        Done proposed = (Done) proposals.propose(wish, ALICE);
        assertThat(state(accept(proposed, BOB))).isEqualTo(State.PENDING);
        assertThat(state(accept(proposed, CAROL))).isEqualTo(State.APPLIED);
        assertThat(administration.export(ACME).documents())
                .extracting(Document::name)
                .contains("pays", "boss")
                .doesNotContain("b");
        assertThat(proposals.propose(wish, ALICE)).isEqualTo(new ProposalResult.NothingToChange());
    }

    @Test
    void whatATenantMayHaveIsAcceptedByWhoMakesTenants() {
        Done proposed = propose(ALICE, tenant(2).replace("spec: {", "spec: {plan: team, "));
        missing = "create tenant:acme/tenant";
        assertThat(accept(proposed, BOB)).isInstanceOf(NotEligible.class);
        missing = "";
        assertThat(state(accept(proposed, BOB))).isEqualTo(State.PENDING);
        assertThat(state(accept(proposed, CAROL))).isEqualTo(State.APPLIED);
        // What leaves it as it is takes no more than accepting.
        Done more = propose(ALICE, tenant(1).replace("spec: {", "spec: {plan: team, "));
        missing = "create tenant:acme/tenant";
        assertThat(state(accept(more, BOB))).isEqualTo(State.PENDING);
    }

    /** Whoever knows what the digest will be may accept what comes of a change within the moment that it takes. */
    @Test
    void whatComesInBetweenIsHeldToWhatItTakes() {
        String freeze = "{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: f},"
                + " spec: {subject: 'user:erin', reason: r}}\n";
        String planned = tenant(2).replace("spec: {", "spec: {plan: team, ");
        for (Map.Entry<String, List<String>> each : Map.of(
                        "create tenant:acme/tenant",
                        List.of(tenant(2).replace("[default]", "[default, staging]"), planned),
                        "lift tenant:acme/freeze",
                        List.of(freeze, freeze.replace("subject: 'user:erin'", "tenant: true")))
                .entrySet()) {
            Done proposed = propose(ALICE, each.getValue().getFirst());
            FiledProposal.Base next = new FiledProposal.Base(
                    proposed.base().revision().next(), proposed.base().platform());
            Seen foreseen = new Seen(proposed.proposal().digest(next), next.revision());
            missing = each.getKey();
            meanwhile = () -> assertThat(administration.apply(
                            change(each.getValue().getLast(), false, new ChangeOrigin(ChangeOrigin.BREAK_GLASS, null)),
                            DAVE,
                            any -> true,
                            any -> true))
                    .isInstanceOf(Accepted.class);
            assertThat(proposals.accept(ACME, id(proposed), BOB, foreseen, null))
                    .isInstanceOfSatisfying(
                            NotEligible.class,
                            refused -> assertThat(refused.why())
                                    .singleElement()
                                    .asString()
                                    .contains("lacks permission"));
            missing = "";
            assertThat(state(proposals.accept(ACME, id(proposed), BOB, foreseen, null)))
                    .isEqualTo(State.PENDING);
            assertThat(state(proposals.accept(ACME, id(proposed), CAROL, foreseen, null)))
                    .isEqualTo(State.APPLIED);
        }
    }

    @Test
    void whatIsSaidDecidesNothingAndVoidsNothing() {
        Done proposed = propose(ALICE, binding("b", "erin"));
        assertThat(state(accept(proposed, BOB))).isEqualTo(State.PENDING);
        Done asked = (Done) proposals.comment(ACME, id(proposed), CAROL, "why erin?", "key");
        assertThat(asked.state()).isEqualTo(State.PENDING);
        assertThat(asked.proposal().digest(asked.base()))
                .isEqualTo(proposed.proposal().digest(proposed.base()));
        assertThat(proposals.comment(ACME, id(proposed), CAROL, "why erin?", "key"))
                .isInstanceOf(Done.class);
        assertThat(proposals.comment(ACME, id(proposed), CAROL, "why?", "key"))
                .isEqualTo(new ProposalResult.KeyReused("key"));
        assertThat(proposals.comment(ACME, id(proposed), ALICE, "she pays", null))
                .isInstanceOf(Done.class);
        assertThat(state(accept(proposed, CAROL))).isEqualTo(State.APPLIED);
        assertThat(repository.find(ACME, id(proposed)).orElseThrow().comments())
                .extracting(Comment::text)
                .containsExactly("why erin?", "she pays");
        assertThat(proposals.comment(ACME, id(proposed), CAROL, "late", null)).isEqualTo(new WrongState(State.APPLIED));
        assertThat(proposals.comment(ACME, "nothing", CAROL, "late", null)).isEqualTo(new ProposalResult.NotFound());
    }

    @Test
    void hearsNoMoreThanItKeepsOfAProposal() {
        Done proposed = propose(ALICE, binding("b", "erin"));
        for (int i = 0; i < Comment.MOST; i++) {
            assertThat(proposals.comment(ACME, id(proposed), CAROL, "again " + i, null))
                    .isInstanceOf(Done.class);
        }
        assertThat(proposals.comment(ACME, id(proposed), CAROL, "once more", null))
                .isEqualTo(new ProposalResult.CommentsFull());
    }

    /** However large a page may be: a hundred proposals with all that may be said to them are 10 MB. */
    @Test
    void readsLittleAtATimeAndEndsAPageWhereMuchWasSaid() {
        Proposals many = new Proposals(repository, administration, decisions, approvals, () -> now, 1_000);
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 2 * Approvals.READ_AT_A_TIME + 1; i++) {
            now = now.plusMillis(1);
            ids.addFirst(id((Done) many.propose(wish(ALICE, binding("b", "erin"), null), ALICE)));
        }
        String words = "x".repeat(1_024);
        int most = Approvals.PAGE_BYTES / (Comment.MOST * words.length()) + 1;
        for (String id : ids.subList(0, most + 1)) {
            for (int i = 0; i < Comment.MOST; i++) {
                assertThat(many.comment(ACME, id, CAROL, words, null)).isInstanceOf(Done.class);
            }
        }

        Proposals.Page first = many.list(ACME, null, null, 1_000);
        assertThat(first.proposals()).extracting(ProposalsTest::id).isEqualTo(ids.subList(0, most));
        Proposals.Page second = many.list(ACME, null, first.next(), 1_000);
        assertThat(second.proposals()).extracting(ProposalsTest::id).isEqualTo(ids.subList(most, ids.size()));
        assertThat(second.next()).isNull();
        assertThat(repository.mostListed).isEqualTo(Approvals.READ_AT_A_TIME + 1);

        Proposals.Page exact = many.list(ACME, null, null, ids.size());
        assertThat(exact.next()).isNotNull();
        assertThat(many.list(ACME, null, ids.get(most), ids.size() - most - 1).next())
                .isNull();
        assertThat(many.list(ACME, null, ids.get(most), ids.size() - most - 2).next())
                .isEqualTo(ids.get(ids.size() - 2));
    }

    @Test
    void nobodyAcceptsWhatTheyProposedOrWroteDown() {
        Done proposed = propose(ALICE, DAVE, binding("b", "erin"));
        assertThat(accept(proposed, ALICE)).isEqualTo(new Own());
        assertThat(accept(proposed, DAVE)).isEqualTo(new Own());
        assertThat(proposals.reject(ACME, id(proposed), ALICE, null)).isEqualTo(new Own());
        // Another tenant's subject of the name is somebody else.
        Recorder namesake = new Recorder(ALICE.caller(), ACME_ID);
        assertThat(state(accept(proposed, namesake))).isEqualTo(State.PENDING);
        assertThat(proposals.withdraw(ACME, id(proposed), BOB, null)).isEqualTo(new ProposalResult.NotTheirs());
        assertThat(state(proposals.withdraw(ACME, id(proposed), DAVE, "no more")))
                .isEqualTo(State.WITHDRAWN);
        assertThat(state(proposals.withdraw(ACME, id(proposed), DAVE, "no more")))
                .isEqualTo(State.WITHDRAWN);
        assertThat(accept(proposed, BOB)).isEqualTo(new WrongState(State.WITHDRAWN));
    }

    @Test
    void acceptingTakesWhatIsNeededToLiftAFreezeOrToDeleteATenant() {
        String freeze = "{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: f},"
                + " spec: {subject: 'user:erin', reason: runs wild%s}}\n";
        assertThat(administration.apply(
                        change(freeze.formatted(""), false, new ChangeOrigin("freeze", null)), ALICE, any -> false))
                .isInstanceOf(Accepted.class);
        Done lifting = propose(ALICE, freeze.formatted(", until: 2026-01-01T00:00:00Z"));
        missing = "lift tenant:acme/freeze";
        assertThat(accept(lifting, BOB)).isInstanceOf(NotEligible.class);
        missing = "delete tenant:acme/tenant";
        assertThat(state(accept(lifting, BOB))).isEqualTo(State.PENDING);

        Done deleting =
                proposeDeletion(ALICE, Kind.TENANT, "acme", Kind.ROLE, "pays", Kind.GROUP, "boss", Kind.FREEZE, "f");
        assertThat(accept(deleting, BOB)).isInstanceOf(NotEligible.class);
        missing = "";
        assertThat(state(accept(deleting, BOB))).isEqualTo(State.PENDING);
        assertThat(state(accept(deleting, CAROL))).isEqualTo(State.APPLIED);
        assertThat(administration.export(ACME).documents()).isEmpty();
    }

    @Test
    void whoIsFrozenOrLostThePermissionDoesNotCount() {
        Done proposed = propose(ALICE, binding("b", "erin"));
        without.add(BOB);
        assertThat(accept(proposed, BOB)).isInstanceOf(NotEligible.class);
        without.clear();
        assertThat(state(accept(proposed, BOB))).isEqualTo(State.PENDING);

        without.add(BOB);
        assertThat(state(accept(proposed, CAROL))).isEqualTo(State.PENDING);
        approvals.freeze("user:dave", "stop");
        assertThat(accept(proposed, DAVE))
                .isInstanceOfSatisfying(
                        NotEligible.class,
                        refused -> assertThat(refused.why().getFirst()).contains("user:dave", "stop"));
        without.clear();
        // The last acceptance was given already: whoever gave it asks again, and it is applied.
        assertThat(state(accept(proposed, CAROL))).isEqualTo(State.APPLIED);
    }

    @Test
    void whatGivesItsProposerSomethingIsForOthersToDecideAndMustGiveThemNothing() {
        repealApprovals();
        String forAliceAndBob = "{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: two},"
                + " spec: {subjects: ['user:alice', 'user:bob'], role: pays, fromTenant: assize}}\n";
        assertThat(apply(ALICE, forAliceAndBob)).isInstanceOf(SelfEscalation.class);

        Done proposed = propose(ALICE, forAliceAndBob);
        assertThat(accept(proposed, BOB))
                .isInstanceOfSatisfying(
                        Refused.class, refused -> assertThat(refused.result()).isInstanceOf(SelfEscalation.class));
        assertThat(gains(proposed, BOB)).isOne();
        assertThat(gains(proposed, CAROL)).isZero();
        assertThat(state(accept(proposed, CAROL))).isEqualTo(State.APPLIED);
    }

    /** Neither to whoever writes it, nor to whom it is written for. */
    @Test
    void aChangeWrittenForSomebodyGivesNeitherAnything() {
        repealApprovals();
        ChangeOrigin forDave = new ChangeOrigin("apply", null, DAVE, null);
        String gives = "{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: g},"
                + " spec: {subjects: ['user:%s'], role: pays, fromTenant: assize}}\n";
        for (String name : List.of("alice", "dave")) {
            assertThat(administration.apply(change(gives.formatted(name), false, forDave), ALICE, any -> false))
                    .isInstanceOfSatisfying(
                            SelfEscalation.class,
                            refused -> assertThat(refused.gain().subject()).hasToString("user:" + name));
        }
        assertThat(administration.apply(change(gives.formatted("erin"), false, forDave), ALICE, any -> false))
                .isInstanceOf(Accepted.class);
        assertThat(payload(
                                events().getLast().type().equals("assize.policy.manifest")
                                        ? events().getLast()
                                        : events().get(events().size() - 2))
                        .path("on_behalf_of")
                        .asText())
                .isEqualTo("user:dave");
    }

    @Test
    void runsOutAndThatIsRecordedOnce() {
        Done proposed = propose(ALICE, binding("b", "erin"));
        now = now.plus(DAY).minusNanos(1_000);
        assertThat(state(accept(proposed, BOB))).isEqualTo(State.PENDING);
        now = now.plusNanos(1_000);
        assertThat(proposals.list(ACME, State.EXPIRED, null, 10).proposals()).hasSize(1);
        assertThat(proposals.list(ACME, State.PENDING, null, 10).proposals()).isEmpty();
        assertThat(accept(proposed, CAROL)).isEqualTo(new WrongState(State.EXPIRED));
        assertThat(proposals.reject(ACME, id(proposed), CAROL, null)).isEqualTo(new WrongState(State.EXPIRED));
        assertThat(events())
                .extracting(AuditEvent::type)
                .filteredOn("assize.proposal.expired"::equals)
                .hasSize(1);
        assertThat(administration.export(ACME).revision()).isEqualTo(new Revision(1));
    }

    @Test
    void aRejectionEndsItAndIsHeardOnce() {
        Done proposed = propose(ALICE, binding("b", "erin"));
        assertThat(state(accept(proposed, BOB))).isEqualTo(State.PENDING);
        assertThat(state(proposals.reject(ACME, id(proposed), CAROL, "no"))).isEqualTo(State.REJECTED);
        assertThat(state(proposals.reject(ACME, id(proposed), CAROL, "no"))).isEqualTo(State.REJECTED);
        assertThat(proposals.reject(ACME, id(proposed), BOB, "no")).isEqualTo(new WrongState(State.REJECTED));
        assertThat(accept(proposed, DAVE)).isEqualTo(new WrongState(State.REJECTED));
        assertThat(events())
                .extracting(AuditEvent::type)
                .containsSubsequence(
                        "assize.proposal.proposed", "assize.proposal.accepted", "assize.proposal.rejected");
    }

    @Test
    void theManifestNamesTheProposalAndWhoAcceptedIt() {
        Done proposed = propose(ALICE, binding("b", "erin"));
        accept(proposed, BOB);
        accept(proposed, CAROL);

        List<AuditEvent> events = events();
        JsonNode manifest = payload(events.stream()
                .filter(event -> event.type().equals("assize.policy.manifest"))
                .toList()
                .getLast());
        assertThat(manifest.path("origin").asText()).isEqualTo("proposal:" + id(proposed));
        assertThat(manifest.path("proposal").asText()).isEqualTo(id(proposed));
        assertThat(manifest.path("proposer").asText()).isEqualTo("user:alice");
        assertThat(manifest.path("approvers")).extracting(JsonNode::asText).containsExactly("user:bob", "user:carol");
        assertThat(events.subList(events.size() - 4, events.size()))
                .extracting(AuditEvent::type)
                .containsExactly(
                        "assize.policy.manifest",
                        "assize.policy.diff",
                        "assize.proposal.accepted",
                        "assize.proposal.applied");
    }

    @Test
    void aProposalUnderAKeyIsMadeOnce() {
        Done first = (Done) proposals.propose(wish(ALICE, binding("b", "erin"), "k"), ALICE);
        Done again = (Done) proposals.propose(wish(ALICE, binding("b", "erin"), "k"), ALICE);
        assertThat(id(again)).isEqualTo(id(first));
        assertThat(again.replayed()).isTrue();
        assertThat(proposals.propose(wish(ALICE, binding("b", "frank"), "k"), ALICE))
                .isEqualTo(new ProposalResult.KeyReused("k"));
        assertThat(proposals.propose(wish(BOB, binding("b", "erin"), "k"), BOB))
                .isInstanceOfSatisfying(
                        Done.class, other -> assertThat(id(other)).isNotEqualTo(id(first)));
    }

    @Test
    void asManyWaitAsMayAndWhatIsOverMakesRoom() {
        Done first = propose(ALICE, binding("b1", "erin"));
        propose(ALICE, binding("b2", "erin"));
        propose(ALICE, binding("b3", "erin"));
        assertThat(proposals.propose(wish(ALICE, binding("b4", "erin"), null), ALICE))
                .isEqualTo(new ProposalResult.Full(3));
        proposals.withdraw(ACME, id(first), ALICE, null);
        propose(ALICE, binding("b4", "erin"));
    }

    @Test
    void proposesNothingThatIsWrongOrThereAlready() {
        assertThat(proposals.propose(wish(ALICE, WORLD, null), ALICE))
                .isInstanceOf(ProposalResult.NothingToChange.class);
        assertThat(proposals.propose(wish(ALICE, binding("b", "erin").replace("pays", "nobody"), null), ALICE))
                .isInstanceOf(Refused.class);
    }

    private int gains(Done proposed, Recorder viewer) {
        Compared outcome =
                proposals.view(ACME, id(proposed), viewer).orElseThrow().outcome();
        return outcome == null ? -1 : outcome.gains().size();
    }

    /** So that one acceptance is enough. */
    private void repealApprovals() {
        Done proposed = propose(DAVE, tenant(0));
        accept(proposed, BOB);
        assertThat(state(accept(proposed, CAROL))).isEqualTo(State.APPLIED);
    }

    private Done proposeDeletion(Recorder proposer, Object... kindsAndNames) {
        Wish wish =
                new Wish(ACME, new Content(List.of(), keys(kindsAndNames)), false, null, "why", DAY, proposer, null);
        return (Done) proposals.propose(wish, proposer);
    }

    private Done propose(Recorder proposer, String yaml) {
        return propose(proposer, proposer, yaml);
    }

    private Done propose(Recorder proposer, Recorder caller, String yaml) {
        ProposalResult result = proposals.propose(wish(proposer, yaml, null), caller);
        assertThat(result).isInstanceOf(Done.class);
        return (Done) result;
    }

    private static Wish wish(Recorder proposer, String yaml, @Nullable String key) {
        return new Wish(ACME, new Content(read(yaml), List.of()), false, null, "why", DAY, proposer, key);
    }

    /** As it is seen at the moment. */
    private ProposalResult accept(Done proposed, Recorder acceptor) {
        Done seen = proposals.view(ACME, id(proposed), acceptor).orElseThrow().proposal();
        return proposals.accept(
                ACME,
                id(proposed),
                acceptor,
                new Seen(seen.proposal().digest(seen.base()), seen.base().revision()),
                null);
    }

    private static State state(ProposalResult result) {
        assertThat(result).isInstanceOf(Done.class);
        return ((Done) result).state();
    }

    private static String id(Done done) {
        return done.proposal().id();
    }

    private ChangeResult apply(Recorder author, String yaml) {
        return administration.apply(change(yaml, false, ChangeOrigin.APPLY), author, any -> true);
    }

    private ChangeResult delete(Recorder author, Object... kindsAndNames) {
        return administration.apply(
                new ChangeSet(List.of(), keys(kindsAndNames), List.of(), false, false, null),
                author,
                any -> false,
                any -> true);
    }

    private static List<DocumentKey> keys(Object... kindsAndNames) {
        List<DocumentKey> keys = new ArrayList<>();
        for (int i = 0; i < kindsAndNames.length; i += 2) {
            keys.add(new DocumentKey(ACME, (Kind) kindsAndNames[i], (String) kindsAndNames[i + 1]));
        }
        return keys;
    }

    private static ChangeSet change(String yaml, boolean dryRun, ChangeOrigin origin) {
        return new ChangeSet(read(yaml), List.of(), List.of(), dryRun, false, "why", origin);
    }

    private static List<Document> read(String yaml) {
        ReadResult result = DocumentReader.read("test.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
        assertThat(result.problems()).isEmpty();
        return result.documents();
    }

    private static String tenant(int changeApprovals) {
        return "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [default]"
                + (changeApprovals == 0 ? "" : ", changeApprovals: " + changeApprovals) + "}}\n";
    }

    private static String binding(String name, String user) {
        return "{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: " + name
                + "}, spec: {subjects: ['user:" + user + "'], role: pays, fromTenant: assize}}\n";
    }

    private static Recorder recorder(String name) {
        return new Recorder(new Subject("user", name), TenantId.ASSIZE);
    }

    private List<AuditEvent> events() {
        AuditCodec codec = new AuditCodec();
        return ledger.rows(ACME_ID).values().stream()
                .map(entry -> codec.decode(entry.frame(), entry.entryHash()).event())
                .toList();
    }

    private static JsonNode payload(AuditEvent event) {
        try {
            return new ObjectMapper().readTree(event.payload());
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    /** Everybody may accept but those without. */
    private DecisionService decisions() {
        return (DecisionService) Proxy.newProxyInstance(
                DecisionService.class.getClassLoader(),
                new Class<?>[] {DecisionService.class},
                (proxy, method, args) -> switch (method.getName()) {
                    case "refresh" -> null;
                    case "evaluateOwn" -> {
                        Runnable first = meanwhile;
                        meanwhile = () -> {};
                        first.run();
                        CheckQuery query = (CheckQuery) args[0];
                        String asked = query.action() + " " + query.resource();
                        assertThat(asked)
                                .isIn(
                                        "accept tenant:acme/policy",
                                        "lift tenant:acme/freeze",
                                        "create tenant:acme/tenant",
                                        "delete tenant:acme/tenant");
                        boolean may = !without.contains(new Recorder(query.subject(), query.subjectTenant()))
                                && !asked.equals(missing);
                        yield new Answer(
                                may ? Reason.ALLOWED : Reason.NO_GRANT,
                                null,
                                Revision.NONE,
                                Revision.NONE,
                                null,
                                List.of());
                    }
                    default -> throw new AssertionError(method.getName());
                });
    }
}
