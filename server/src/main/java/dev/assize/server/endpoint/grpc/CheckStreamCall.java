package dev.assize.server.endpoint.grpc;

import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.endpoint.call.Gate;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.prompt.WouldWaitException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One CheckStream: asks for the next request when the transport has taken the last answer, so that what is in flight is one
 * request, and what the transport holds. Who may not ask is refused for good; what cannot be decided fails alone.
 */
final class CheckStreamCall implements StreamObserver<MessageBytes> {

    static final int CORRELATION_BYTES = 128;

    /** Messages that are answered in one turn of the event loop, of those that cost next to nothing. */
    static final int PROMPT_MESSAGES = 64;

    private final PlainChecks plain;
    private final PlainStreamRequest plainRequest = new PlainStreamRequest();
    private final Checks checks;
    private final Gate gate;
    private final ErrorMapper errors;
    private final Replies replies;
    private final ServerCallStreamObserver<MessageBytes> stream;
    private final Executor elsewhere;

    /** What the door found out: it stays, and is not looked up for each message. */
    private final CallContext call = CallContext.current();

    // Callbacks of one call come one after the other: no guard is needed.
    private boolean ended;
    private boolean waiting;

    /** Steps of this turn of the event loop. */
    private int turn;

    CheckStreamCall(
            PlainChecks plain,
            Checks checks,
            Gate gate,
            ErrorMapper errors,
            Replies replies,
            ServerCallStreamObserver<MessageBytes> stream,
            Executor elsewhere) {
        this.plain = plain;
        this.checks = checks;
        this.gate = gate;
        this.errors = errors;
        this.replies = replies;
        this.stream = stream;
        this.elsewhere = elsewhere;
    }

    /** To be called while the call's handler runs. */
    CheckStreamCall start() {
        stream.disableAutoRequest();
        stream.setOnCancelHandler(() -> ended = true);
        stream.setOnReadyHandler(() -> {
            if (waiting && stream.isReady()) {
                waiting = false;
                next();
            }
        });
        stream.request(1);
        return this;
    }

    @Override
    public void onNext(MessageBytes request) {
        if (ended) {
            return;
        }
        try {
            request.requireTimeToRead();
            MessageBytes answer = plainAnswer(request.bytes());
            stream.onNext(answer == null ? MessageBytes.of(answer(request.as(CheckStreamRequest.parser()))) : answer);
        } catch (WouldWaitException later) {
            throw later;
        } catch (RuntimeException | Error failure) {
            ended = true;
            replies.fail(stream, failure);
            return;
        }
        turn = Prompt.isRequired() ? turn + Math.max(Prompt.STEPS / PROMPT_MESSAGES, Prompt.spent()) : 0;
        if (stream.isReady()) {
            next();
        } else {
            waiting = true;
        }
    }

    /**
     * Asks for the next request. Where that is asked for on the event loop it is answered before the loop goes on, if it is
     * there already; so now and then it is asked for elsewhere, and the loop serves others first.
     */
    private void next() {
        if (turn < Prompt.STEPS) {
            stream.request(1);
        } else {
            turn = 0;
            elsewhere.execute(() -> stream.request(1));
        }
    }

    @Override
    public void onError(Throwable cancelled) {
        ended = true;
    }

    @Override
    public void onCompleted() {
        if (!ended) {
            ended = true;
            stream.onCompleted();
        }
    }

    /** Null where it is to be answered as a message. */
    private @Nullable MessageBytes plainAnswer(byte[] request) {
        if (!plainRequest.read(request)) {
            return null;
        }
        gate.requireCredential(call);
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
            return MessageBytes.of(plainRequest.failed(request, errors.toStatus(failure)));
        }
        return answer == null ? null : plainRequest.answered(request, answer.bytes());
    }

    private CheckStreamResponse answer(CheckStreamRequest request) {
        gate.requireCredential(call);
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
                    && gone.getStatus().getCode() == Status.Code.CANCELLED) {
                throw failure;
            }
            return response.setError(errors.toStatus(failure)).build();
        }
    }
}
