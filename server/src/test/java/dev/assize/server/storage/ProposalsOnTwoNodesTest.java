package dev.assize.server.storage;

import static dev.assize.server.storage.generated.Tables.LEDGER_ENTRY;
import static dev.assize.server.storage.generated.Tables.POLICY_REVISION;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.ChangeOrigin;
import dev.assize.server.administration.ChangeOrigin.Once;
import dev.assize.server.administration.ChangeResult;
import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.ChangeType;
import dev.assize.server.administration.ChangeResult.KeyReused;
import dev.assize.server.administration.ChangeResult.Replayed;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.administration.ChangeSet;
import dev.assize.server.administration.ExpiredWaits;
import dev.assize.server.administration.ExpiredWaits.Wait;
import dev.assize.server.administration.FiledProposal;
import dev.assize.server.administration.FiledProposal.State;
import dev.assize.server.administration.PolicyAdministration;
import dev.assize.server.administration.ProposalRepository.Content;
import dev.assize.server.administration.ProposalResult;
import dev.assize.server.administration.ProposalResult.Done;
import dev.assize.server.administration.Proposals;
import dev.assize.server.administration.Proposals.Seen;
import dev.assize.server.administration.Proposals.Wish;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.model.Digest;
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
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.Kind;
import dev.assize.server.testing.FakeApprovalPolicy;
import dev.assize.server.testing.TestDatabase;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Proposals on two nodes of one database: whoever accepts, rejects or changes policy at the same moment, each proposal is
 * applied at most once, and with as many acceptances as it needs. And changes under a key, tried again. More rounds run with
 *
 * <pre>-Dassize.proposals.rounds=5000</pre>
 */
@Timeout(3_600)
class ProposalsOnTwoNodesTest {

    private static final int ROUNDS = Integer.getInteger("assize.proposals.rounds", 20);
    private static final TenantId ACME = new TenantId("acme");
    private static final PolicyScope SCOPE = PolicyScope.of(ACME);
    private static final Recorder ADMIN = recorder("user:admin");
    private static final Recorder ALICE = recorder("user:alice");
    private static final Recorder BOB = recorder("user:bob");
    private static final Recorder CAROL = recorder("user:carol");
    private static final AuditCodec CODEC = new AuditCodec();
    private static final String TENANT = "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme},"
            + " spec: {environments: [default], changeApprovals: 2}}\n";
    private static final String WORLD = TENANT + """
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: pays},
          spec: {permissions: [{resources: [payment], actions: [create]}]}}
        """;

    private static TestDatabase testDatabase;
    private static Node one;
    private static Node other;

    /** What one server has of this. */
    private record Node(
            Database database,
            PostgresPolicyRepository policies,
            PolicyAdministration administration,
            PostgresProposalRepository repository,
            Proposals proposals) {

        static Node start() {
            Database database = testDatabase.open(InstantSource.system());
            LedgerWriter ledger = new LedgerWriter(database, CODEC, (_, _) -> {}, InstantSource.system());
            PostgresPolicyRepository policies = new PostgresPolicyRepository(database, ledger, CODEC);
            PolicyAdministration administration =
                    new PolicyAdministration(policies, everybodyMay(), InstantSource.system());
            PostgresProposalRepository repository = new PostgresProposalRepository(database, policies, ledger, CODEC);
            return new Node(
                    database,
                    policies,
                    administration,
                    repository,
                    new Proposals(
                            repository,
                            administration,
                            everybodyMay(),
                            new FakeApprovalPolicy(),
                            InstantSource.system()));
        }
    }

    @BeforeAll
    static void start() {
        testDatabase = TestDatabase.migrated();
        one = Node.start();
        other = Node.start();
        assertThat(apply(WORLD, null, List.of())).isInstanceOf(Accepted.class);
    }

    @AfterAll
    static void stop() {
        one.database().close();
        other.database().close();
        testDatabase.close();
    }

    @Test
    void aProposalOfLastAcceptancesOnTwoNodesIsAppliedOnce() throws Exception {
        try (ExecutorService nodes = Executors.newFixedThreadPool(3)) {
            CyclicBarrier together = new CyclicBarrier(3);
            for (int round = 0; round < ROUNDS; round++) {
                long before = revisions();
                Done proposed = propose(binding("b" + round));
                Seen seen = seen(proposed);
                String id = proposed.proposal().id();
                boolean rejects = round % 2 == 1;
                CompletableFuture<ProposalResult> here = CompletableFuture.supplyAsync(
                        () -> at(together, () -> one.proposals().accept(SCOPE, id, BOB, seen, null)), nodes);
                CompletableFuture<ProposalResult> there = CompletableFuture.supplyAsync(
                        () -> at(together, () -> other.proposals().accept(SCOPE, id, CAROL, seen, null)), nodes);
                CompletableFuture<ProposalResult> third = CompletableFuture.supplyAsync(
                        () -> at(
                                together,
                                () -> rejects
                                        ? one.proposals().reject(SCOPE, id, recorder("user:dave"), null)
                                        : other.proposals().accept(SCOPE, id, BOB, seen, null)),
                        nodes);
                List<ProposalResult> results = List.of(here.get(), there.get(), third.get());

                FiledProposal after = one.repository().find(SCOPE, id).orElseThrow();
                FiledProposal.End end = Objects.requireNonNull(after.end(), () -> "still waits: " + results);
                boolean applied = end.how() == FiledProposal.How.APPLIED;
                assertThat(applied || rejects)
                        .as("round %d: %s", round, results)
                        .isTrue();
                assertThat(revisions() - before).as("round %d", round).isEqualTo(applied ? 1 : 0);
                assertThat(after.acceptances())
                        .extracting(FiledProposal.Acceptance::acceptor)
                        .doesNotHaveDuplicates()
                        .hasSizeBetween(applied ? 2 : 0, 2);
                assertThat(entries("assize.proposal.applied", id)).isEqualTo(applied ? 1 : 0);
                assertThat(entries("assize.proposal.accepted", id))
                        .isEqualTo(after.acceptances().size());
                assertThat(entries("assize.proposal.rejected", id)).isEqualTo(applied ? 0 : 1);
            }
        }
    }

    @Test
    void whatIsSaidOnTwoNodesAtOnceIsKeptAndHoldsUpNoAcceptance() throws Exception {
        try (ExecutorService nodes = Executors.newFixedThreadPool(3)) {
            CyclicBarrier together = new CyclicBarrier(3);
            for (int round = 0; round < ROUNDS; round++) {
                Done proposed = propose(binding("said" + round));
                String id = proposed.proposal().id();
                Seen seen = seen(proposed);
                one.proposals().accept(SCOPE, id, BOB, seen, null);
                var here = CompletableFuture.supplyAsync(
                        () -> at(together, () -> one.proposals().comment(SCOPE, id, BOB, "why?", "b")), nodes);
                var there = CompletableFuture.supplyAsync(
                        () -> at(together, () -> other.proposals().comment(SCOPE, id, ALICE, "because", null)), nodes);
                var last = CompletableFuture.supplyAsync(
                        () -> at(together, () -> other.proposals().accept(SCOPE, id, CAROL, seen, null)), nodes);
                assertThat(last.get())
                        .isInstanceOfSatisfying(
                                Done.class, done -> assertThat(done.state()).isEqualTo(State.APPLIED));
                long said = List.of(here.get(), there.get()).stream()
                        .filter(Done.class::isInstance)
                        .count();
                FiledProposal after = other.repository().find(SCOPE, id).orElseThrow();
                assertThat(after.comments()).hasSize((int) said);
                assertThat(entries("assize.proposal.commented", id)).isEqualTo(said);
            }
        }
    }

    @Test
    void aChangeBetweenTwoAcceptancesVoidsTheFirst() throws Exception {
        Done first = propose(binding("moved-1"));
        Done second = propose(binding("moved-2"));
        Seen seen = seen(first);
        assertThat(one.proposals().accept(SCOPE, first.proposal().id(), BOB, seen, null))
                .isInstanceOfSatisfying(
                        Done.class, done -> assertThat(done.state()).isEqualTo(State.PENDING));
        Seen secondSeen = seen(second);
        one.proposals().accept(SCOPE, second.proposal().id(), BOB, secondSeen, null);
        other.proposals().accept(SCOPE, second.proposal().id(), CAROL, secondSeen, null);

        ProposalResult late = other.proposals().accept(SCOPE, first.proposal().id(), CAROL, seen, null);
        assertThat(late).isInstanceOf(ProposalResult.Moved.class);
        ProposalResult.Moved moved = (ProposalResult.Moved) late;
        Seen now = new Seen(moved.digest(), moved.base().revision());
        assertThat(other.proposals().accept(SCOPE, first.proposal().id(), CAROL, now, null))
                .isInstanceOfSatisfying(
                        Done.class, done -> assertThat(done.state()).isEqualTo(State.PENDING));
        assertThat(one.proposals().accept(SCOPE, first.proposal().id(), BOB, now, "again"))
                .isInstanceOfSatisfying(
                        Done.class, done -> assertThat(done.state()).isEqualTo(State.APPLIED));
        // A retry of the last acceptance, which was applied, and of one that was void.
        assertThat(other.proposals().accept(SCOPE, first.proposal().id(), BOB, now, "again"))
                .isInstanceOfSatisfying(
                        Done.class, done -> assertThat(done.state()).isEqualTo(State.APPLIED));
        assertThat(one.proposals().accept(SCOPE, first.proposal().id(), BOB, seen, null))
                .isInstanceOf(ProposalResult.WrongState.class);
    }

    @Test
    void thePlatformIsChangedByProposalsToo() {
        String role = "{apiVersion: assize.dev/v1, kind: Role, metadata: {name: everywhere},"
                + " spec: {permissions: [{resources: [x], actions: [y]}]}}\n";
        Content content = new Content(read(role), List.of());
        Done proposed = (Done) one.proposals()
                .propose(
                        new Wish(PolicyScope.PLATFORM, content, false, null, "why", Duration.ofDays(1), ALICE, null),
                        ALICE);
        String id = proposed.proposal().id();
        Seen seen = new Seen(
                proposed.proposal().digest(proposed.base()), proposed.base().revision());
        assertThat(other.proposals().accept(PolicyScope.PLATFORM, id, BOB, seen, null))
                .isInstanceOfSatisfying(
                        Done.class, done -> assertThat(done.state()).isEqualTo(State.APPLIED));
        assertThat(one.administration().export(PolicyScope.PLATFORM).documents())
                .extracting(Document::name)
                .containsExactly("everywhere");
        // The digest of a tenant's proposal covers the platform's revision, too.
        assertThat(one.repository().find(SCOPE, id)).isEmpty();
    }

    @Test
    void keepsWhatIsProposedAsItIs() {
        Document put = read(binding("kept")).getFirst();
        DocumentKey deleted = new DocumentKey(SCOPE, Kind.ROLE, "pays");
        apply(WORLD.replace("acme", "other"), null, List.of());
        ProposalResult result = one.proposals()
                .propose(
                        new Wish(
                                SCOPE,
                                new Content(List.of(put), List.of()),
                                true,
                                null,
                                "why",
                                Duration.ofDays(1),
                                recorder("user:eve"),
                                "key-1"),
                        ALICE);
        Done done = (Done) result;
        FiledProposal found =
                other.repository().find(SCOPE, done.proposal().id()).orElseThrow();

        assertThat(found).isEqualTo(done.proposal());
        assertThat(other.repository().content(SCOPE, found.id()).puts())
                .singleElement()
                .satisfies(kept -> {
                    assertThat(DocumentText.write(kept)).isEqualTo(DocumentText.write(put));
                    assertThat(kept.place()).isEqualTo(put.place());
                });
        assertThat(other.repository().find(PolicyScope.of(new TenantId("other")), found.id()))
                .isEmpty();
        assertThat(other.repository().content(PolicyScope.of(new TenantId("other")), found.id()))
                .isEqualTo(new Content(List.of(), List.of()));
        assertThat(deleted.scope()).isEqualTo(found.scope());
        Wait wait = new Wait(ExpiredWaits.Type.PROPOSAL, SCOPE, found.id());
        ExpiredWaits waits = new PostgresExpiredWaits(other.database());
        assertThat(waits.find(Instant.now(), 1_000)).doesNotContain(wait);
        assertThat(waits.find(found.expiresAt(), 1_000)).contains(wait);
        one.proposals().withdraw(SCOPE, found.id(), ALICE, "not now");
        assertThat(waits.find(found.expiresAt(), 1_000)).doesNotContain(wait);
    }

    @Test
    void aChangeUnderAKeyIsMadeOnceAndAnsweredAsAtFirst() {
        String two = "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: globex},"
                + " spec: {environments: [default]}}\n---\n"
                + "{apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: globex, name: r},"
                + " spec: {permissions: [{resources: [x], actions: [y]}]}}\n---\n"
                + "{apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: initech},"
                + " spec: {environments: [default]}}\n";
        apply(two.substring(two.lastIndexOf("---") + 4), null, List.of());
        List<DocumentKey> none = List.of();
        Accepted first = (Accepted) apply(two, "k", none);
        apply(two.replace("[x]", "[z]"), null, none);

        ChangeResult again = apply(two, "k", none);

        assertThat(again).isInstanceOfSatisfying(Replayed.class, replayed -> {
            assertThat(replayed.changes()).hasSize(2);
            for (int i = 0; i < 2; i++) {
                ScopeChange was = first.changes().get(i);
                ScopeChange is = replayed.changes().get(i);
                assertThat(is.scope()).isEqualTo(was.scope());
                assertThat(is.base()).isEqualTo(was.base());
                assertThat(is.revision()).isEqualTo(was.revision());
                assertThat(is.changeDigest()).isEqualTo(was.changeDigest());
                assertThat(is.policyDigest()).isEqualTo(was.policyDigest());
                assertThat(is.seq()).isEqualTo(was.seq());
                assertThat(types(is)).isEqualTo(types(was));
            }
        });
        assertThat(types(first.changes().getFirst())).containsOnly(ChangeType.CREATED);
        assertThat(types(first.changes().getLast())).containsOnly(ChangeType.UNCHANGED);
        assertThat(apply(two.replace("[x]", "[other]"), "k", none)).isEqualTo(new KeyReused("k"));
    }

    @Test
    void aProposalIsLookedAtWithoutHoldingUpOthers() {
        Done looked = propose(binding("looked-at"));
        Done ended = propose(binding("ended-meanwhile"));
        List<ProposalResult> meanwhile = new ArrayList<>();
        PolicyAdministration judging = new PolicyAdministration(one.policies(), everybodyMay(), () -> {
            if (meanwhile.isEmpty()) {
                meanwhile.add(other.proposals().withdraw(SCOPE, ended.proposal().id(), ALICE, null));
            }
            return Instant.now();
        });
        Proposals proposals = new Proposals(
                one.repository(), judging, everybodyMay(), new FakeApprovalPolicy(), InstantSource.system());

        assertThat(proposals
                        .view(SCOPE, looked.proposal().id(), BOB)
                        .orElseThrow()
                        .outcome())
                .isNotNull();
        assertThat(meanwhile)
                .singleElement()
                .isInstanceOfSatisfying(
                        Done.class, done -> assertThat(done.state()).isEqualTo(State.WITHDRAWN));
        one.proposals().withdraw(SCOPE, looked.proposal().id(), ALICE, null);
    }

    @Test
    void anAcceptanceIsJudgedWithoutHoldingUpOthers() {
        Done judged = propose(binding("judged"));
        Done ended = propose(binding("ended-beside"));
        Seen seen = seen(judged);
        List<ProposalResult> meanwhile = new ArrayList<>();
        Proposals proposals = judging(() ->
                meanwhile.add(other.proposals().withdraw(SCOPE, ended.proposal().id(), ALICE, null)));

        assertThat(proposals.accept(SCOPE, judged.proposal().id(), BOB, seen, null))
                .isInstanceOfSatisfying(
                        Done.class, done -> assertThat(done.state()).isEqualTo(State.PENDING));
        assertThat(meanwhile)
                .singleElement()
                .isInstanceOfSatisfying(
                        Done.class, done -> assertThat(done.state()).isEqualTo(State.WITHDRAWN));
        assertThat(entries("assize.proposal.accepted", judged.proposal().id())).isEqualTo(1);
        one.proposals().withdraw(SCOPE, judged.proposal().id(), ALICE, null);
    }

    @Test
    void policyThatMovesWhileAnAcceptanceIsJudgedVoidsIt() {
        Done late = propose(binding("late"));
        Done early = propose(binding("early"));
        Seen seen = seen(late);
        Seen earlySeen = seen(early);
        other.proposals().accept(SCOPE, early.proposal().id(), BOB, earlySeen, null);
        Proposals proposals =
                judging(() -> other.proposals().accept(SCOPE, early.proposal().id(), CAROL, earlySeen, null));
        long before = revisions();

        assertThat(proposals.accept(SCOPE, late.proposal().id(), BOB, seen, null))
                .isInstanceOf(ProposalResult.Moved.class);
        assertThat(revisions()).isEqualTo(before + 1);
        assertThat(entries("assize.proposal.accepted", late.proposal().id())).isZero();
        one.proposals().withdraw(SCOPE, late.proposal().id(), ALICE, null);
    }

    /** On the first node, where something happens once while it judges. */
    private static Proposals judging(Runnable meanwhile) {
        AtomicBoolean happened = new AtomicBoolean();
        return new Proposals(one.repository(), one.administration(), everybodyMay(), new FakeApprovalPolicy(), () -> {
            if (happened.compareAndSet(false, true)) {
                meanwhile.run();
            }
            return Instant.now();
        });
    }

    private static List<ChangeType> types(ScopeChange change) {
        return change.documents().stream()
                .map(ChangeResult.DocumentChange::type)
                .toList();
    }

    private static Done propose(String yaml) {
        ProposalResult result = one.proposals()
                .propose(
                        new Wish(
                                SCOPE,
                                new Content(read(yaml), List.of()),
                                false,
                                null,
                                "for the test",
                                Duration.ofDays(1),
                                ALICE,
                                null),
                        ALICE);
        assertThat(result).isInstanceOf(Done.class);
        return (Done) result;
    }

    private static Seen seen(Done done) {
        Done now = one.proposals()
                .view(SCOPE, done.proposal().id(), BOB)
                .orElseThrow()
                .proposal();
        return new Seen(now.proposal().digest(now.base()), now.base().revision());
    }

    private static long revisions() {
        return one.database()
                .inSnapshot(
                        SCOPE.key(),
                        transaction -> transaction
                                .sql()
                                .fetchCount(POLICY_REVISION, POLICY_REVISION.SCOPE_KEY.eq(SCOPE.key())));
    }

    private static int entries(String type, String proposal) {
        return one.database()
                .inSnapshot(
                        ACME.value(),
                        transaction -> transaction
                                .sql()
                                .fetchCount(
                                        LEDGER_ENTRY,
                                        LEDGER_ENTRY
                                                .TENANT_ID
                                                .eq(ACME.value())
                                                .and(LEDGER_ENTRY.TYPE.eq(type))
                                                .and(LEDGER_ENTRY.RESOURCE.eq("tenant:acme/proposal:" + proposal))));
    }

    /** What happens at the same moment. */
    private interface Deed {
        ProposalResult run();
    }

    private static ProposalResult at(CyclicBarrier together, Deed deed) {
        try {
            together.await();
        } catch (Exception broken) {
            throw new IllegalStateException(broken);
        }
        return deed.run();
    }

    private static ChangeResult apply(String yaml, @Nullable String key, List<DocumentKey> deletes) {
        Once once = key == null ? null : new Once(key, Digest.sha256(yaml.getBytes(StandardCharsets.UTF_8)), "");
        return one.administration()
                .apply(
                        new ChangeSet(
                                read(yaml), deletes, List.of(), false, false, null, new ChangeOrigin("apply", once)),
                        ADMIN,
                        tenant -> true);
    }

    private static List<Document> read(String yaml) {
        List<Document> documents = new ArrayList<>();
        for (String part : yaml.strip().split("---\n", -1)) {
            ReadResult result = DocumentReader.read("test.yaml", 1, part.getBytes(StandardCharsets.UTF_8));
            assertThat(result.problems()).isEmpty();
            documents.addAll(result.documents());
        }
        return documents;
    }

    private static String binding(String name) {
        return "{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: " + name
                + "}, spec: {subjects: ['user:" + name + "'], role: pays}}\n";
    }

    private static Recorder recorder(String subject) {
        return new Recorder(Subject.parse(subject), TenantId.ASSIZE);
    }

    private static DecisionService everybodyMay() {
        return (DecisionService) Proxy.newProxyInstance(
                DecisionService.class.getClassLoader(),
                new Class<?>[] {DecisionService.class},
                (proxy, method, args) -> switch (method.getName()) {
                    case "refresh" -> null;
                    case "evaluateOwn" ->
                        new Answer(Reason.ALLOWED, null, Revision.NONE, Revision.NONE, null, List.of());
                    default -> throw new AssertionError(method.getName());
                });
    }
}
