package dev.assize.server.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.RetryInfo;
import dev.assize.proto.v1.Acknowledgement;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AppendAuditResponse;
import dev.assize.proto.v1.CheckAndAppendRequest;
import dev.assize.proto.v1.CheckAndAppendResponse;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckBatchResult;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.SearchActionsResponse;
import dev.assize.proto.v1.SearchResourcesResponse;
import dev.assize.proto.v1.SearchSubjectsResponse;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.proto.v1.WatchPolicyResponse;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** A server that answers what a case says, right or wrong, in bytes of its own, and remembers what it heard. */
final class ScriptedServer implements AutoCloseable {

    private static final Metadata.Key<String> PUSHBACK =
            Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);
    private static final List<MethodDescriptor<?, ?>> METHODS = List.of(
            DecisionServiceGrpc.getCheckMethod(),
            DecisionServiceGrpc.getCheckBatchMethod(),
            DecisionServiceGrpc.getCheckAndAppendMethod(),
            DecisionServiceGrpc.getSearchSubjectsMethod(),
            DecisionServiceGrpc.getSearchResourcesMethod(),
            DecisionServiceGrpc.getSearchActionsMethod(),
            LedgerServiceGrpc.getAppendAuditMethod(),
            PolicyServiceGrpc.getWatchPolicyMethod());

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Server server;

    /** What is to be answered, by method; the last answer stays. Guarded by this, as what follows. */
    private final Map<String, Deque<JsonNode>> script = new HashMap<>();

    private final Map<String, Integer> heard = new HashMap<>();
    private final List<String> idempotencyKeys = new ArrayList<>();
    private final List<StreamObserver<byte[]>> openStreams = new ArrayList<>();
    private long knownRevision;
    private Acknowledgement acknowledgement = Acknowledgement.ACKNOWLEDGEMENT_UNSPECIFIED;

    ScriptedServer() {
        var builder = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                .executor(threads);
        Map<String, ServerServiceDefinition.Builder> services = new HashMap<>();
        for (MethodDescriptor<?, ?> method : METHODS) {
            services.computeIfAbsent(String.valueOf(method.getServiceName()), ServerServiceDefinition::builder)
                    .addMethod(
                            raw(method),
                            ServerCalls.asyncServerStreamingCall(
                                    (request, to) -> answer(String.valueOf(method.getBareMethodName()), request, to)));
        }
        services.values().forEach(service -> builder.addService(service.build()));
        try {
            server = builder.build().start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** On the wire a call with one answer is a stream of one, and here it may be one of none. */
    private static MethodDescriptor<byte[], byte[]> raw(MethodDescriptor<?, ?> method) {
        return MethodDescriptor.newBuilder(new Bytes(), new Bytes())
                .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
                .setFullMethodName(method.getFullMethodName())
                .build();
    }

    String address() {
        return "127.0.0.1:" + server.getPort();
    }

    /** Answers so from now on, and has heard nothing. */
    synchronized void play(JsonNode answers) {
        script.clear();
        heard.clear();
        idempotencyKeys.clear();
        answers.properties().forEach(method -> {
            Deque<JsonNode> inOrder = new ArrayDeque<>();
            method.getValue().forEach(inOrder::add);
            script.put(method.getKey(), inOrder);
        });
    }

    synchronized int heard(String method) {
        return heard.getOrDefault(method, 0);
    }

    /** Of the appends that were heard. */
    synchronized List<String> idempotencyKeys() {
        return List.copyOf(idempotencyKeys);
    }

    /** What the last append asked for; empty where it was in the ledger. */
    synchronized String acknowledgement() {
        return switch (acknowledgement) {
            case ACKNOWLEDGEMENT_UNSPECIFIED, ACKNOWLEDGEMENT_IN_LEDGER -> "";
            case ACKNOWLEDGEMENT_SPOOLED -> "SPOOLED";
            case UNRECOGNIZED -> "UNRECOGNIZED";
        };
    }

    /** Of the stream of policy that was opened last. */
    synchronized long knownRevision() {
        return knownRevision;
    }

    /** Says this on every stream of policy that is open. */
    synchronized void say(JsonNode messages) {
        for (JsonNode message : messages) {
            byte[] bytes =
                    json(WatchPolicyResponse.newBuilder(), message).build().toByteArray();
            openStreams.removeIf(stream -> !isSaid(stream, bytes));
        }
    }

    private static boolean isSaid(StreamObserver<byte[]> stream, byte[] bytes) {
        try {
            stream.onNext(bytes);
            return true;
        } catch (RuntimeException gone) {
            return false;
        }
    }

    private synchronized JsonNode next(String method, byte[] request) {
        heard.merge(method, 1, Integer::sum);
        if (method.equals("AppendAudit")) {
            AppendAuditRequest append = parse(AppendAuditRequest.parser(), request);
            idempotencyKeys.add(append.getIdempotencyKey());
            acknowledgement = append.getAcknowledgement();
        }
        if (method.equals("CheckAndAppend")) {
            idempotencyKeys.add(parse(CheckAndAppendRequest.parser(), request).getIdempotencyKey());
        }
        if (method.equals("WatchPolicy")) {
            knownRevision = parse(WatchPolicyRequest.parser(), request).getKnownRevision();
        }
        Deque<JsonNode> answers = script.getOrDefault(method, new ArrayDeque<>());
        if (answers.isEmpty()) {
            throw Status.UNIMPLEMENTED.withDescription("not in the script").asRuntimeException();
        }
        return answers.size() > 1 ? answers.removeFirst() : answers.getFirst();
    }

    private void answer(String method, byte[] request, StreamObserver<byte[]> to) {
        try {
            JsonNode answer = next(method, request);
            if (answer.path("silent").asBoolean()) {
                return;
            }
            CompletableFuture.delayedExecutor(answer.path("delayMillis").asLong(), TimeUnit.MILLISECONDS, threads)
                    .execute(() -> say(method, answer, request, to));
        } catch (StatusRuntimeException unscripted) {
            to.onError(unscripted);
        }
    }

    private void say(String method, JsonNode answer, byte[] request, StreamObserver<byte[]> to) {
        try {
            say(answer.path("saysFirst"));
            for (byte[] message : messages(method, answer, request)) {
                to.onNext(message);
            }
            if (answer.has("status")) {
                to.onError(failure(answer));
            } else if (answer.path("open").asBoolean()) {
                keepOpen(to);
            } else {
                to.onCompleted();
            }
        } catch (RuntimeException gone) {
            // The client has hung up.
        }
    }

    private synchronized void keepOpen(StreamObserver<byte[]> stream) {
        openStreams.add(stream);
    }

    private static StatusRuntimeException failure(JsonNode answer) {
        com.google.rpc.Status.Builder status = com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.valueOf(answer.get("status").asText()).value())
                .setMessage("as scripted");
        if (answer.has("retryInfoMillis")) {
            long millis = answer.get("retryInfoMillis").asLong();
            status.addDetails(Any.pack(RetryInfo.newBuilder()
                    .setRetryDelay(Duration.newBuilder()
                            .setSeconds(millis / 1_000)
                            .setNanos((int) (millis % 1_000) * 1_000_000))
                    .build()));
        }
        Metadata trailers = new Metadata();
        if (answer.has("pushbackMillis")) {
            trailers.put(PUSHBACK, answer.get("pushbackMillis").asText());
        }
        return StatusProto.toStatusRuntimeException(status.build(), trailers);
    }

    private static List<byte[]> messages(String method, JsonNode answer, byte[] request) {
        if (answer.has("bytes")) {
            return List.of(HexFormat.of().parseHex(answer.get("bytes").asText()));
        }
        if (answer.has("allowResources")) {
            return List.of(judged(method, answer.get("allowResources"), request));
        }
        List<byte[]> messages = new ArrayList<>();
        for (JsonNode message : answer.has("messages") ? answer.get("messages") : List.of(answer.path("response"))) {
            if (!message.isMissingNode()) {
                messages.add(json(builder(method), message).build().toByteArray());
            }
        }
        return messages;
    }

    private static Message.Builder builder(String method) {
        return switch (method) {
            case "Check" -> CheckResponse.newBuilder();
            case "CheckBatch" -> CheckBatchResponse.newBuilder();
            case "CheckAndAppend" -> CheckAndAppendResponse.newBuilder();
            case "AppendAudit" -> AppendAuditResponse.newBuilder();
            case "SearchSubjects" -> SearchSubjectsResponse.newBuilder();
            case "SearchResources" -> SearchResourcesResponse.newBuilder();
            case "SearchActions" -> SearchActionsResponse.newBuilder();
            case "WatchPolicy" -> WatchPolicyResponse.newBuilder();
            default -> throw new IllegalArgumentException(method);
        };
    }

    private static byte[] judged(String method, JsonNode allowed, byte[] request) {
        if (method.equals("Check")) {
            return judged(parse(CheckRequest.parser(), request), allowed).toByteArray();
        }
        CheckBatchResponse.Builder results = CheckBatchResponse.newBuilder();
        parse(CheckBatchRequest.parser(), request)
                .getItemsList()
                .forEach(
                        item -> results.addResults(CheckBatchResult.newBuilder().setResponse(judged(item, allowed))));
        return results.build().toByteArray();
    }

    private static CheckResponse judged(CheckRequest request, JsonNode allowed) {
        for (JsonNode resource : allowed) {
            if (resource.asText().equals(request.getResource())) {
                return CheckResponse.newBuilder()
                        .setDecision(Decision.DECISION_ALLOW)
                        .setReason(Reason.REASON_ALLOWED)
                        .build();
            }
        }
        return CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_DENY)
                .setReason(Reason.REASON_NO_GRANT)
                .build();
    }

    private static <M extends Message> M parse(Parser<M> parser, byte[] bytes) {
        try {
            return parser.parseFrom(bytes);
        } catch (InvalidProtocolBufferException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static <B extends Message.Builder> B json(B builder, JsonNode message) {
        try {
            JsonFormat.parser().merge(message.toString(), builder);
            return builder;
        } catch (InvalidProtocolBufferException wrong) {
            throw new UncheckedIOException(wrong);
        }
    }

    @Override
    public void close() {
        server.shutdownNow();
        threads.shutdownNow();
    }

    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {

        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
