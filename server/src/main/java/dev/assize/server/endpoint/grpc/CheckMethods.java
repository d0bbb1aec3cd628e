package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.server.decision.DecisionService;
import dev.assize.server.decision.FactsElsewhereException;
import dev.assize.server.endpoint.call.AnswersOnRecord;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.DecisionIds;
import dev.assize.server.endpoint.call.Elsewhere;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.model.TenantId;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Check, CheckBatch and CheckStream, on messages as bytes. They begin on the event loop: whatever they do may be begun anew
 * until it has had an effect.
 */
final class CheckMethods {

    private final PlainChecks plain;
    private final StreamAnswers streamed;
    private final Checks checks;
    private final DecisionService decisions;
    private final Gate gate;
    private final AnswersOnRecord onRecord;
    private final DecisionIds ids;
    private final ErrorMapper errors;
    private final Replies replies;
    private final CallThreads threads;
    private final Elsewhere elsewhere;

    @Inject
    CheckMethods(
            PlainChecks plain,
            StreamAnswers streamed,
            Checks checks,
            DecisionService decisions,
            Gate gate,
            AnswersOnRecord onRecord,
            DecisionIds ids,
            ErrorMapper errors,
            Replies replies,
            CallThreads threads,
            Elsewhere elsewhere) {
        this.plain = plain;
        this.streamed = streamed;
        this.checks = checks;
        this.decisions = decisions;
        this.gate = gate;
        this.onRecord = onRecord;
        this.ids = ids;
        this.errors = errors;
        this.replies = replies;
        this.threads = threads;
        this.elsewhere = elsewhere;
    }

    /** The service with these methods in the place of its own. */
    ServerServiceDefinition in(ServerServiceDefinition service) {
        Map<String, ServerMethodDefinition<?, ?>> own = Stream.of(check(), checkBatch(), checkStream())
                .collect(Collectors.toMap(
                        method -> method.getMethodDescriptor().getFullMethodName(), Function.identity()));
        ServiceDescriptor descriptor = service.getServiceDescriptor();
        if (service.getMethod(DecisionServiceGrpc.getCheckMethod().getFullMethodName()) == null) {
            return service;
        }
        var methods = service.getMethods().stream()
                .<ServerMethodDefinition<?, ?>>map(
                        method -> own.getOrDefault(method.getMethodDescriptor().getFullMethodName(), method))
                .toList();
        ServiceDescriptor.Builder described = ServiceDescriptor.newBuilder(descriptor.getName())
                .setSchemaDescriptor(descriptor.getSchemaDescriptor());
        methods.forEach(method -> described.addMethod(method.getMethodDescriptor()));
        ServerServiceDefinition.Builder defined = ServerServiceDefinition.builder(described.build());
        methods.forEach(defined::addMethod);
        return defined.build();
    }

    private ServerMethodDefinition<?, ?> check() {
        return onBytes(
                DecisionServiceGrpc.getCheckMethod(),
                ServerCalls.asyncUnaryCall((request, observer) -> replies.reply(observer, () -> check(request))));
    }

    private ServerMethodDefinition<?, ?> checkBatch() {
        return onBytes(
                DecisionServiceGrpc.getCheckBatchMethod(),
                ServerCalls.asyncUnaryCall((request, observer) -> replies.reply(observer, () -> checkBatch(request))));
    }

    private ServerMethodDefinition<?, ?> checkStream() {
        return onBytes(
                DecisionServiceGrpc.getCheckStreamMethod(), ServerCalls.asyncBidiStreamingCall(this::checkStream));
    }

    private MessageBytes check(MessageBytes bytes) {
        bytes.requireTimeToRead();
        MessageBytes answer = bytes.isPlain() ? plain.check(CallContext.current(), bytes) : null;
        return answer == null ? checkMessage(bytes) : answer;
    }

    private MessageBytes checkMessage(MessageBytes bytes) {
        CheckRequest request = bytes.as(CheckRequest.parser());
        return checks.decide("", request, gate.admit(request.getTenant())).bytes();
    }

    private MessageBytes checkBatch(MessageBytes bytes) {
        bytes.requireTimeToRead();
        MessageBytes answer = bytes.isPlain() ? plain.batch(CallContext.current(), bytes) : null;
        return answer == null ? checkBatchMessage(bytes) : answer;
    }

    private MessageBytes checkBatchMessage(MessageBytes bytes) {
        CheckBatchRequest request = bytes.as(CheckBatchRequest.parser());
        TenantId tenant = gate.admit(request.getTenant());
        if (elsewhere.isFor(request, tenant)) {
            return MessageBytes.of(elsewhere.checkBatch(request, tenant));
        }
        try {
            return new BatchCheck(checks, decisions, onRecord, ids, errors).answer(request, tenant);
        } catch (FactsElsewhereException theirs) {
            return MessageBytes.of(elsewhere.checkBatch(request, tenant));
        }
    }

    private StreamObserver<MessageBytes> checkStream(StreamObserver<MessageBytes> observer) {
        var stream = (ServerCallStreamObserver<MessageBytes>) observer;
        return new CheckStreamCall(streamed, replies, stream, threads.behindOthers()).start();
    }

    private static ServerMethodDefinition<MessageBytes, MessageBytes> onBytes(
            MethodDescriptor<?, ?> method, ServerCallHandler<MessageBytes, MessageBytes> handler) {
        return ServerMethodDefinition.create(
                method.toBuilder(MessageBytes.MARSHALLER, MessageBytes.MARSHALLER)
                        .build(),
                handler);
    }
}
