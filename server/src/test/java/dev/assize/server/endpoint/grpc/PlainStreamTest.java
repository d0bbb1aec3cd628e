package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import dev.assize.proto.v1.AttributeValue;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.Detail;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.Caller;
import dev.assize.server.decision.RecorderBusyException;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.CallSpans;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Timer;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A stream that passes one listener, and one that passes the row of interceptors, come to the same. */
@Timeout(120)
class PlainStreamTest {

    private static final int ROUNDS = Integer.getInteger("assize.test.stream.rounds", 300);

    private final Random random = new Random(20_261_123);

    @TempDir
    Path directory;

    @TempDir
    Path other;

    /** Whoever has spans made passes the row. */
    @Test
    void saysTheSameAsTheRowWhateverIsAsked() throws Exception {
        try (Door plain = new Door(new GrpcFixture(directory));
                Door row = new Door(new GrpcFixture(other, CallSpans.madeBy(OpenTelemetry.noop())))) {
            int refused = 0;
            for (int i = 0; i < ROUNDS; i++) {
                Script script = script();
                List<String> said = plain.play(script);
                assertThat(said).as(script.toString()).isEqualTo(row.play(script));
                refused += said.getLast().startsWith("OK") ? 0 : 1;
            }
            assertThat(plain.atDesk.get()).isGreaterThan(ROUNDS / 4);
            assertThat(refused).isBetween(ROUNDS / 10, ROUNDS * 9 / 10);
            assertThat(plain.counted()).isEqualTo(row.counted());
        }
    }

    @Test
    void endsWithItsCredentialAndWithItsPermission() throws Exception {
        Step ask = new Step(Deed.ASK, message().bytes());
        try (Door plain = new Door(new GrpcFixture(directory))) {
            for (Map.Entry<Deed, String> end : Map.of(
                            Deed.REVOKE, "code=UNAUTHENTICATED", Deed.TAKE_PERMISSION, "code=PERMISSION_DENIED")
                    .entrySet()) {
                Step deed = new Step(end.getKey(), new byte[0]);
                List<String> said = plain.play(new Script(Who.OF_ACME, List.of(ask, ask, deed, ask)));
                assertThat(said).as("%s", end.getKey()).hasSize(3);
                assertThat(said.subList(0, 2)).noneMatch(Door::isEnd);
                assertThat(said.getLast()).contains(end.getValue());
            }
        }
    }

    @Test
    void asksForTheNextRequestWhenTheTransportHasTakenTheLastAnswer() {
        try (GrpcFixture door = new GrpcFixture(directory)) {
            FakeCall call = new FakeCall();
            PlainStream stream = stream(door, call, work -> {}, work -> {});
            stream.onMessage(message());
            assertThat(call.sent).isEqualTo(1);
            assertThat(call.requested).isEqualTo(1);

            call.ready = false;
            stream.onMessage(message());
            assertThat(call.sent).isEqualTo(2);
            stream.onReady();
            assertThat(call.requested).isEqualTo(1);
            call.ready = true;
            stream.onReady();
            stream.onReady();
            assertThat(call.requested).isEqualTo(2);

            call.readyAfter = 1;
            stream.onMessage(message());
            assertThat(call.requested).isEqualTo(3);
            stream.onReady();
            assertThat(call.requested).isEqualTo(3);
        }
    }

    @Test
    void handsTheLoopBackAfterSoManyMessages() {
        try (GrpcFixture door = new GrpcFixture(directory)) {
            FakeCall call = new FakeCall();
            List<Runnable> later = new ArrayList<>();
            PlainStream stream = stream(door, call, work -> {}, later::add);
            for (int turn = 0; turn < 3; turn++) {
                int before = call.requested;
                for (int i = 0; i < StreamTurns.PROMPT_MESSAGES - 1; i++) {
                    stream.onMessage(message());
                }
                assertThat(later).isEmpty();
                stream.onMessage(message());
                assertThat(call.requested - before).isEqualTo(StreamTurns.PROMPT_MESSAGES - 1);
                later.removeFirst().run();
                assertThat(call.requested - before).isEqualTo(StreamTurns.PROMPT_MESSAGES);
            }
        }
    }

    @Test
    void answersWhatWaitsBeforeItEndsAndNothingOnceItIsCancelled() {
        for (boolean cancelled : new boolean[] {false, true}) {
            try (GrpcFixture door = new GrpcFixture(directory)) {
                FakeCall call = new FakeCall();
                List<Runnable> away = new ArrayList<>();
                PlainStream stream = stream(door, call, away::add, work -> {});
                door.decisions.answer(query -> {
                    Prompt.requireTime();
                    return Reason.ALLOWED;
                });
                stream.onMessage(message());
                stream.onHalfClose();
                assertThat(call.sent).isZero();
                assertThat(call.closed).isNull();
                if (cancelled) {
                    stream.onCancel();
                }
                away.removeFirst().run();
                assertThat(call.sent).isEqualTo(cancelled ? 0 : 1);
                assertThat(call.requested).isZero();
                assertThat(call.closed).isEqualTo(cancelled ? null : Status.OK);
            }
        }
    }

    private PlainStream stream(GrpcFixture door, FakeCall call, Executor away, Executor later) {
        door.decisions.answer(query -> Reason.ALLOWED);
        ApiKeys keys = door.injector.getInstance(ApiKeys.class);
        Caller caller = keys.authenticate(door.admin).orElseThrow();
        assertThat(keys.isStillValid(caller)).isTrue();
        return new PlainStream(
                door.injector.getInstance(StreamAnswers.class),
                door.injector.getInstance(ErrorMapper.class),
                away,
                later,
                door.injector.getInstance(GrpcMetrics.class).of("DecisionService/CheckStream"),
                call,
                new CallContext(caller, "DecisionService/CheckStream", null),
                Ticker.systemTicker(),
                System.nanoTime());
    }

    private static MessageBytes message() {
        return MessageBytes.of(
                CheckStreamRequest.newBuilder().setCheck(request("user:alice")).build());
    }

    private static CheckRequest.Builder request(String subject) {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject(subject)
                .setResource("replay:1")
                .setAction("run");
    }

    /** By whom a stream is opened, and what is done in it, one thing after the other. */
    private Script script() {
        List<Step> steps = new ArrayList<>();
        for (int n = 1 + random.nextInt(6); n > 0; n--) {
            steps.add(
                    switch (random.nextInt(24)) {
                        case 0 -> new Step(Deed.REVOKE, new byte[0]);
                        case 1 -> new Step(Deed.TAKE_PERMISSION, new byte[0]);
                        case 2 -> new Step(Deed.CLOSE, new byte[0]);
                        default -> new Step(Deed.ASK, bytes());
                    });
        }
        return new Script(
                switch (random.nextInt(8)) {
                    case 0 -> Who.STRANGER;
                    case 1 -> Who.OF_ACME;
                    case 2 -> Who.WITHOUT_PERMISSION;
                    case 3 -> Who.OF_AN_ENVIRONMENT;
                    case 4 -> Who.OF_ANOTHER_RPC;
                    default -> Who.EVERYBODY;
                },
                steps);
    }

    private byte[] bytes() {
        if (random.nextInt(30) == 0) {
            return new byte[] {0x0a, 0x7f, 1};
        }
        CheckRequest.Builder check = request(oneOf("user:alice", "user:bob", "group:noc", "nobody", "user:jörg"))
                .setTenant(oneOf("acme", "acme", "acme", "other", "no tenant"))
                .setAction(oneOf("run", "run", "stop", "break", "wait"))
                .setDetailValue(random.nextInt(3));
        switch (random.nextInt(16)) {
            case 0 ->
                check.putContext("a", AttributeValue.newBuilder().setIntValue(1).build());
            case 1 -> check.setEnv(oneOf("staging", "default", "no env"));
            case 2 -> check.setExplain(true);
            case 3 -> check.setMinRevision(1 + random.nextInt(9));
            case 4 ->
                check.setUnknownFields(UnknownFieldSet.newBuilder()
                        .addField(
                                99,
                                UnknownFieldSet.Field.newBuilder().addVarint(1).build())
                        .build());
            case 5 -> check.setResource("replay:%2f");
            case 6 -> check.setDetail(Detail.DETAIL_MINIMAL);
            default -> {}
        }
        return CheckStreamRequest.newBuilder()
                .setCorrelationId(oneOf("", "c1", "c".repeat(128), "c".repeat(129), "\n"))
                .setCheck(check)
                .build()
                .toByteArray();
    }

    private String oneOf(String... texts) {
        return texts[random.nextInt(random.nextInt(4) == 0 ? texts.length : 2)];
    }

    private enum Who {
        EVERYBODY,
        OF_ACME,
        WITHOUT_PERMISSION,
        OF_AN_ENVIRONMENT,
        OF_ANOTHER_RPC,
        STRANGER
    }

    private enum Deed {
        ASK,
        REVOKE,
        TAKE_PERMISSION,
        CLOSE
    }

    private record Step(Deed deed, byte[] message) {

        @Override
        public String toString() {
            return deed + " " + ByteString.copyFrom(message);
        }
    }

    private record Script(Who who, List<Step> steps) {}

    /** A door, and what is said at it. */
    private static final class Door implements AutoCloseable {

        private final GrpcFixture door;
        private final Set<String> waited = ConcurrentHashMap.newKeySet();
        private final AtomicInteger atDesk = new AtomicInteger();

        Door(GrpcFixture door) {
            this.door = door;
            door.decisions.openDesk(query -> {
                atDesk.incrementAndGet();
                return !query.action().value().equals("stop");
            });
            door.decisions.answer(query -> switch (query.action().value()) {
                case "break" -> throw new IllegalStateException("a bug");
                case "stop" -> throw new RecorderBusyException("full", Duration.ofSeconds(1));
                case "wait" -> {
                    if (waited.add("x") || Prompt.isRequired()) {
                        Prompt.requireTime();
                    }
                    yield Reason.ALLOWED;
                }
                default -> query.subject().id().equals("alice") ? Reason.ALLOWED : Reason.NO_GRANT;
            });
        }

        List<String> play(Script script) throws InterruptedException {
            door.decisions.revokeAll();
            door.decisions.grant("service:replay", "check", "tenant:acme/policy");
            String key = switch (script.who) {
                case EVERYBODY -> door.key("user:admin", "assize", true);
                case OF_ACME, WITHOUT_PERMISSION -> door.key("service:replay", "acme", false, "acme");
                case OF_AN_ENVIRONMENT -> door.key("user:admin", "assize", true, Set.of("staging"), Set.of());
                case OF_ANOTHER_RPC ->
                    door.key("user:admin", "assize", true, Set.of(), Set.of("DecisionService/Check"));
                case STRANGER -> "asz_aaaaaaaaaaaaaaaa_" + "A".repeat(43);
            };
            if (script.who != Who.STRANGER) {
                // Remembered from now on.
                ApiKeys keys = door.injector.getInstance(ApiKeys.class);
                assertThat(keys.authenticate(key)).isPresent();
            }
            if (script.who == Who.WITHOUT_PERMISSION) {
                door.decisions.revokeAll();
            }
            return play(script, key);
        }

        private List<String> play(Script script, String key) throws InterruptedException {
            List<String> said = new ArrayList<>();
            Heard heard = new Heard();
            StreamObserver<MessageBytes> requests = open(key, heard);
            for (Step step : script.steps) {
                switch (step.deed) {
                    case ASK -> {
                        requests.onNext(new MessageBytes(step.message));
                        said.add(heard.next());
                    }
                    case REVOKE -> {
                        if (script.who != Who.STRANGER) {
                            revoke(key, script.who);
                        }
                    }
                    case TAKE_PERMISSION -> door.decisions.revokeAll();
                    case CLOSE -> {
                        requests.onCompleted();
                        said.add(heard.next());
                    }
                }
                if (!said.isEmpty() && isEnd(said.getLast())) {
                    return said;
                }
            }
            requests.onCompleted();
            said.add(heard.next());
            return said;
        }

        private static boolean isEnd(String said) {
            return said.equals("OK") || said.startsWith("Status{");
        }

        private void revoke(String key, Who who) {
            String home = who == Who.OF_ACME || who == Who.WITHOUT_PERMISSION ? "acme" : "assize";
            door.injector.getInstance(ApiKeys.class).revoke(new TenantId(home), key.substring(4, 20), Recorder.ASSIZE);
        }

        private StreamObserver<MessageBytes> open(String key, Heard heard) {
            MethodDescriptor<MessageBytes, MessageBytes> raw = DecisionServiceGrpc.getCheckStreamMethod().toBuilder(
                            MessageBytes.MARSHALLER, MessageBytes.MARSHALLER)
                    .build();
            Metadata headers = new Metadata();
            headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
            return ClientCalls.asyncBidiStreamingCall(
                    ClientInterceptors.intercept(door.channel, MetadataUtils.newAttachHeadersInterceptor(headers))
                            .newCall(raw, CallOptions.DEFAULT),
                    heard);
        }

        /** Calls by how they ended, and how their credentials were known. */
        List<String> counted() {
            List<String> counted = new ArrayList<>();
            for (Timer timer : door.meters.find("assize.rpc.duration").timers()) {
                counted.add(timer.getId().getTags() + " " + timer.count());
            }
            for (String outcome : List.of("remembered", "refused")) {
                counted.add(outcome + " "
                        + door.meters
                                .get("assize.authentications")
                                .tag("outcome", outcome)
                                .counter()
                                .count());
            }
            counted.sort(null);
            return counted;
        }

        @Override
        public void close() {
            door.close();
        }
    }

    /** What a stream says, in words. */
    private static final class Heard implements StreamObserver<MessageBytes> {

        private final BlockingQueue<String> said = new LinkedBlockingQueue<>();

        String next() throws InterruptedException {
            String next = said.poll(20, TimeUnit.SECONDS);
            assertThat(next).isNotNull();
            return next;
        }

        @Override
        public void onNext(MessageBytes answer) {
            try {
                CheckStreamResponse.Builder response = CheckStreamResponse.parseFrom(answer.bytes()).toBuilder();
                if (response.hasResponse()) {
                    assertThat(response.getResponse().getDecisionId().length()).isIn(0, 32);
                    response.getResponseBuilder().clearDecisionId();
                }
                said.add(withoutIncident(response.build().toString()));
            } catch (Exception malformed) {
                said.add(malformed.toString());
            }
        }

        @Override
        public void onError(Throwable failure) {
            StatusRuntimeException refused = (StatusRuntimeException) failure;
            @Nullable Metadata trailers = refused.getTrailers();
            com.google.rpc.Status details = io.grpc.protobuf.StatusProto.fromThrowable(refused);
            said.add(withoutIncident(refused.getStatus() + " " + (trailers == null ? "" : trailers.keys()) + details));
        }

        @Override
        public void onCompleted() {
            said.add("OK");
        }

        private static String withoutIncident(String text) {
            return text.replaceAll("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "incident")
                    .replaceAll("\\$[0-9a-f-]{36}|value: \"[^\"]*incident[^\"]*\"", "incident");
        }
    }

    /** A transport that takes what it is told to take. */
    private static final class FakeCall extends ServerCall<MessageBytes, MessageBytes> {

        private int requested;
        private int sent;
        private boolean ready = true;

        /** Looks at {@link #isReady} that are answered no before; none where it is as it is. */
        private int readyAfter;

        private @Nullable Status closed;

        @Override
        public void request(int messages) {
            requested += messages;
        }

        @Override
        public void sendHeaders(Metadata headers) {}

        @Override
        public void sendMessage(MessageBytes message) {
            sent++;
        }

        @Override
        public boolean isReady() {
            return ready && readyAfter-- <= 0;
        }

        @Override
        public void close(Status status, Metadata trailers) {
            closed = status;
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public MethodDescriptor<MessageBytes, MessageBytes> getMethodDescriptor() {
            throw new UnsupportedOperationException("nobody asks");
        }
    }
}
