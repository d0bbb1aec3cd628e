package dev.assize.server.decision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.prompt.WouldWaitException;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers by bytes what the service answers otherwise, makes nothing on the way, and says where it cannot. */
class DeskTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final DecisionConfig CONFIG = DecisionConfig.defaults();
    private static final String POLICY = """
        apiVersion: assize.dev/v1
        kind: Tenant
        metadata: {name: acme}
        spec: {environments: [default, production]}
        ---
        apiVersion: assize.dev/v1
        kind: ResourceType
        metadata: {tenant: acme, name: doc}
        spec: {actions: [read, write, publish]}
        ---
        apiVersion: assize.dev/v1
        kind: Role
        metadata: {tenant: acme, name: reader}
        spec:
          permissions:
            - {resources: [doc], actions: [read], obligations: [{id: log, type: audit}, {id: a, type: mask}]}
            - {resources: [doc], actions: [publish]}
        ---
        apiVersion: assize.dev/v1
        kind: Role
        metadata: {tenant: acme, name: banned}
        spec: {permissions: [{effect: deny, resources: [doc], actions: [read], obligations: [{id: b, type: x}]}]}
        ---
        apiVersion: assize.dev/v1
        kind: Group
        metadata: {tenant: acme, name: inner}
        spec: {members: ["user:grouped"]}
        ---
        apiVersion: assize.dev/v1
        kind: Group
        metadata: {tenant: acme, name: outer}
        spec: {members: ["group:inner"]}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: plain}
        spec: {subjects: ["user:alice", "user:banned", "group:outer", "bot:*"], role: reader}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: ban}
        spec: {subjects: ["user:banned"], role: banned}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: scoped}
        spec:
          subjects: ["user:scoped"]
          role: reader
          scope: {environments: [production], resources: ["vault:v/doc:d"]}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: timed}
        spec:
          subjects: ["user:timed"]
          role: reader
          notBefore: 2026-03-01T10:00:00Z
          notAfter: 2026-03-01T14:00:00Z
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: compared}
        spec: {subjects: ["user:compared"], role: reader, when: "subject.id == 'compared'"}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: interpreted}
        spec: {subjects: ["user:interpreted"], role: reader, when: "size(subject.id) == 11"}
        ---
        apiVersion: assize.dev/v1
        kind: Role
        metadata: {tenant: acme, name: sizer}
        spec: {permissions: [{resources: [doc], actions: [read], when: "size(subject.id) == 5"}]}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: sizers}
        spec: {subjects: ["user:sized"], role: sizer}
        ---
        apiVersion: assize.dev/v1
        kind: ApprovalRule
        metadata: {tenant: acme, name: twice}
        spec:
          actions: [publish]
          resources: [doc]
          approvals: 1
          approverRole: reader
          approverTypes: [user]
          pendingTtl: 1h
          ttl: 1h
        """;

    private final AtomicReference<Instant> now = new AtomicReference<>(NOON);
    private final AtomicLong nanos = new AtomicLong();
    private final NodeClock clock = new NodeClock(now::get, nanos::get);
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final DecisionMetrics metrics = new DecisionMetrics(registry);
    private static final String UNDECLARED = """
        apiVersion: assize.dev/v1
        kind: Tenant
        metadata: {name: acme}
        spec: {environments: [default]}
        ---
        apiVersion: assize.dev/v1
        kind: Role
        metadata: {tenant: acme, name: owner}
        spec:
          permissions:
            - {resources: [doc], actions: ["*"]}
            - {resources: ["*"], actions: ["*"]}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: plain}
        spec: {subjects: ["user:alice"], role: owner}
        """;

    private final FakePolicySource source = new FakePolicySource();
    private final GraphCache graphs = new GraphCache(source, CONFIG, clock, metrics);
    private final PolicyDecisionPoint pdp = pdp();
    private final Desk desk = pdp.desk();

    private PolicyDecisionPoint pdp() {
        PastGraphs pasts = new PastGraphs(source, graphs, CONFIG, now::get, metrics);
        Moments moments = new Moments(graphs, pasts, CONFIG, now::get, metrics);
        FakeFacts facts = new FakeFacts();
        Decisions decisions = new Decisions(facts, facts, metrics, Evaluator::evaluate);
        return new PolicyDecisionPoint(graphs, source, moments, decisions, now::get, metrics);
    }

    @BeforeEach
    void hold() {
        source.put(policy(POLICY));
        pdp.isTenant(ACME);
    }

    @Test
    void isClosedWhereThePolicyIsNotHeldOrNotFresh() {
        assertThat(desk.open(names("user:alice", "doc:1", "read", ""))).isTrue();
        assertThat(desk.open(QuestionBytes.of("user:alice", "doc:1", "read", "acm", "")))
                .isFalse();
        assertThat(desk.open(QuestionBytes.of("user:alice", "doc:1", "read", "", "")))
                .isFalse();
        assertThatThrownBy(() -> desk.decide(names("user:alice", "doc:1", "read", "")))
                .as("not in the tenant that it was open for")
                .isInstanceOf(NullPointerException.class);
        pass(CONFIG.freshnessBound().minusMillis(3));
        assertThat(desk.open(names("user:alice", "doc:1", "read", ""))).isTrue();
        pass(Duration.ofMillis(4));
        assertThat(desk.open(names("user:alice", "doc:1", "read", ""))).isFalse();
        assertThat(pdp.evaluateIfReady(query("user:alice", "doc:1", "read", "")))
                .isNull();
    }

    @Test
    void aClockThatWasSetMakesItClosed() {
        now.set(NOON.minus(CONFIG.freshnessBound()).minusMillis(1));
        nanos.addAndGet(2_000_000);
        assertThat(desk.open(names("user:alice", "doc:1", "read", ""))).isFalse();
        now.set(NOON.plus(CONFIG.freshnessBound()));
        nanos.addAndGet(2_000_000);
        assertThat(desk.open(names("user:alice", "doc:1", "read", ""))).isFalse();
    }

    @Test
    void saysNothingOnceClosed() {
        assertThat(decide(names("user:alice", "doc:1", "read", ""))).isTrue();
        desk.close();
        assertThatThrownBy(desk::revision).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> desk.decide(names("user:alice", "doc:1", "read", "")))
                .isInstanceOf(NullPointerException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "group:inner, doc:1, read, ''",
        "alice, doc:1, read, ''",
        "user:, doc:1, read, ''",
        "'', doc:1, read, ''",
        "us er:alice, doc:1, read, ''",
        "user:alice, '', read, ''",
        "user:alice, doc:, read, ''",
        "user:alice, doc:%, read, ''",
        "user:alice, /doc:1, read, ''",
        "user:alice, vault/doc:1, read, ''",
        "user:alice, doc:1/, read, ''",
        "user:alice, doc:1, '', ''",
        "user:alice, doc:1, 1, ''",
        "user:alice, doc:1, read, pro duction",
        "user:nobody, doc:1, read, -",
        "nobody, nothing, nothing, nowhere",
    })
    void leavesToOthersWhatTheyRefuse(String subject, String resource, String action, String env) {
        assertThat(decide(names(subject, resource, action, env))).isFalse();
        assertThatThrownBy(() -> query(subject, resource, action, env)).isInstanceOf(MalformedException.class);
    }

    /** Where nothing is declared, a name that is found in the policy says nothing about the others. */
    @ParameterizedTest
    @CsvSource({"doc:1, 1", "doc:1, re ad", "other:1, 1", "other:1, re ad"})
    void leavesToOthersWhatTheyRefuseWhereAnyTypeAndActionIsKnown(String resource, String action) {
        source.put(PolicySet.of(PolicyScope.of(ACME), new Revision(2), documents(UNDECLARED)));
        pdp.refresh(PolicyScope.of(ACME));
        assertThat(decide(names("user:alice", resource, "read", ""))).isTrue();
        assertThat(desk.reason()).isEqualTo(Reason.ALLOWED);
        assertThat(decide(names("user:alice", resource, action, ""))).isFalse();
        assertThatThrownBy(() -> query("user:alice", resource, action, "")).isInstanceOf(MalformedException.class);
    }

    @Test
    void leavesToOthersWhatTakesMoreThanNames() {
        assertThat(decide(names("user:alice", "doc:1", "publish", "")))
                .as("approval")
                .isFalse();
        assertThat(decide(names("user:ålice", "doc:1", "read", "")))
                .as("not plain")
                .isFalse();
        assertThat(pdp.evaluate(query("user:ålice", "doc:1", "read", "")).reason())
                .isEqualTo(Reason.NO_GRANT);
    }

    @ParameterizedTest
    @ValueSource(ints = {Limits.PATH_SEGMENTS, 16_380})
    void looksNothingUpForAPathThatIsNone(int slashes) {
        assertThat(decide(names("user:alice", "doc:1", "read", ""))).isTrue();
        assertThat(desk.decide(names("user:nobody", "/".repeat(slashes) + "doc", "read", "")))
                .isFalse();
        assertThat(desk.reason()).as("of the last one looked up").isEqualTo(Reason.ALLOWED);
        String deep = "vault:v/".repeat(Limits.PATH_SEGMENTS) + "doc:1";
        assertThat(desk.decide(names("user:nobody", deep, "read", ""))).isFalse();
        assertThat(desk.reason()).isEqualTo(Reason.ALLOWED);
        String deepest = "vault:v/".repeat(Limits.PATH_SEGMENTS - 1) + "doc:1";
        assertThat(desk.decide(names("user:nobody", deepest, "read", ""))).isTrue();
        assertThat(desk.reason()).isEqualTo(Reason.NO_GRANT);
    }

    @Test
    void leavesToOthersWhatIsAboutToChange() {
        Instant end = Instant.parse("2026-03-01T14:00:00Z");
        now.set(end.minusMillis(2));
        nanos.addAndGet(Duration.ofHours(2).toNanos());
        Objects.requireNonNull(graphs.getIfHeld(ACME)).confirm(clock.read());
        CheckBytes timed = names("user:timed", "doc:1", "read", "");
        assertThat(decide(timed)).isTrue();
        assertThat(desk.reason()).isEqualTo(Reason.ALLOWED);
        assertThat(desk.validUntil()).isEqualTo(end);
        now.set(end.minusMillis(1));
        assertThat(decide(timed))
                .as("the clock is not read again within a millisecond")
                .isTrue();
        nanos.addAndGet(1_000_000);
        assertThat(decide(timed)).isFalse();
        now.set(end);
        nanos.addAndGet(1_000_000);
        assertThat(decide(timed)).isTrue();
        assertThat(desk.reason()).isEqualTo(Reason.GRANT_EXPIRED);
    }

    @ParameterizedTest
    @CsvSource({
        "user:alice, doc:1, read, '', ALLOWED",
        "user:alice, vault:v/doc:1, read, default, ALLOWED",
        "user:alice, doc, read, '', ALLOWED",
        "user:alice, doc:%2F%25, read, '', ALLOWED",
        "user:alice, doc:1, write, '', NO_GRANT",
        "user:nobody, doc:1, read, '', NO_GRANT",
        "user:alice, doc:1, delete, '', ACTION_UNKNOWN",
        "user:alice, doz:1, read, '', TYPE_UNKNOWN",
        "user:alice, doc:1, read, staging, ENVIRONMENT_UNKNOWN",
        "user:banned, doc:1, read, '', EXPLICIT_DENY",
        "user:grouped, doc:1, read, production, ALLOWED",
        "bot:any, doc:1, read, '', ALLOWED",
        "user:scoped, vault:v/doc:d, read, production, ALLOWED",
        "user:scoped, vault:v/doc:d/doc:e, read, production, ALLOWED",
        "user:scoped, vault:v/doc:dd, read, production, OUT_OF_SCOPE",
        "user:scoped, vault:v/doc:d, read, default, OUT_OF_SCOPE",
        "user:timed, doc:1, read, '', ALLOWED",
        "user:compared, doc:1, read, '', ALLOWED",
        "user:interpreted, doc:1, read, '', ALLOWED",
        "user:sized, doc:1, read, '', ALLOWED",
    })
    void answersAsTheServiceDoes(String subject, String resource, String action, String env, Reason reason) {
        assertThat(decide(names(subject, resource, action, env))).isTrue();
        Answer answer = pdp.evaluate(query(subject, resource, action, env));
        assertThat(answer.reason()).isEqualTo(reason);
        assertThat(desk.answer()).isEqualTo(answer);
        assertThat(desk.reason()).isEqualTo(reason);
        assertThat(desk.validUntil()).isEqualTo(answer.validUntil());
        assertThat(desk.obligations()).isEqualTo(answer.obligations());
        assertThat(desk.revision()).isEqualTo(answer.revision());
        assertThat(desk.platformRevision()).isEqualTo(answer.platformRevision());
        assertThat(desk.decisionLog()).isEqualTo(DecisionLog.NONE);
        if (answer.decidedBy() instanceof Answer.DecidedBy.Grant(String binding, String role, int position)) {
            assertThat(desk.binding()).isEqualTo(binding);
            assertThat(desk.role()).isEqualTo(role);
            assertThat(desk.position()).isEqualTo(position);
        } else {
            assertThat(desk.binding()).isNull();
            assertThat(desk.role()).isNull();
            assertThat(desk.position()).isNegative();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "user:alice doc:1 read default",
                "user:alice doc:1 write default",
                "user:nobody doc:1 read default",
                "user:alice doc:1 delete default",
                "user:banned doc:1 read default",
                "user:grouped doc:1 read production",
                "bot:any doc:1 read default",
                "user:scoped vault:v/doc:d read production",
                "user:scoped vault:v/doc:dd read production",
                "user:timed doc:1 read default",
            })
    void makesNothing(String question) {
        String[] parts = question.split(" ", -1);
        CheckBytes names = names(parts[0], parts[1], parts[2], parts[3]);
        // Until then the compiler may have made what it later leaves out.
        long made = Long.MAX_VALUE;
        for (int run = 0; run < 200 && made > 0; run++) {
            made = Math.min(made, madeBytes(names));
        }
        assertThat(made).as(question).isZero();
    }

    /** By this thread, in a thousand questions. */
    private long madeBytes(CheckBytes names) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        int decided = 0;
        for (int i = 0; i < 1_000; i++) {
            decided += desk.open(names) && desk.decide(names) ? 1 : 0;
            desk.close();
        }
        long made = threads.getCurrentThreadAllocatedBytes() - before;
        assertThat(decided).isEqualTo(1_000);
        return made;
    }

    @Test
    void countsOneAsACheckAndMoreAsABatch() {
        CheckBytes alice = names("user:alice", "doc:1", "read", "");
        assertThat(desk.open(alice)).isTrue();
        desk.close();
        assertThat(timed("assize.decision.duration")).isZero();
        decide(alice);
        nanos.addAndGet(5_000);
        desk.close();
        assertThat(timed("assize.decision.duration")).isEqualTo(1);
        assertThat(desk.open(alice) && desk.decide(alice) && desk.decide(alice)).isTrue();
        desk.close();
        desk.close();
        assertThat(timed("assize.decision.duration")).isEqualTo(1);
        assertThat(timed("assize.decision.batch.duration")).isEqualTo(1);
        assertThat(registry.get("assize.decision.checks")
                        .tag("reason", "ALLOWED")
                        .functionCounter()
                        .count())
                .isEqualTo(3);
    }

    /** They come and go with their threads, whose desks nothing may keep. */
    @Test
    void countsTheDesksOfVirtualThreadsWhereEverybodyCounts() throws InterruptedException {
        int before = metrics.tallies();
        CheckBytes alice = names("user:alice", "doc:1", "read", "");
        double hits = hits();
        for (int i = 0; i < 3; i++) {
            Thread.startVirtualThread(() -> {
                        try (Desk own = pdp.desk()) {
                            boolean _ = own.open(alice) && own.decide(alice) && own.decide(alice);
                        }
                    })
                    .join();
        }
        assertThat(metrics.tallies()).isEqualTo(before);
        assertThat(allowed()).isEqualTo(6);
        assertThat(hits()).isEqualTo(hits + 3);
    }

    private double hits() {
        return registry.get("assize.decision.cache.hits").functionCounter().count();
    }

    @Test
    void timesOneOfSoManyThatAreAskedOneByOne() {
        CheckBytes alice = names("user:alice", "doc:1", "read", "");
        for (int i = 0; i <= HeldDesk.TIMED_ONE_IN; i++) {
            decide(alice);
            desk.close();
        }
        assertThat(timed("assize.decision.duration")).isEqualTo(2);
        assertThat(allowed()).isEqualTo(HeldDesk.TIMED_ONE_IN + 1);
        for (int i = 0; i < 5; i++) {
            nanos.addAndGet(1_000_000);
            decide(alice);
            desk.close();
        }
        assertThat(timed("assize.decision.duration")).as("who asks seldom").isEqualTo(7);
    }

    @Test
    void countsWhatWasDecidedAndNotWhatWasNotWhateverCameBetween() {
        CheckBytes alice = names("user:alice", "doc:1", "read", "");
        assertThat(desk.open(alice) && desk.decide(alice)).isTrue();
        assertThat(desk.decide(names("user:alice", "doc:", "read", ""))).isFalse();
        assertThat(desk.decide(names("user:nobody", "doc:1", "read", ""))).isTrue();
        assertThat(desk.decide(names("group:g", "doc:1", "read", ""))).isFalse();
        desk.close();
        assertThat(allowed()).isEqualTo(1);
        assertThat(registry.get("assize.decision.checks").functionCounters().stream()
                        .mapToDouble(FunctionCounter::count)
                        .sum())
                .isEqualTo(2);
    }

    @Test
    void comparesPromptlyAndInterpretsWhereThereIsTime() {
        Prompt.run(() ->
                assertThat(decide(names("user:compared", "doc:1", "read", ""))).isTrue());
        desk.close();
        for (String subject : List.of("user:interpreted", "user:sized")) {
            CheckBytes names = names(subject, "doc:1", "read", "");
            assertThatThrownBy(() -> Prompt.run(() -> decide(names))).isInstanceOf(WouldWaitException.class);
            desk.close();
            CheckQuery query = query(subject, "doc:1", "read", "");
            assertThatThrownBy(() -> Prompt.run(() -> pdp.evaluateAll(ACME, List.of(query))))
                    .isInstanceOf(WouldWaitException.class);
            assertThat(pdp.evaluate(query).reason()).isEqualTo(Reason.ALLOWED);
        }
        assertThat(allowed()).as("each once").isEqualTo(3);
    }

    @Test
    void decidesPromptlyUpToABoundAndCountsNothingOfWhatIsBegunAnew() {
        CheckBytes alice = names("user:alice", "doc:1", "read", "");
        assertThat(desk.open(alice)).isTrue();
        Prompt.run(() -> {
            // Each looks at one grant.
            for (int i = 0; i < Prompt.STEPS; i++) {
                assertThat(desk.decide(alice)).isTrue();
            }
            // What is looked at is told 64 grants at a time.
            for (int i = 1; i < 64; i++) {
                assertThat(desk.decide(alice)).isTrue();
            }
            assertThatThrownBy(() -> desk.decide(alice)).isInstanceOf(WouldWaitException.class);
        });
        desk.close();
        assertThat(allowed()).isZero();
        List<CheckQuery> queries = Collections.nCopies(Prompt.STEPS, query("user:alice", "doc:1", "read", ""));
        Prompt.run(() -> {
            pdp.evaluateAll(ACME, queries);
            assertThatThrownBy(() -> pdp.evaluateAll(ACME, queries.subList(0, 1)))
                    .isInstanceOf(WouldWaitException.class);
        });
        assertThat(allowed()).isEqualTo(Prompt.STEPS);
    }

    private double allowed() {
        return registry.get("assize.decision.checks")
                .tag("reason", "ALLOWED")
                .functionCounter()
                .count();
    }

    @Test
    void answersFromAChangedPolicyAsSoonAsTheServiceDoes() {
        CheckBytes alice = names("user:alice", "doc:1", "read", "");
        assertThat(decide(alice)).isTrue();
        source.put(
                PolicySet.of(PolicyScope.of(ACME), new Revision(2), documents(POLICY.replace("\"user:alice\", ", ""))));
        pdp.refresh(PolicyScope.of(ACME));
        assertThat(decide(alice)).isTrue();
        assertThat(desk.revision()).isEqualTo(new Revision(2));
        assertThat(desk.reason()).isEqualTo(Reason.NO_GRANT);
    }

    private long timed(String timer) {
        return registry.get(timer).timer().count();
    }

    private boolean decide(CheckBytes names) {
        assertThat(desk.open(names)).isTrue();
        return desk.decide(names);
    }

    private void pass(Duration time) {
        now.updateAndGet(then -> then.plus(time));
        nanos.addAndGet(time.toNanos());
    }

    private static CheckBytes names(String subject, String resource, String action, String env) {
        return QuestionBytes.of(subject, resource, action, "acme", env);
    }

    private static CheckQuery query(String subject, String resource, String action, String env) {
        return new CheckQuery(
                Subject.parseOfRequest(subject),
                ResourcePath.parse(resource),
                new Action(action),
                ACME,
                Environment.ofRequest(env),
                ACME);
    }

    private static PolicySet policy(String text) {
        return PolicySet.of(PolicyScope.of(ACME), new Revision(1), documents(text));
    }

    private static List<Document> documents(String text) {
        ReadResult read = DocumentReader.read("policy.yaml", 1, text.getBytes(StandardCharsets.UTF_8));
        assertThat(read.problems()).isEmpty();
        return read.documents();
    }
}
