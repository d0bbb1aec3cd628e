package dev.assize.server.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceImplBase;
import dev.assize.proto.v1.Detail;
import dev.assize.proto.v1.Explanation;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.SearchActionsRequest;
import dev.assize.proto.v1.SearchActionsResponse;
import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.PolicyStates;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.search.Search;
import dev.assize.server.decision.search.Search.Surroundings;
import dev.assize.server.endpoint.call.AnswersOnRecord.Given;
import dev.assize.server.endpoint.call.CentreQuestions;
import dev.assize.server.endpoint.call.CentreQuestions.Outcome;
import dev.assize.server.endpoint.call.CentreSearches;
import dev.assize.server.endpoint.call.Elsewhere;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a sidecar hands on of what its centre answers: here the tenant is at revision 5, and the platform at 7. */
class AskedElsewhereTest {

    private static final TenantId TENANT = new TenantId("acme");

    private final FakeCentre fake = new FakeCentre();
    private CentreInProcess served;
    private Centre centre;
    private Elsewhere elsewhere;

    @BeforeEach
    void start(@TempDir Path directory) throws IOException {
        served = new CentreInProcess(directory, TENANT, fake);
        centre = served.centre();
        elsewhere = new Elsewhere(Optional.of(centre), new Here());
    }

    @AfterEach
    void stop() {
        served.close();
    }

    @Test
    void anAnswerByAnOlderPolicyIsNotHandedOn() {
        for (CheckResponse older : List.of(answer(5, 6), answer(4, 7))) {
            fake.answers = List.of(older);
            assertRefused(() -> elsewhere.check(question().build(), TENANT));
            assertRefused(() ->
                    elsewhere.check(question().setDetail(Detail.DETAIL_MINIMAL).build(), TENANT));
            fake.answers = List.of(answer(5, 7), older);
            assertRefused(() -> elsewhere.checkBatch(
                    CheckBatchRequest.newBuilder()
                            .setDetail(Detail.DETAIL_MINIMAL)
                            .addItems(question())
                            .addItems(question())
                            .build(),
                    TENANT));
        }
    }

    private static void assertRefused(Runnable ask) {
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(ask::run)
                .satisfies(refused -> assertThat(refused.reason()).isEqualTo(ErrorReason.REVISION_NOT_REACHED));
    }

    @Test
    void aSearchIsMadeByNoOlderPolicyOfTheTenant() {
        for (String cursor : new String[] {null, "page-2"}) {
            var _ = new CentreSearches(centre, elsewhere)
                    .page(
                            new Search.Actions(
                                    Subject.parse("user:alice"), ResourcePath.parse("vault:1"), surroundings()),
                            10,
                            cursor);
            assertThat(fake.asked.getLast().getMinRevision()).isEqualTo(5);
        }
        CheckRequest newer = question().setMinRevision(6).build();
        assertThat(elsewhere.toSend(
                        SearchSubjectsRequest.newBuilder().setCheck(newer).build(), TENANT))
                .isEqualTo(SearchSubjectsRequest.newBuilder().setCheck(newer).build());
        CheckRequest past = question().setAtRevision(2).build();
        assertThat(elsewhere.toSend(
                        SearchResourcesRequest.newBuilder().setCheck(past).build(), TENANT))
                .isEqualTo(SearchResourcesRequest.newBuilder().setCheck(past).build());
    }

    @Test
    void aSearchIsMadeAlsoWhereNothingRecentIsKnownHere() {
        Elsewhere stale = new Elsewhere(Optional.of(centre), new Here() {
            @Override
            public State state(TenantId tenant) {
                throw new PolicyStaleException(Duration.ofSeconds(9), Duration.ofSeconds(5));
            }
        });
        SearchSubjectsRequest search =
                SearchSubjectsRequest.newBuilder().setCheck(question()).build();
        assertThat(stale.toSend(search, TENANT)).isEqualTo(search);
    }

    private static Surroundings surroundings() {
        return new Surroundings(
                TENANT, Environment.DEFAULT, TENANT, Map.of(), Map.of(), Map.of(), List.of(), null, null);
    }

    @Test
    void anAnswerAboutThePastMayBeByAnyPolicy() {
        fake.answers = List.of(answer(1, 1).toBuilder().setHistorical(true).build());
        assertThat(elsewhere.check(question().setAtRevision(1).build(), TENANT)).isEqualTo(fake.answers.getFirst());
        assertThat(fake.asked.getLast().getMinRevision()).isZero();
    }

    @Test
    void aNewerAnswerIsHandedOnAsItIs() {
        fake.answers = List.of(answer(6, 8));
        assertThat(elsewhere.check(question().build(), TENANT)).isEqualTo(fake.answers.getFirst());
        assertThat(fake.asked.getLast().getMinRevision()).isEqualTo(5);
        var _ = elsewhere.check(question().setMinRevision(6).build(), TENANT);
        assertThat(fake.asked.getLast().getMinRevision()).isEqualTo(6);
    }

    @Test
    void whoWantsLittleGetsLittleThoughTheCentreIsAskedForAll() {
        CheckResponse minimal = CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_ALLOW)
                .setReason(Reason.REASON_ALLOWED)
                .build();
        fake.answers = List.of(answer(5, 7));
        assertThat(elsewhere.check(question().setDetail(Detail.DETAIL_MINIMAL).build(), TENANT))
                .isEqualTo(minimal);
        Explanation explanation = Explanation.newBuilder().addGroups("staff").build();
        fake.answers =
                List.of(answer(5, 7).toBuilder().setExplanation(explanation).build());
        assertThat(elsewhere.check(
                        question()
                                .setDetail(Detail.DETAIL_MINIMAL)
                                .setExplain(true)
                                .build(),
                        TENANT))
                .isEqualTo(minimal.toBuilder().setExplanation(explanation).build());

        fake.answers = List.of(answer(5, 7), answer(5, 7));
        assertThat(elsewhere
                        .checkBatch(
                                CheckBatchRequest.newBuilder()
                                        .setDetail(Detail.DETAIL_MINIMAL)
                                        .addItems(question())
                                        .addItems(question().setDetail(Detail.DETAIL_FULL))
                                        .build(),
                                TENANT)
                        .getResultsList())
                .extracting(CheckBatchResult::getResponse)
                .containsExactly(minimal, answer(5, 7));
        assertThat(fake.asked).allSatisfy(asked -> assertThat(asked.getDetail()).isEqualTo(Detail.DETAIL_FULL));
    }

    /** One answer to many questions must not rest on two policies, however they were asked. */
    @Test
    void answersByTwoPoliciesAreNoAnswer() {
        CentreQuestions questions = new CentreQuestions(elsewhere, InstantSource.system(), () -> 0);
        for (CheckResponse newer : List.of(answer(6, 7), answer(5, 8))) {
            fake.answers = List.of(answer(5, 7), newer);
            assertRefused(() -> questions.askAll(TENANT, queries(2), false, _ -> false));
            fake.answers = List.of(answer(5, 7));
            assertRefused(() -> questions.askAll(TENANT, queries(2), true, _ -> {
                fake.answers = List.of(newer);
                return false;
            }));
            assertThat(questions.askAll(TENANT, queries(2), true, _ -> false)).hasSize(2);
        }
    }

    private static List<CheckQuery> queries(int count) {
        CheckQuery query = new CheckQuery(
                Subject.parse("user:alice"),
                ResourcePath.parse("vault:1"),
                new Action("read"),
                TENANT,
                Environment.DEFAULT,
                TENANT);
        return Collections.nCopies(count, query);
    }

    /** Of whoever asks over HTTP nobody knows whether it still waits. */
    @Test
    void whatIsAskedOneByOneIsNotAskedForEver() {
        fake.answers = List.of(answer(5, 7));
        AtomicLong now = new AtomicLong();
        CentreQuestions questions = new CentreQuestions(elsewhere, InstantSource.system(), now::get);
        List<CheckQuery> queries = queries(5);
        assertThat(questions.askAll(TENANT, queries, true, outcome -> {
                    now.addAndGet(CentreQuestions.LONGEST.toNanos() / 5);
                    return false;
                }))
                .hasSize(5);
        fake.asked.clear();
        assertThatExceptionOfType(RefusedException.class)
                .isThrownBy(() -> questions.askAll(TENANT, queries, true, outcome -> {
                    now.addAndGet(CentreQuestions.LONGEST.toNanos() / 3 + 1);
                    return false;
                }))
                .withMessageContaining("3 of 5")
                .satisfies(refused -> {
                    assertThat(refused.reason()).isEqualTo(ErrorReason.UPSTREAM_UNAVAILABLE);
                    assertThat(refused.retryAfter()).isNotNull();
                });
        assertThat(fake.asked).hasSize(3);
    }

    /** Each has 40 KB in its context: 26 of them come to less than 1 MiB. */
    @Test
    void manyLargeQuestionsTravelInPartsAndAreAnsweredInTheirOrder() {
        fake.byBatch =
                batch -> answer(5, 7).toBuilder().setDecisionId("part " + batch).build();

        List<Outcome> outcomes = ask(100, any -> false);
        assertThat(fake.batches).containsExactly(26, 26, 26, 22);
        assertThat(fake.asked.stream().map(CheckRequest::getResource))
                .containsExactlyElementsOf(
                        IntStream.range(0, 100).mapToObj(i -> "vault:" + i).toList());
        assertThat(outcomes.stream().map(outcome -> given(outcome).decisionId()))
                .containsExactlyElementsOf(IntStream.range(0, 100)
                        .mapToObj(i -> "part " + (1 + i / 26))
                        .toList());
    }

    @Test
    void behindThePartWithTheLastAnswerNothingIsAsked() {
        fake.byBatch = batch -> answer(5, 7).toBuilder()
                .setDecision(batch == 2 ? Decision.DECISION_DENY : Decision.DECISION_ALLOW)
                .setReason(batch == 2 ? Reason.REASON_NO_GRANT : Reason.REASON_ALLOWED)
                .build();

        assertThat(ask(100, outcome -> !outcome.isAllowed())).hasSize(27);
        assertThat(fake.batches).containsExactly(26, 26);
    }

    @Test
    void answersOfTwoPoliciesAreNoneTogether() {
        fake.byBatch = batch -> answer(batch == 3 ? 6 : 5, 7);
        assertRefused(() -> ask(100, any -> false));
        fake.batches.clear();
        fake.byBatch = batch -> answer(5, batch == 2 ? 8 : 7);
        assertRefused(() -> ask(100, any -> false));
        assertThat(fake.batches).as("nothing more is asked").hasSize(2);
    }

    private List<Outcome> ask(int count, Predicate<Outcome> last) {
        Map<String, AttributeValue> context = new HashMap<>();
        for (int i = 0; i < 10; i++) {
            context.put("attribute-" + i, new AttributeValue.Text("x".repeat(4_000)));
        }
        List<CheckQuery> queries = IntStream.range(0, count)
                .mapToObj(i -> new CheckQuery(
                        Subject.parse("user:alice"),
                        ResourcePath.parse("vault:" + i),
                        new Action("read"),
                        TENANT,
                        Environment.DEFAULT,
                        TENANT,
                        Map.of(),
                        Map.of(),
                        context,
                        List.of(),
                        null,
                        null))
                .toList();
        return new CentreQuestions(elsewhere, InstantSource.system(), () -> 0).askAll(TENANT, queries, false, last);
    }

    private static Given given(Outcome outcome) {
        return Objects.requireNonNull(outcome.given());
    }

    private static CheckRequest.Builder question() {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject("user:alice")
                .setResource("vault:1")
                .setAction("read");
    }

    private static CheckResponse answer(long revision, long platformRevision) {
        return CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_ALLOW)
                .setReason(Reason.REASON_ALLOWED)
                .setRevision(revision)
                .setPlatformRevision(platformRevision)
                .setDecisionId("a")
                .build();
    }

    /** Gives the answers that it was told to, one for each question of a batch. */
    private static final class FakeCentre extends DecisionServiceImplBase {

        @Override
        public void searchActions(SearchActionsRequest request, StreamObserver<SearchActionsResponse> observer) {
            asked.add(request.getCheck());
            observer.onNext(SearchActionsResponse.getDefaultInstance());
            observer.onCompleted();
        }

        private final List<CheckRequest> asked = new ArrayList<>();
        private final List<Integer> batches = new ArrayList<>();
        private volatile List<CheckResponse> answers = List.of();

        /** The answer to each question of the so many-th batch; null where the answers above are given. */
        private volatile @Nullable IntFunction<CheckResponse> byBatch;

        @Override
        public void check(CheckRequest request, StreamObserver<CheckResponse> observer) {
            asked.add(request);
            observer.onNext(answers.getFirst());
            observer.onCompleted();
        }

        @Override
        public void checkBatch(CheckBatchRequest request, StreamObserver<CheckBatchResponse> observer) {
            asked.addAll(request.getItemsList());
            batches.add(request.getItemsCount());
            IntFunction<CheckResponse> each = byBatch;
            List<CheckResponse> given =
                    each == null ? answers : Collections.nCopies(request.getItemsCount(), each.apply(batches.size()));
            CheckBatchResponse.Builder response = CheckBatchResponse.newBuilder();
            given.forEach(answer -> response.addResults(
                    CheckBatchResult.newBuilder().setResponse(answer).build()));
            observer.onNext(response.build());
            observer.onCompleted();
        }
    }

    /** What is held here. */
    private static class Here implements PolicyStates {

        @Override
        public State state(TenantId tenant) {
            return new State(new Revision(5), new Revision(7), Instant.EPOCH, 1);
        }

        @Override
        public Held held(TenantId tenant) {
            throw new IllegalStateException("Nobody asks for documents here");
        }

        @Override
        public Subscription onChange(TenantId tenant, Runnable action) {
            throw new IllegalStateException("Nobody listens here");
        }
    }
}
