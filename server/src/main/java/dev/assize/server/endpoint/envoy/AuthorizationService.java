package dev.assize.server.endpoint.envoy;

import com.google.inject.Inject;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.proto.envoy.v3.AuthorizationGrpc;
import dev.assize.proto.envoy.v3.CheckRequest;
import dev.assize.proto.envoy.v3.CheckResponse;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.endpoint.call.Admission;
import dev.assize.server.endpoint.call.AnswersOnRecord.Given;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.DecisionsOnRecord;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.ErrorReason.Fault;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.endpoint.call.GuestService;
import dev.assize.server.endpoint.call.Refusals;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.prompt.WouldWaitException;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Scope;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers Envoy. A call stands for `DecisionService/Check`: its credential is Envoy's own, needs the same permission, and
 * its decisions go on record as others do. At a sidecar they are made there or at its centre, as those of others are.
 *
 * <p>To Envoy a call that fails is no deny: it may be configured to let the request pass. So whatever a client, or a mistake
 * of somebody's, can bring about is answered as a deny, a bug of ours included; only what an operator of this server has to
 * mend, such as a store that is away, fails the call.
 */
final class AuthorizationService implements GuestService {

    /** What a call stands for: limits and permissions of callers are its. */
    static final String RPC = "DecisionService/Check";

    private static final Logger LOG = LoggerFactory.getLogger(AuthorizationService.class);

    private final Mapping mapping;
    private final Responses responses;
    private final Admission admission;
    private final Gate gate;
    private final DecisionsOnRecord decisions;
    private final EnvoyMetrics metrics;
    private final EnvoySpans spans;

    @Inject
    AuthorizationService(
            Mapping mapping,
            Admission admission,
            Gate gate,
            DecisionsOnRecord decisions,
            EnvoyMetrics metrics,
            EnvoySpans spans) {
        this.mapping = mapping;
        this.responses = new Responses(mapping);
        this.admission = admission;
        this.gate = gate;
        this.decisions = decisions;
        this.metrics = metrics;
        this.spans = spans;
    }

    /** On bytes, so that those which are no message are denied here, and do not fail the call. */
    @Override
    public ServerServiceDefinition bindService() {
        MethodDescriptor<byte[], CheckResponse> check = AuthorizationGrpc.getCheckMethod().toBuilder(
                        new RawBytes(), AuthorizationGrpc.getCheckMethod().getResponseMarshaller())
                .build();
        ServiceDescriptor service = ServiceDescriptor.newBuilder(AuthorizationGrpc.SERVICE_NAME)
                .setSchemaDescriptor(AuthorizationGrpc.getServiceDescriptor().getSchemaDescriptor())
                .addMethod(check)
                .build();
        return ServerInterceptors.intercept(
                ServerServiceDefinition.builder(service)
                        .addMethod(check, ServerCalls.asyncUnaryCall(this::check))
                        .build(),
                new CallHeaders.Keeper());
    }

    private void check(byte[] message, StreamObserver<CheckResponse> observer) {
        Outcome outcome;
        try {
            outcome = answered(() -> decide(message));
        } catch (StatusRuntimeException failure) {
            metrics.answered(EnvoyMetrics.FAILED);
            observer.onError(failure);
            return;
        }
        metrics.answered(outcome.word);
        if (observer instanceof ServerCallStreamObserver<?> call && call.isCancelled()) {
            // Envoy has given up; to answer would throw, and be logged as if it were a bug.
            return;
        }
        observer.onNext(outcome.response);
        observer.onCompleted();
    }

    private Outcome answered(Supplier<Outcome> work) {
        try {
            return work.get();
        } catch (WouldWaitException | StatusRuntimeException later) {
            throw later;
        } catch (NotAskedException none) {
            return refused(none.refusal(), none.detail());
        } catch (RuntimeException | Error failure) {
            Optional<RefusedException> refused = Refusals.of(failure);
            return refused.isPresent() ? refused(refused.get()) : bug(failure);
        }
    }

    private Outcome decide(byte[] message) {
        CallHeaders headers = CallHeaders.current();
        CallContext call = admission.admit(RPC, true, headers.authorization(), headers.traceparent());
        Span span = spans.begin(headers);
        Context context = call.within(span).attachedTo(Context.current());
        Context before = context.attach();
        try (Scope _ = span.makeCurrent()) {
            Outcome outcome = answered(() -> decide(read(message).getAttributes()));
            EnvoySpans.end(span, Status.OK);
            return outcome;
        } catch (StatusRuntimeException failure) {
            EnvoySpans.end(span, failure.getStatus());
            throw failure;
        } finally {
            context.detach(before);
        }
    }

    private Outcome decide(AttributeContext request) {
        Prompt.spend(mapping.routes().size());
        Asked asked = mapping.asked(request);
        gate.admit(asked.tenant());
        gate.requireEnvironment(asked.env());
        return given(request, asked, decisions.decide(query(asked, request)));
    }

    private Outcome given(AttributeContext request, Asked asked, Given given) {
        if (given.answer().isHistorical() || !given.answer().reason().isAllow()) {
            return new Outcome(EnvoyMetrics.DENIED, responses.denied(asked, given));
        }
        boolean known =
                given.answer().obligations().stream().map(Obligation::type).allMatch(mapping.obligations()::contains);
        return known
                ? new Outcome(EnvoyMetrics.ALLOWED, responses.allowed(request, asked, given))
                : new Outcome(Refusal.OBLIGATION_UNKNOWN, responses.notTaken(asked, given));
    }

    private static CheckQuery query(Asked asked, AttributeContext request) {
        Subject subject = SubjectSource.first(asked.sources().subjects(), request)
                .orElseThrow(() -> new NotAskedException(
                        Refusal.SUBJECT_MISSING,
                        "no source of subjects says who makes the request, by route " + asked.route()));
        return new CheckQuery(
                subject,
                asked.resource(),
                asked.action(),
                asked.tenant(),
                asked.env(),
                asked.tenant(),
                Map.of(),
                Map.of(),
                asked.context(request),
                List.of(),
                null,
                null);
    }

    /** Text that is not UTF-8 is what a client can bring into a message of Envoy's. */
    private static CheckRequest read(byte[] message) {
        if (message.length > Limits.PROMPT_MESSAGE_BYTES) {
            Prompt.requireTime();
        }
        try {
            return CheckRequest.parseFrom(message);
        } catch (InvalidProtocolBufferException malformed) {
            throw new NotAskedException(
                    Refusal.REQUEST_MALFORMED, "a message that is no CheckRequest, or has text that is not UTF-8");
        }
    }

    private Outcome refused(RefusedException refused) {
        ErrorReason reason = refused.reason();
        if (reason.code() == Status.Code.RESOURCE_EXHAUSTED) {
            // Whoever's it is to mend, clients bring it about by asking often enough.
            return refused(Refusal.SERVER_BUSY, reason + ": " + refused.getMessage());
        }
        if (reason.fault() == Fault.OPERATOR) {
            throw new StatusRuntimeException(
                    Status.fromCode(reason.code()).withDescription(reason + ": " + refused.getMessage()));
        }
        return refused(
                reason == ErrorReason.REQUEST_INVALID ? Refusal.REQUEST_MALFORMED : Refusal.CALLER_REFUSED,
                reason + ": " + refused.getMessage());
    }

    private Outcome bug(Throwable failure) {
        String incident = UUID.randomUUID().toString();
        metrics.internalError();
        LOG.error("Internal error, incident {}", incident, failure);
        return refused(Refusal.INTERNAL_ERROR, Refusals.internal(incident).getMessage());
    }

    private Outcome refused(Refusal refusal, String detail) {
        return new Outcome(refusal, responses.refused(refusal, detail));
    }

    /** An answer, and the word under which it is counted. */
    private record Outcome(String word, CheckResponse response) {

        Outcome(Refusal refusal, CheckResponse response) {
            this(refusal.word(), response);
        }
    }
}
