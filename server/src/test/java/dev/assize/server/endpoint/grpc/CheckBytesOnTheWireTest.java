package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Timestamp;
import com.google.protobuf.UnknownFieldSet;
import dev.assize.proto.v1.AttributeValue;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.Detail;
import dev.assize.server.decision.World;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.endpoint.call.Questions;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue.Fraction;
import dev.assize.server.model.AttributeValue.Many;
import dev.assize.server.model.AttributeValue.Text;
import dev.assize.server.model.AttributeValue.Time;
import dev.assize.server.model.AttributeValue.Truth;
import dev.assize.server.model.AttributeValue.Whole;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PlainNames;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.Obligation;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is read and written by hand is what the generated classes, or a node's own endpoint, read and write. */
class CheckBytesOnTheWireTest {

    private static final int ROUNDS = Integer.getInteger("assize.test.wire.rounds", 3_000);

    private static final List<Reason> REASONS = List.of(Reason.values());

    private final Random random = new Random(20_260_301);

    @TempDir
    Path directory;

    @Test
    void readsAsPlainOnlyWhatTheGeneratedParserReadsTheSame() throws Exception {
        PlainQuestion question = new PlainQuestion();
        int plain = 0;
        for (int i = 0; i < ROUNDS * 10; i++) {
            byte[] bytes = requestBytes();
            if (!question.read(bytes, 0, bytes.length)) {
                continue;
            }
            question.names().locate();
            if (!question.names().hasPlainPath()
                    || question.names().namesGroup()
                    || !question.names().hasPlainEnvironmentAndAction()
                    || !question.names().hasPlainSubject()
                    || !PlainNames.isTenant(bytes, question.tenantOffset(), question.tenantLength())) {
                continue;
            }
            plain++;
            CheckRequest parsed = CheckRequest.parseFrom(bytes);
            CheckBytes names = question.names();
            CheckRequest.Builder read = CheckRequest.newBuilder()
                    .setSubject(text(bytes, names.subjectOffset(), names.subjectLength()))
                    .setResource(text(bytes, names.resourceOffset(), names.resourceLength()))
                    .setAction(text(bytes, names.actionOffset(), names.actionLength()))
                    .setTenant(text(bytes, question.tenantOffset(), question.tenantLength()))
                    .setDetailValue(question.detailOr(0));
            String env = text(names.envBytes(), names.envOffset(), names.envLength());
            assertThat(read.setEnv(parsed.getEnv().isEmpty() && env.equals("default") ? "" : env)
                            .build())
                    .isEqualTo(parsed);
        }
        assertThat(plain).isGreaterThan(ROUNDS);
    }

    @Test
    void answersTheSameAtTheDeskAndByMessages() throws Exception {
        try (GrpcFixture door = new GrpcFixture(directory)) {
            door.decisions.answer(
                    query -> REASONS.get(Math.floorMod(query.toString().hashCode(), REASONS.size())));
            AtomicInteger atDesk = new AtomicInteger();
            for (int i = 0; i < ROUNDS; i++) {
                String rpc = List.of("Check", "CheckBatch", "CheckStream").get(random.nextInt(3));
                byte[] bytes = switch (rpc) {
                    case "Check" -> requestBytes();
                    case "CheckBatch" -> batchBytes();
                    default -> streamBytes();
                };
                door.decisions.openDesk(null);
                Object byMessages = ask(door, rpc, bytes);
                door.decisions.openDesk(query -> {
                    atDesk.incrementAndGet();
                    return !query.action().value().equals("run");
                });
                Object byDesk = ask(door, rpc, bytes);
                assertThat(byDesk).as(ByteString.copyFrom(bytes).toString()).isEqualTo(byMessages);
            }
            assertThat(atDesk).hasValueGreaterThan(ROUNDS / 3);
        }
    }

    @Test
    void writesAnswersAsTheGeneratedClassesDo() throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            List<CheckBatchResult> results = new ArrayList<>();
            BatchWriter batch = new BatchWriter(1 + random.nextInt(3));
            for (int n = random.nextInt(5); n >= 0; n--) {
                Answer answer = answer();
                String id = random.nextBoolean() ? "" : "0123456789abcdef0123456789abcdef";
                Detail detail = Detail.forNumber(random.nextInt(3));
                CheckResponse expected =
                        AnswerTranslator.response(answer, id, detail).build();
                assertThat(new AnswerWriter(answer, id, detail).response().bytes())
                        .isEqualTo(expected.toByteArray());
                if (random.nextInt(4) == 0) {
                    Reason reason = answer.reason();
                    CheckResponse minimal = CheckResponse.newBuilder()
                            .setDecision(AnswerTranslator.decision(reason))
                            .setReason(AnswerTranslator.reason(reason))
                            .build();
                    assertThat(AnswerWriter.minimal(reason).bytes()).isEqualTo(minimal.toByteArray());
                    results.add(
                            CheckBatchResult.newBuilder().setResponse(minimal).build());
                    batch.minimal(reason);
                } else {
                    results.add(
                            CheckBatchResult.newBuilder().setResponse(expected).build());
                    batch.answer(answer, id, detail);
                }
            }
            assertThat(batch.bytes().readAllBytes())
                    .isEqualTo(CheckBatchResponse.newBuilder()
                            .addAllResults(results)
                            .build()
                            .toByteArray());
        }
    }

    /** By a sidecar, for whoever asks it in another protocol. */
    @Test
    void asksAtACentreWhatWasAskedAndReadsWhatItAnswers() {
        requireAskedAlike(everything());
        int asked = 0;
        for (int i = 0; i < ROUNDS / 10; i++) {
            World world = new World(i);
            for (int n = 0; n < 10; n++) {
                asked += isAskedAlike(world.query()) ? 1 : 0;
            }
        }
        assertThat(asked).isGreaterThan(ROUNDS / 2);
        for (int i = 0; i < ROUNDS; i++) {
            Answer answer = answer();
            assertThat(Questions.answer(AnswerTranslator.response(answer, "id", Detail.DETAIL_FULL)
                            .build()))
                    .isEqualTo(answer);
        }
    }

    /** Worlds have names that no request may have. */
    private static boolean isAskedAlike(CheckQuery query) {
        try {
            requireAskedAlike(query);
            return true;
        } catch (RefusedException noName) {
            return false;
        }
    }

    private static void requireAskedAlike(CheckQuery query) {
        assertThat(CheckTranslator.query("", Questions.of(query), query.tenant(), new Environment("otherwise")))
                .isEqualTo(query);
    }

    private static CheckQuery everything() {
        Map<String, dev.assize.server.model.AttributeValue> attributes = Map.of(
                "text", new Text("a"),
                "whole", new Whole(Long.MAX_VALUE),
                "fraction", new Fraction(0.1),
                "truth", new Truth(true),
                "time", new Time(Instant.ofEpochSecond(1_000_000_000, 7_000)),
                "many", new Many(List.of(new Text("a"), new Many(List.of()))),
                "fields", new dev.assize.server.model.AttributeValue.Fields(new TreeMap<>(Map.of("a", new Whole(-1)))));
        return new CheckQuery(
                Subject.parse("user:jörg"),
                ResourcePath.parse("vault:a%2Fb/agent"),
                new Action("run"),
                new TenantId("acme"),
                new Environment("staging"),
                new TenantId("partner"),
                attributes,
                Map.of("of-resource", new Truth(false)),
                Map.of("of-context", new Text("")),
                List.of("clerk", "auditor"),
                new CheckQuery.Delegator(Subject.parse("user:dora"), new TenantId("third")),
                "run-1");
    }

    /** The answer without the names that are drawn anew for each, or the refusal. */
    private static Object ask(GrpcFixture door, String rpc, byte[] bytes) throws Exception {
        byte[] answer;
        try {
            answer = door.ask(rpc, bytes);
        } catch (StatusRuntimeException refused) {
            Metadata trailers = refused.getTrailers();
            return refused.getStatus() + " " + (trailers == null ? "" : trailers.toString());
        }
        if (rpc.equals("Check")) {
            return CheckResponse.parseFrom(answer).toBuilder().clearDecisionId().build();
        }
        if (rpc.equals("CheckStream")) {
            CheckStreamResponse.Builder response = CheckStreamResponse.parseFrom(answer).toBuilder();
            if (response.hasResponse()) {
                response.getResponseBuilder().clearDecisionId();
            }
            return response.build();
        }
        CheckBatchResponse.Builder batch = CheckBatchResponse.parseFrom(answer).toBuilder();
        batch.getResultsBuilderList().stream()
                .filter(CheckBatchResult.Builder::hasResponse)
                .forEach(result -> result.getResponseBuilder().clearDecisionId());
        return batch.build();
    }

    private Answer answer() {
        Reason reason = REASONS.get(random.nextInt(REASONS.size()));
        Answer.DecidedBy decidedBy = switch (random.nextInt(5)) {
            case 0 -> new Answer.DecidedBy.Grant(name(), name(), random.nextInt(2_000));
            case 1 -> new Answer.DecidedBy.Freeze(name());
            case 2 -> new Answer.DecidedBy.Duty(name());
            case 3 -> new Answer.DecidedBy.Approval(name());
            default -> null;
        };
        List<Obligation> obligations = new ArrayList<>();
        for (int n = random.nextInt(3); n > 0; n--) {
            TreeMap<String, String> properties = new TreeMap<>();
            if (random.nextBoolean()) {
                properties.put(name(), name());
            }
            obligations.add(new Obligation(name(), name(), properties));
        }
        Answer answer = new Answer(
                reason,
                decidedBy,
                new Revision(random.nextInt(3) * 100_000L),
                new Revision(random.nextInt(3)),
                random.nextInt(4) == 0
                        ? null
                        : Instant.ofEpochSecond(random.nextInt(3) * 1_000_000_000L - 500, random.nextInt(3) * 7_000L),
                obligations,
                random.nextInt(4) == 0 ? Reason.NO_GRANT : null,
                random.nextInt(4) == 0 ? name() : null);
        return random.nextInt(5) == 0 ? answer.historical() : answer;
    }

    private String name() {
        return List.of("a", "auditors", "büro", "東京", "x".repeat(200)).get(random.nextInt(5));
    }

    /** One, some of its fields, repeated ones, unknown ones, others' types, cut off, or one bit of it other than it was. */
    private byte[] requestBytes() throws IOException {
        CheckRequest.Builder request = CheckRequest.newBuilder();
        fill(request);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        request.build().writeTo(bytes);
        if (random.nextInt(12) == 0) {
            CheckRequest.Builder again = CheckRequest.newBuilder();
            fill(again);
            again.build().writeTo(bytes);
        }
        return spoiled(bytes.toByteArray());
    }

    private byte[] batchBytes() throws IOException {
        CheckBatchRequest.Builder batch = CheckBatchRequest.newBuilder();
        if (random.nextInt(10) != 0) {
            batch.setTenant(oneOf("acme", "acme", "acme", "other", "no tenant"));
        }
        if (random.nextInt(4) == 0) {
            batch.setEnv(oneOf("default", "production", "staging", "no env"));
        }
        if (random.nextBoolean()) {
            batch.setDetailValue(random.nextInt(random.nextInt(9) == 0 ? 4 : 3));
        }
        for (int n = random.nextInt(4); n > 0; n--) {
            CheckRequest.Builder item = CheckRequest.newBuilder();
            fill(item);
            if (random.nextInt(3) != 0) {
                item.clearTenant();
            }
            batch.addItems(item);
        }
        return spoiled(batch.build().toByteArray());
    }

    private byte[] streamBytes() throws IOException {
        CheckStreamRequest.Builder request = CheckStreamRequest.newBuilder()
                .setCorrelationId(oneOf("", "c1", "c".repeat(128), "c".repeat(129), "é", "\n"));
        if (random.nextInt(10) != 0) {
            fill(request.getCheckBuilder());
        }
        return spoiled(request.build().toByteArray());
    }

    private void fill(CheckRequest.Builder request) {
        if (random.nextInt(40) != 0) {
            request.setSubject(oneOf("user:alice", "user:bob", "service:s", "group:noc", "alice", "user:jörg"));
        }
        if (random.nextInt(40) != 0) {
            request.setResource(oneOf("replay:1", "replay", "vault:a/agent:b", "replay:%2F", "replay:%2f", "x:é"));
        }
        if (random.nextInt(40) != 0) {
            request.setAction(oneOf("execute", "read", "run", "1st", "a".repeat(129)));
        }
        if (random.nextInt(40) != 0) {
            request.setTenant(oneOf("acme", "acme", "acme", "other", "no tenant"));
        }
        if (random.nextInt(3) == 0) {
            request.setEnv(oneOf("default", "production", "staging", "no env"));
        }
        if (random.nextInt(3) == 0) {
            request.setDetailValue(random.nextInt(random.nextInt(9) == 0 ? 4 : 3));
        }
        switch (random.nextInt(60)) {
            case 0 ->
                request.putContext(
                        "a", AttributeValue.newBuilder().setIntValue(1).build());
            case 1 -> request.setRunId("r");
            case 2 -> request.setExplain(true);
            case 3 -> request.setMinRevision(random.nextInt(9));
            case 4 -> request.setAsOf(Timestamp.newBuilder().setSeconds(1_000));
            case 5 -> request.addActiveRoles("clerk");
            case 6 -> request.setSubjectTenant("acme");
            case 7 ->
                request.setUnknownFields(UnknownFieldSet.newBuilder()
                        .addField(
                                random.nextInt(4) + 1,
                                UnknownFieldSet.Field.newBuilder().addVarint(1).build())
                        .build());
            case 8 ->
                request.setUnknownFields(UnknownFieldSet.newBuilder()
                        .addField(
                                99,
                                UnknownFieldSet.Field.newBuilder()
                                        .addLengthDelimited(ByteString.copyFromUtf8("x"))
                                        .build())
                        .build());
            default -> {}
        }
    }

    private byte[] spoiled(byte[] bytes) throws IOException {
        return switch (bytes.length == 0 ? 9 : random.nextInt(20)) {
            case 0 -> Arrays.copyOf(bytes, random.nextInt(bytes.length));
            case 1 -> {
                bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                yield bytes;
            }
            case 2 -> withLongLength(bytes);
            default -> bytes;
        };
    }

    /** A name more, its length written in more bytes than it takes. */
    private static byte[] withLongLength(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(bytes);
        CodedOutputStream more = CodedOutputStream.newInstance(out);
        more.writeTag(3, 2);
        more.flush();
        out.write(new byte[] {(byte) 0x84, 0x00, 'r', 'e', 'a', 'd'});
        return out.toByteArray();
    }

    /** Nearly always one of the first three. */
    private String oneOf(String... texts) {
        return texts[random.nextInt(random.nextInt(12) == 0 ? texts.length : 3)];
    }

    private static String text(byte[] bytes, int offset, int length) {
        return new String(bytes, offset, length, StandardCharsets.UTF_8);
    }
}
