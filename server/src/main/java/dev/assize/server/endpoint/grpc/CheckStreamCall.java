package dev.assize.server.endpoint.grpc;

import dev.assize.server.authentication.LastingKey;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.prompt.WouldWaitException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Executor;

/**
 * One CheckStream: asks for the next request when the transport has taken the last answer, so that what is in flight is one
 * request, and what the transport holds. Who may not ask is refused for good; what cannot be decided fails alone. {@link
 * PlainStream} is the same for a caller who is remembered.
 */
final class CheckStreamCall implements StreamObserver<MessageBytes> {

    private final StreamAnswers answers;
    private final Replies replies;
    private final ServerCallStreamObserver<MessageBytes> stream;
    private final StreamTurns turns;

    /** What the door found out: it stays, and is not looked up for each message. */
    private final CallContext call = CallContext.current();

    private final LastingKey credential;

    // Callbacks of one call come one after the other: no guard is needed.
    private boolean ended;
    private boolean waiting;

    /** @param later where the next request is asked for once the stream has had its turn */
    CheckStreamCall(
            StreamAnswers answers, Replies replies, ServerCallStreamObserver<MessageBytes> stream, Executor later) {
        this.answers = answers;
        this.replies = replies;
        this.stream = stream;
        this.credential = answers.credential(call);
        this.turns = new StreamTurns(() -> stream.request(1), later);
    }

    /** To be called while the call's handler runs. */
    CheckStreamCall start() {
        stream.disableAutoRequest();
        stream.setOnCancelHandler(() -> ended = true);
        stream.setOnReadyHandler(() -> {
            if (waiting && stream.isReady()) {
                waiting = false;
                turns.next();
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
            stream.onNext(answers.answer(call, credential, request));
        } catch (WouldWaitException later) {
            throw later;
        } catch (RuntimeException | Error failure) {
            ended = true;
            replies.fail(stream, failure);
            return;
        }
        if (Prompt.isRequired()) {
            turns.spent(Prompt.spent());
        } else {
            turns.begin();
        }
        if (stream.isReady()) {
            turns.next();
        } else {
            waiting = true;
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
}
