package dev.assize.server.decision;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.server.decision.DecisionVector.Case;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document.Obligation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Holds the engine, and the reference, to the published vectors in `docs/vectors/decisions`. */
class DecisionVectorsTest {

    private static final Path DIRECTORY = Path.of("..", "docs", "vectors", "decisions");

    @TestFactory
    Stream<DynamicContainer> theReferenceAnswersAsPublished() throws IOException {
        return suites(new Answerer(DecisionVectorsTest::refer, false));
    }

    @TestFactory
    Stream<DynamicContainer> theEngineAnswersAsPublished() throws IOException {
        return suites(new Answerer(DecisionVectorsTest::ask, true));
    }

    @Test
    void everyReasonIsThere() throws IOException {
        Set<String> reasons = new HashSet<>();
        each(example -> reasons.add(example.expect().path("reason").asText()));
        assertThat(reasons)
                .contains(Stream.of(Reason.values()).map(Reason::name).toArray(String[]::new));
    }

    @Test
    void thePageCountsThem() throws IOException {
        AtomicInteger count = new AtomicInteger();
        each(example -> count.incrementAndGet());
        assertThat(Files.readString(DIRECTORY.resolveSibling("README.md"))).contains(": " + count + " cases");
    }

    private static void each(Consumer<Case> examples) throws IOException {
        try (Stream<Path> files = Files.list(DIRECTORY)) {
            for (Path file : files.toList()) {
                for (JsonNode node : new ObjectMapper().readTree(Files.readAllBytes(file))) {
                    DecisionVector.read(node).cases().forEach(examples);
                }
            }
        }
    }

    /**
     * Who answers.
     *
     * @param isExact whether its answers say as long as they may how long they are valid
     */
    private record Answerer(BiFunction<DecisionVector, Case, Answer> answers, boolean isExact) {}

    private static Stream<DynamicContainer> suites(Answerer answerer) throws IOException {
        try (Stream<Path> files = Files.list(DIRECTORY)) {
            List<DynamicContainer> suites = new ArrayList<>();
            for (Path file : files.sorted().toList()) {
                JsonNode vectors = new ObjectMapper().readTree(Files.readAllBytes(file));
                List<DynamicTest> tests = new ArrayList<>();
                for (JsonNode node : vectors) {
                    DecisionVector vector = DecisionVector.read(node);
                    for (Case example : vector.cases()) {
                        tests.add(DynamicTest.dynamicTest(
                                example.title(), () -> expect(answerer, example, answer(answerer, vector, example))));
                    }
                }
                suites.add(DynamicContainer.dynamicContainer(file.getFileName().toString(), tests));
            }
            return suites.stream();
        }
    }

    /** An answer, or the name of the field that is malformed. */
    private static Object answer(Answerer answerer, DecisionVector vector, Case example) {
        try {
            return answerer.answers.apply(vector, example);
        } catch (MalformedException e) {
            return String.valueOf(e.field());
        } catch (RevisionNeverCommittedException e) {
            return "at_revision";
        }
    }

    private static Answer ask(DecisionVector vector, Case example) {
        CheckQuery query = example.query();
        return new WorldPdp(vector.policies(), vector.records()).evaluate(query, example.point(), example.at());
    }

    private static Answer refer(DecisionVector vector, Case example) {
        CheckQuery query = example.query();
        Instant asOf = example.point() instanceof PointInTime.Past past ? past.asOf() : null;
        if (asOf != null && asOf.isAfter(example.at())) {
            throw new MalformedException("as_of", asOf.toString(), "a moment that has come");
        }
        RecordedPolicySource.Recorded recorded =
                vector.policies().find(example.point()).orElse(null);
        if (recorded == null
                && example.point() instanceof PointInTime.Past(Revision revision, var any)
                && revision != null) {
            throw new RevisionNeverCommittedException(query.tenant(), revision);
        }
        if (recorded == null || !recorded.tenant().scope().tenant().equals(Optional.of(query.tenant()))) {
            return new Answer(Reason.TENANT_UNKNOWN, null, Revision.NONE, Revision.NONE, null, List.of());
        }
        ReferenceEvaluator reference =
                new ReferenceEvaluator(recorded.tenant(), vector.policies().platform(), vector.records());
        reference.requireWellFormed(query);
        Instant now = asOf == null ? example.at() : asOf;
        if (example.point() instanceof PointInTime.Now) {
            return reference.evaluate(query, now);
        }
        Answer then = reference.evaluate(query, now, asOf == null ? recorded.committedAt() : asOf);
        return new Answer(
                then.reason(),
                then.decidedBy(),
                then.revision(),
                then.platformRevision(),
                null,
                then.obligations(),
                then.delegatorReason(),
                then.approvalId());
    }

    private static void expect(Answerer answerer, Case example, Object answered) {
        JsonNode expect = example.expect();
        if (expect.has("error") || !(answered instanceof Answer answer)) {
            assertThat(answered).isEqualTo(expect.path("field").asText());
            return;
        }
        assertThat(answer.reason())
                .as(answer.toString())
                .isEqualTo(Reason.valueOf(expect.path("reason").asText()));
        assertThat(answer.reason().isAllow() ? "ALLOW" : "DENY")
                .isEqualTo(expect.path("decision").asText());
        if (expect.has("decided_by")) {
            assertThat(answer.decidedBy()).isEqualTo(decidedBy(expect.path("decided_by")));
        }
        if (expect.has("obligations")) {
            List<Obligation> obligations = new ArrayList<>();
            expect.path("obligations").forEach(node -> obligations.add(obligation(node)));
            assertThat(answer.obligations()).containsExactlyElementsOf(obligations);
        }
        if (expect.has("delegator_reason")) {
            assertThat(String.valueOf(answer.delegatorReason()))
                    .isEqualTo(expect.path("delegator_reason").asText());
        }
        if (expect.has("approval_id")) {
            assertThat(answer.approvalId()).isEqualTo(expect.path("approval_id").asText());
        }
        if (expect.has("revision")) {
            assertThat(answer.revision().value())
                    .isEqualTo(expect.path("revision").asLong());
        }
        if (expect.has("historical")) {
            assertThat(expect.path("historical").asBoolean()).isEqualTo(answer.isHistorical());
        }
        if (expect.has("valid_until")) {
            Instant latest = Instant.parse(expect.path("valid_until").asText());
            assertThat(answer.validUntil()).isBetween(answerer.isExact() ? latest : example.at(), latest);
        }
    }

    private static @Nullable DecidedBy decidedBy(JsonNode node) {
        if (node.has("freeze")) {
            return new DecidedBy.Freeze(node.path("freeze").asText());
        }
        if (node.has("separation_of_duty")) {
            return new DecidedBy.Duty(node.path("separation_of_duty").asText());
        }
        if (node.has("approval_rule")) {
            return new DecidedBy.Approval(node.path("approval_rule").asText());
        }
        return node.isNull()
                ? null
                : new DecidedBy.Grant(
                        node.path("binding").asText(),
                        node.path("role").asText(),
                        node.path("position").asInt());
    }

    private static Obligation obligation(JsonNode node) {
        TreeMap<String, String> properties = new TreeMap<>();
        node.path("properties")
                .properties()
                .forEach(property ->
                        properties.put(property.getKey(), property.getValue().asText()));
        return new Obligation(node.path("id").asText(), node.path("type").asText(), properties);
    }
}
