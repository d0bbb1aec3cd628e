package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import com.google.rpc.Status;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.server.authentication.LastingKey;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.WouldWaitException;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Answers the messages of CheckStreams, each by itself. What is thrown refuses the stream for good: who may not ask, and what
 * is no message. What cannot be decided is an answer, and fails alone.
 */
final class StreamAnswers {

    static final int CORRELATION_BYTES = 128;

    private final PlainChecks plain;
    private final Checks checks;
    private final Gate gate;
    private final ErrorMapper errors;

    @Inject
    StreamAnswers(PlainChecks plain, Checks checks, Gate gate, ErrorMapper errors) {
        this.plain = plain;
        this.checks = checks;
        this.gate = gate;
        this.errors = errors;
    }

    /** What a stream's messages each require. */
    LastingKey credential(CallContext call) {
        return gate.credential(call);
    }

    /** A `CheckStreamResponse` to a `CheckStreamRequest`. */
    MessageBytes answer(CallContext call, LastingKey credential, MessageBytes request) {
        request.requireTimeToRead();
        MessageBytes answer = plainAnswer(call, credential, request.bytes());
        return answer == null
                ? within(
                        call, () -> MessageBytes.of(answerMessage(credential, request.as(CheckStreamRequest.parser()))))
                : answer;
    }

    /** Null where it is to be answered as a message. */
    private @Nullable MessageBytes plainAnswer(CallContext call, LastingKey credential, byte[] request) {
        PlainStreamRequest plainRequest = new PlainStreamRequest();
        if (!plainRequest.read(request)) {
            return null;
        }
        gate.requireCredential(credential);
        TenantId tenant = plain.read(call, request, plainRequest.from(), plainRequest.to());
        if (tenant == null) {
            return null;
        }
        gate.admit(call, tenant);
        MessageBytes answer;
        try {
            answer = plain.decide(call, tenant);
        } catch (WouldWaitException later) {
            throw later;
        } catch (RuntimeException failure) {
            Status error = within(call, () -> errors.toStatus(failure));
            return MessageBytes.of(plainRequest.failed(request, error));
        }
        return answer == null ? null : plainRequest.answered(request, answer.bytes());
    }

    private CheckStreamResponse answerMessage(LastingKey credential, CheckStreamRequest request) {
        gate.requireCredential(credential);
        TenantId tenant = gate.admit(request.getCheck().getTenant());
        String correlation = Fields.text("correlation_id", request.getCorrelationId(), CORRELATION_BYTES);
        CheckStreamResponse.Builder response =
                CheckStreamResponse.newBuilder().setCorrelationId(correlation == null ? "" : correlation);
        try {
            Fields.requireKnown("request", request);
            return response.setResponse(
                            checks.decide("check.", request.getCheck(), tenant).message())
                    .build();
        } catch (WouldWaitException later) {
            throw later;
        } catch (RuntimeException failure) {
            if (failure instanceof StatusRuntimeException gone
                    && gone.getStatus().getCode() == io.grpc.Status.Code.CANCELLED) {
                throw failure;
            }
            return response.setError(errors.toStatus(failure)).build();
        }
    }

    /** What does not know of which call it is asks the thread. */
    private static <A> A within(CallContext call, Callable<A> work) {
        try {
            return call.attachedTo(Context.current()).call(work);
        } catch (RuntimeException unchecked) {
            throw unchecked;
        } catch (Exception impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
