package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.ApprovalServiceGrpc;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.PolicyServiceGrpc;
import dev.assize.server.endpoint.call.Deadlines;
import dev.assize.server.endpoint.call.Elsewhere;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.ledger.LedgerUnavailableException;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.upstream.Centre;
import dev.assize.server.upstream.forward.Forwarding;
import io.grpc.BindableService;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The services of a sidecar: what it answers itself, what it hands on to its centre under its own credential, and what it
 * refuses, because whoever administers has a credential of his own there.
 */
final class SidecarCalls {

    /** Answered here. */
    static final Set<String> LOCAL = Set.of(
            "DecisionService/Check",
            "DecisionService/CheckBatch",
            "DecisionService/CheckStream",
            "LedgerService/AppendAudit",
            "PolicyService/WatchPolicy");

    /** What a service does that protects itself, and only the centre can answer. */
    static final Set<String> FORWARDED = Set.of(
            "DecisionService/WatchDecision",
            "DecisionService/CheckAndAppend",
            "DecisionService/SearchSubjects",
            "DecisionService/SearchResources",
            "DecisionService/SearchActions",
            "LedgerService/ListSpools",
            "ApprovalService/RequestApproval",
            "ApprovalService/CommentApproval",
            "ApprovalService/ListApprovals",
            "ApprovalService/CancelApproval",
            "ApprovalService/UseApproval");

    /** What puts something into the ledger, behind what was spooled before. */
    private static final Set<String> BEHIND_THE_SPOOL = Set.of(
            "DecisionService/CheckAndAppend",
            "ApprovalService/RequestApproval",
            "ApprovalService/CommentApproval",
            "ApprovalService/CancelApproval",
            "ApprovalService/UseApproval");

    /** How long one of these waits for that where the call has no deadline. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(10);

    private static final List<ServiceDescriptor> SERVICES = List.of(
            DecisionServiceGrpc.getServiceDescriptor(),
            PolicyServiceGrpc.getServiceDescriptor(),
            LedgerServiceGrpc.getServiceDescriptor(),
            ApprovalServiceGrpc.getServiceDescriptor(),
            AccessServiceGrpc.getServiceDescriptor());

    private final WatchCalls watches;
    private final Centre centre;
    private final Elsewhere elsewhere;
    private final Forwarding forwarding;
    private final Gate gate;
    private final Replies replies;
    private final ErrorMapper errors;

    /** Of others, by their full names. */
    private final Map<String, ServerMethodDefinition<?, ?>> own;

    @Inject
    SidecarCalls(
            WatchCalls watches,
            Centre centre,
            Elsewhere elsewhere,
            Forwarding forwarding,
            Gate gate,
            Replies replies,
            ErrorMapper errors,
            Set<BindableService> others) {
        this.watches = watches;
        this.centre = centre;
        this.elsewhere = elsewhere;
        this.forwarding = forwarding;
        this.gate = gate;
        this.replies = replies;
        this.errors = errors;
        this.own = others.stream()
                .flatMap(service -> service.bindService().getMethods().stream())
                .filter(method -> LOCAL.contains(RpcNames.of(method.getMethodDescriptor())))
                .collect(Collectors.toMap(
                        method -> method.getMethodDescriptor().getFullMethodName(), Function.identity()));
    }

    Endpoints endpoints() {
        return new Endpoints(SERVICES.stream().map(this::service).toList());
    }

    private ServerServiceDefinition service(ServiceDescriptor descriptor) {
        ServerServiceDefinition.Builder service = ServerServiceDefinition.builder(descriptor);
        descriptor.getMethods().forEach(method -> service.addMethod(method(method)));
        return service.build();
    }

    private ServerMethodDefinition<?, ?> method(MethodDescriptor<?, ?> method) {
        ServerMethodDefinition<?, ?> others = own.get(method.getFullMethodName());
        return others == null ? ServerMethodDefinition.create(cast(method), handler(cast(method))) : others;
    }

    /** All messages of ours are protobuf's. */
    @SuppressWarnings("unchecked")
    private static MethodDescriptor<Message, Message> cast(MethodDescriptor<?, ?> method) {
        return (MethodDescriptor<Message, Message>) method;
    }

    /** {@link CheckMethods} takes the place of what stands here for checks. */
    private ServerCallHandler<Message, Message> handler(MethodDescriptor<Message, Message> method) {
        if (method.getFullMethodName()
                .equals(PolicyServiceGrpc.getWatchPolicyMethod().getFullMethodName())) {
            return watchPolicy();
        }
        if (!FORWARDED.contains(RpcNames.of(method))) {
            return new Refusing(RpcNames.of(method));
        }
        return method.getType() == MethodDescriptor.MethodType.UNARY
                ? ServerCalls.asyncUnaryCall((request, observer) -> replies.reply(observer, () -> {
                    TenantId tenant = admit(request);
                    if (BEHIND_THE_SPOOL.contains(RpcNames.of(method))) {
                        awaitForwarded(tenant);
                    }
                    return centre.call(method, request);
                }))
                : ServerCalls.asyncServerStreamingCall((request, observer) -> stream(method, request, observer));
    }

    @SuppressWarnings("unchecked") // What the descriptor of this method says.
    private ServerCallHandler<Message, Message> watchPolicy() {
        return (ServerCallHandler<Message, Message>)
                (ServerCallHandler<?, ?>) ServerCalls.asyncServerStreamingCall(watches::policy);
    }

    private void awaitForwarded(TenantId tenant) {
        Prompt.requireTime();
        try {
            forwarding.whenForwarded(tenant).get(Deadlines.left(LONGEST_WAIT).toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException failure) {
            throw failure.getCause() instanceof RuntimeException cause
                    ? cause
                    : new LedgerUnavailableException("what was spooled before is not in the ledger", failure);
        } catch (TimeoutException late) {
            throw new LedgerUnavailableException("what was spooled before did not come to the ledger in time", late);
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            throw new LedgerUnavailableException("this sidecar is stopping", stopping);
        }
    }

    private void stream(MethodDescriptor<Message, Message> method, Message request, StreamObserver<Message> observer) {
        ServerCallStreamObserver<Message> listener = (ServerCallStreamObserver<Message>) observer;
        // Without a handler of its own a cancelled call would throw at whoever answers it.
        listener.setOnCancelHandler(() -> {});
        try {
            TenantId tenant = admit(request);
            Iterator<Message> messages = centre.stream(method, elsewhere.toSend(request, tenant));
            listener.setOnReadyHandler(() -> handOn(messages, listener));
        } catch (RuntimeException | Error failure) {
            replies.fail(observer, failure);
        }
    }

    /** What a listener is slow to take is left at the centre until there is room for it. */
    private void handOn(Iterator<Message> messages, ServerCallStreamObserver<Message> listener) {
        try {
            while (listener.isReady()) {
                if (!messages.hasNext()) {
                    listener.onCompleted();
                    return;
                }
                listener.onNext(messages.next());
            }
        } catch (RuntimeException | Error failure) {
            replies.fail(listener, failure);
        }
    }

    private TenantId admit(Message request) {
        return gate.admit(tenant(request));
    }

    /** Where a request does not say it, its question does. */
    private static String tenant(Message request) {
        FieldDescriptor tenant = request.getDescriptorForType().findFieldByName("tenant");
        return tenant == null
                ? tenant((Message)
                        request.getField(request.getDescriptorForType().findFieldByName("check")))
                : (String) request.getField(tenant);
    }

    /** Says where to go. */
    private final class Refusing implements ServerCallHandler<Message, Message> {

        private final String rpc;

        Refusing(String rpc) {
            this.rpc = rpc;
        }

        @Override
        public ServerCall.Listener<Message> startCall(ServerCall<Message, Message> call, Metadata headers) {
            errors.close(
                    call,
                    RefusedException.of(
                            ErrorReason.NOT_AT_A_SIDECAR,
                            "a sidecar does not serve `" + rpc + "`: ask its centre, with a key of your own",
                            Map.of("rpc", rpc)));
            return new ServerCall.Listener<>() {};
        }
    }
}
