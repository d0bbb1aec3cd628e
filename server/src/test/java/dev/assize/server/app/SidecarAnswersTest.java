package dev.assize.server.app;

import static dev.assize.server.app.CentreFixture.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceBlockingStub;
import dev.assize.proto.v1.Detail;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.PolicyState;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.server.decision.World;
import dev.assize.server.endpoint.call.Questions;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentText;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Puts random questions about random policies to a sidecar and to its centre: whoever decides, and however it is asked, the
 * answers are the same in all but their ids. More worlds with {@code -Dassize.test.sidecar.worlds=500}, others with
 * {@code -Dassize.test.sidecar.seed=7}.
 */
@Timeout(1_800)
class SidecarAnswersTest {

    private static final int WORLDS = Integer.getInteger("assize.test.sidecar.worlds", 10);
    private static final long SEED = Long.getLong("assize.test.sidecar.seed", 20_261_123L);
    private static final int QUESTIONS = 60;
    private static final int ENTRIES = 10;

    /** Answers are given one after the other, and their ends are counted from then on. */
    private static final Duration APART = Duration.ofSeconds(20);

    /** Moments of worlds, all of which are moved to around now, and half an hour away from it. */
    private static final Pattern MOMENT = Pattern.compile("2026-02-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z");

    private static final String SIDECARS = """
        apiVersion: assize.dev/v1
        kind: Tenant
        metadata: {name: acme}
        spec: {environments: [default]}
        ---
        apiVersion: assize.dev/v1
        kind: Role
        metadata: {tenant: assize, name: of-the-sidecar}
        spec:
          permissions:
            - {resources: [policy], actions: [check, explain, search, watch, read, read-history]}
            - {resources: [ledger], actions: [append]}
            - {resources: [subject], actions: [act-as]}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: assize, name: sidecars}
        spec: {subjects: ["service:sidecar"], role: of-the-sidecar, fromTenant: acme, scope: {resources: ["tenant:acme"]}}
        ---
        apiVersion: assize.dev/v1
        kind: Role
        metadata: {tenant: assize, name: writer}
        spec: {permissions: [{resources: [policy], actions: [apply]}, {resources: [freeze], actions: [create, lift]}]}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: assize, name: writers}
        spec: {subjects: ["service:writer"], role: writer}
        """;

    private static CentreFixture centre;
    private static String key;

    /** Of somebody to whom no world gives anything. */
    private static String author;

    private static ServedSidecar sidecar;

    private final Map<Reason, Integer> seen = new EnumMap<>(Reason.class);
    private final List<Document> standing = new ArrayList<>();
    private int applied;
    private int answered;
    private int withObligations;
    private int lasting;
    private int malformed;

    @BeforeAll
    static void start(@TempDir Path directory) {
        centre = new CentreFixture(directory);
        centre.apply(SIDECARS);
        key = centre.key("acme");
        author = centre.keyOf("assize", "service:writer", "acme", "assize");
        Path home = centre.home();
        Map<String, String> environment = centre.environment(home, key, "acme");
        environment.put("ASSIZE_UPSTREAM_ACT_AS", "user, agent, service");
        sidecar = new ServedSidecar(home, CentreFixture.sidecar(home, environment));
    }

    @AfterAll
    static void stop() {
        sidecar.close();
        centre.close();
    }

    @Test
    void areThoseOfTheCentreWhoeverDecides() throws Exception {
        for (long seed = SEED; seed < SEED + WORLDS; seed++) {
            World world = new World(seed);
            if (apply(world)) {
                play(seed, world);
            }
        }
        double asked = sidecar.metric("assize_upstream_questions_seconds_count");
        System.out.println(
                answered + " questions to " + applied + " of " + WORLDS + " worlds from seed " + SEED + ": " + seen
                        + ", " + malformed + " malformed, " + withObligations + " with obligations, " + lasting
                        + " valid for some time; the sidecar asked its centre " + (long) asked + " times");
        assertThat(applied).as("worlds that are policies").isGreaterThanOrEqualTo(WORLDS / 3);
        assertThat(asked).as("asked at the centre").isBetween(answered / 200.0, answered * 0.8);
        assertThat(withObligations).isPositive();
        assertThat(lasting).isPositive();
        assertThat(malformed).isPositive();
        assertThat(seen)
                .containsKeys(
                        Reason.REASON_ALLOWED,
                        Reason.REASON_ENVIRONMENT_UNKNOWN,
                        Reason.REASON_TYPE_UNKNOWN,
                        Reason.REASON_ACTION_UNKNOWN,
                        Reason.REASON_FROZEN,
                        Reason.REASON_EXPLICIT_DENY,
                        Reason.REASON_CONDITION_ERROR,
                        Reason.REASON_CONDITION_FALSE,
                        Reason.REASON_GRANT_EXPIRED,
                        Reason.REASON_GRANT_NOT_YET_VALID,
                        Reason.REASON_OUT_OF_SCOPE,
                        Reason.REASON_NO_GRANT,
                        Reason.REASON_SEPARATION_OF_DUTY,
                        Reason.REASON_APPROVAL_REQUIRED,
                        Reason.REASON_DELEGATOR_DENIED);
    }

    /** Whether it is a policy at all: not every one is. */
    private boolean apply(World world) {
        List<Document> all = Stream.concat(world.platform().documents().stream(), world.tenant().documents().stream())
                .toList();
        // Where some types are declared, roles name others, too.
        boolean declares =
                all.stream().filter(ResourceTypeDocument.class::isInstance).count() == World.TYPES.size();
        List<Document> documents = all.stream()
                .filter(document -> declares || !(document instanceof ResourceTypeDocument))
                .filter(SidecarAnswersTest::isAcceptable)
                .toList();
        try {
            // What moves between tenant and platform cannot do so in one change.
            clear();
            var _ = centre.apply(
                    author,
                    documents.stream()
                            .map(document -> acceptable(moved(DocumentText.write(document))))
                            .collect(Collectors.joining("---\n")));
        } catch (RuntimeException refused) {
            return false;
        }
        standing.addAll(documents);
        applied++;
        return true;
    }

    private void clear() {
        if (!standing.isEmpty()) {
            var _ = centre.apply(
                    author,
                    "",
                    standing.stream()
                            .filter(document -> !(document instanceof TenantDocument))
                            .map(SidecarAnswersTest::key)
                            .toArray(DocumentKey[]::new));
            standing.clear();
        }
    }

    private static DocumentKey key(Document document) {
        return DocumentKey.newBuilder()
                .setTenant(document.scope().isPlatform() ? "" : "acme")
                .setKind(document.kind().text())
                .setName(acceptable(document.name()))
                .build();
    }

    /** Without what ends before it begins, and what is checked when policy is written, which would refuse many a world. */
    private static boolean isAcceptable(Document document) {
        return switch (document) {
            case SeparationOfDutyDocument duty -> !(duty.duty() instanceof Duty.AssignedRoles);
            case RoleBindingDocument binding -> isTime(binding.notBefore(), binding.notAfter());
            case FreezeDocument freeze -> isTime(freeze.from(), freeze.until());
            default -> true;
        };
    }

    private static boolean isTime(@Nullable Instant from, @Nullable Instant until) {
        return from == null || until == null || from.isBefore(until);
    }

    /** Worlds have names, and roles without anything in them, that no document may have. */
    private static String acceptable(String text) {
        return text.replace("\uFF5E", "_t")
                .replace("\uD83D\uDE00", "_s")
                .replaceAll(
                        "\nspec:\\s*$",
                        "\n"
                                + "spec:\n"
                                + "  permissions: [{effect: deny, resources: [doc], actions: [read], when:"
                                + " \"false\"}]\n");
    }

    private static String moved(String yaml) {
        Duration by = Duration.between(World.EPOCH, Instant.now().plusSeconds(1_800));
        return MOMENT.matcher(yaml)
                .replaceAll(moment -> Instant.parse(moment.group()).plus(by).toString());
    }

    private void play(long seed, World world) {
        awaitSameState();
        List<CheckRequest> questions = IntStream.range(0, QUESTIONS)
                .mapToObj(i -> asked(i, Questions.of(world.query())))
                .toList();
        record(questions);
        for (CheckRequest question : questions) {
            Object there = answer(centre.channel(), key, question);
            Object here = answer(sidecar.channel(), sidecar.key(), question);
            requireSame(seed, question, here, there);
            count(there);
        }
        List<CheckBatchResult> batchThere = batch(centre.channel(), key, questions);
        List<CheckBatchResult> batchHere = batch(sidecar.channel(), sidecar.key(), questions);
        List<CheckStreamResponse> streamThere = stream(centre.channel(), key, questions);
        List<CheckStreamResponse> streamHere = stream(sidecar.channel(), sidecar.key(), questions);
        for (int i = 0; i < QUESTIONS; i++) {
            requireSame(seed, questions.get(i), told(batchHere.get(i)), told(batchThere.get(i)));
            requireSame(seed, questions.get(i), told(streamHere.get(i)), told(streamThere.get(i)));
        }
    }

    /** In full, shortly, or with its trace. */
    private static CheckRequest asked(int i, CheckRequest asked) {
        CheckRequest question = asked.toBuilder()
                .clearActiveRoles()
                .addAllActiveRoles(asked.getActiveRolesList().stream()
                        .map(SidecarAnswersTest::acceptable)
                        .toList())
                .build();
        return switch (i % 4) {
            case 0 -> question.toBuilder().setDetail(Detail.DETAIL_MINIMAL).build();
            case 1 -> question.toBuilder().setExplain(true).build();
            case 2 -> question.toBuilder().clearDetail().build();
            default -> question;
        };
    }

    /** Some of what is asked for has been done, so that separations of duty by history have a say. */
    private static void record(List<CheckRequest> questions) {
        for (CheckRequest question : questions.subList(0, ENTRIES)) {
            for (String action : List.of("read", "write", "delete")) {
                var _ = with(LedgerServiceGrpc.newBlockingStub(sidecar.channel()), sidecar.key())
                        .appendAudit(AppendAuditRequest.newBuilder()
                                .setTenant("acme")
                                .addEvents(AuditEvent.newBuilder()
                                        .setType("doc.touched")
                                        .setActor(question.getSubject())
                                        .setAction(action)
                                        .setResource(question.getResource())
                                        .setOutcome(Outcome.OUTCOME_SUCCESS))
                                .build());
            }
        }
    }

    private static void awaitSameState() {
        PolicyState wanted = state(centre.channel(), key);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!isSame(wanted, state(sidecar.channel(), sidecar.key()))) {
            assertThat(System.nanoTime() - deadline)
                    .as("the sidecar never came to " + wanted)
                    .isNegative();
            LockSupport.parkNanos(10_000_000);
        }
    }

    private static boolean isSame(PolicyState one, PolicyState other) {
        return one.getRevision() == other.getRevision() && one.getPlatformRevision() == other.getPlatformRevision();
    }

    private static PolicyState state(ManagedChannel channel, String credential) {
        return with(PolicyServiceGrpc.newBlockingStub(channel), credential)
                .withDeadlineAfter(10, TimeUnit.SECONDS)
                .watchPolicy(WatchPolicyRequest.newBuilder().setTenant("acme").build())
                .next()
                .getState();
    }

    private static DecisionServiceBlockingStub decisions(ManagedChannel channel, String credential) {
        return with(DecisionServiceGrpc.newBlockingStub(channel), credential).withDeadlineAfter(30, TimeUnit.SECONDS);
    }

    /** The answer, or in what words it is refused. */
    private static Object answer(ManagedChannel channel, String credential, CheckRequest question) {
        try {
            return decisions(channel, credential).check(question);
        } catch (StatusRuntimeException refused) {
            return refused.getStatus().getCode() + ": " + refused.getStatus().getDescription();
        }
    }

    private static List<CheckBatchResult> batch(
            ManagedChannel channel, String credential, List<CheckRequest> questions) {
        return decisions(channel, credential)
                .checkBatch(CheckBatchRequest.newBuilder()
                        .setTenant("acme")
                        .addAllItems(questions)
                        .build())
                .getResultsList();
    }

    private static Object told(CheckBatchResult result) {
        return result.hasResponse() ? result.getResponse() : result.getError();
    }

    private static Object told(CheckStreamResponse result) {
        return result.hasResponse() ? result.getResponse() : result.getError();
    }

    private static List<CheckStreamResponse> stream(
            ManagedChannel channel, String credential, List<CheckRequest> questions) {
        CompletableFuture<List<CheckStreamResponse>> all = new CompletableFuture<>();
        List<CheckStreamResponse> responses = new ArrayList<>();
        StreamObserver<CheckStreamRequest> call = with(DecisionServiceGrpc.newStub(channel), credential)
                .withDeadlineAfter(60, TimeUnit.SECONDS)
                .checkStream(new StreamObserver<>() {
                    @Override
                    public void onNext(CheckStreamResponse response) {
                        responses.add(response);
                    }

                    @Override
                    public void onError(Throwable failure) {
                        all.completeExceptionally(failure);
                    }

                    @Override
                    public void onCompleted() {
                        all.complete(responses);
                    }
                });
        for (int i = 0; i < questions.size(); i++) {
            call.onNext(CheckStreamRequest.newBuilder()
                    .setCorrelationId(Integer.toString(i))
                    .setCheck(questions.get(i))
                    .build());
        }
        call.onCompleted();
        Map<String, CheckStreamResponse> byId = all.join().stream()
                .collect(Collectors.toMap(CheckStreamResponse::getCorrelationId, response -> response));
        return IntStream.range(0, questions.size())
                .mapToObj(i -> byId.get(Integer.toString(i)))
                .toList();
    }

    private static void requireSame(long seed, CheckRequest question, Object here, Object there) {
        String about = "world " + seed + ", " + question;
        if (!(here instanceof CheckResponse own && there instanceof CheckResponse theirs)) {
            assertThat(here).as(about).isEqualTo(there);
            return;
        }
        assertThat(plain(own)).as(about).isEqualTo(plain(theirs));
        assertThat(own.getDecisionId().isEmpty())
                .as(about)
                .isEqualTo(theirs.getDecisionId().isEmpty());
        assertThat(Math.abs(own.getValidUntil().getSeconds()
                        - theirs.getValidUntil().getSeconds()))
                .as(about + " until " + own.getValidUntil() + " and " + theirs.getValidUntil())
                .isLessThanOrEqualTo(APART.toSeconds());
    }

    /** In words, since a trace says what time it is. */
    private static String plain(CheckResponse response) {
        return response.toBuilder()
                .clearDecisionId()
                .clearValidUntil()
                .build()
                .toString()
                .replaceAll("(it is|now =) 2\\d{3}-\\S+Z", "it is now");
    }

    private void count(Object answer) {
        answered++;
        if (answer instanceof CheckResponse response) {
            seen.merge(response.getReason(), 1, Integer::sum);
            withObligations += response.getObligationsCount() > 0 ? 1 : 0;
            lasting += response.getValidUntil().getSeconds()
                            > Instant.now().plus(APART).getEpochSecond()
                    ? 1
                    : 0;
        } else {
            malformed++;
        }
    }
}
