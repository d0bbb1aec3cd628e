package dev.assize.server.endpoint.grpc;

import com.github.benmanes.caffeine.cache.Ticker;
import dev.assize.server.authentication.LastingKey;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.prompt.WouldWaitException;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One CheckStream of a caller who is remembered: what {@link CheckStreamCall} does behind a row of interceptors, each of which
 * would have every message pass it. Asks for the next request when the transport has taken the last answer. A request that has
 * to wait is answered on a virtual thread, which has the stream until then; all others are answered where they arrive.
 */
final class PlainStream extends ServerCall.Listener<MessageBytes> implements Runnable {

    /** Nobody but the event loop has the stream. */
    private static final int HERE = 0;

    /** A virtual thread answers a request. */
    private static final int AWAY = 1;

    /** The same, and it is the last one. */
    private static final int AWAY_WITH_THE_LAST = 2;

    private final StreamAnswers answers;
    private final ErrorMapper errors;
    private final Executor away;
    private final GrpcMetrics.Calls meters;
    private final ServerCall<MessageBytes, MessageBytes> call;
    private final CallContext context;
    private final LastingKey credential;
    private final StreamTurns turns;
    private final Ticker ticker;
    private final long begin;

    private final AtomicInteger place = new AtomicInteger(HERE);

    /** Whether the transport has to take the last answer first. */
    private final AtomicBoolean waiting = new AtomicBoolean();

    /** Set where a call is cancelled, also while it is away. */
    private volatile boolean ended;

    // Touched by whoever has the stream.
    private boolean greeted;
    private @Nullable MessageBytes request;
    private @Nullable MessageBytes answer;

    /**
     * @param away where what has to wait is answered
     * @param later where the next request is asked for once the stream has had its turn
     * @param begin of the call, as the ticker has it
     */
    PlainStream(
            StreamAnswers answers,
            ErrorMapper errors,
            Executor away,
            Executor later,
            GrpcMetrics.Calls meters,
            ServerCall<MessageBytes, MessageBytes> call,
            CallContext context,
            Ticker ticker,
            long begin) {
        this.answers = answers;
        this.errors = errors;
        this.away = away;
        this.meters = meters;
        this.call = call;
        this.context = context;
        this.credential = answers.credential(context);
        this.turns = new StreamTurns(() -> call.request(1), later);
        this.ticker = ticker;
        this.begin = begin;
    }

    @Override
    public void onMessage(MessageBytes message) {
        if (ended) {
            return;
        }
        request = message;
        try {
            Prompt.run(this);
        } catch (WouldWaitException later) {
            leave();
            return;
        } catch (RuntimeException | Error failure) {
            refuse(failure);
            return;
        }
        send();
        next();
    }

    /** Prompt work. */
    @Override
    public void run() {
        if (request != null) {
            answer = answers.answer(context, credential, request);
            turns.spent(Prompt.spent());
        }
    }

    private void leave() {
        place.set(AWAY);
        try {
            away.execute(Context.current().wrap(this::answerAway));
        } catch (RejectedExecutionException stopped) {
            refuse(Status.UNAVAILABLE.withDescription("this node is stopping").asRuntimeException());
        }
    }

    private void answerAway() {
        try {
            if (request != null) {
                answer = answers.answer(context, credential, request);
            }
            turns.begin();
            if (!ended) {
                send();
            }
        } catch (RuntimeException | Error failure) {
            refuse(failure);
            return;
        }
        if (place.compareAndSet(AWAY, HERE)) {
            next();
        } else {
            complete();
        }
    }

    private void send() {
        MessageBytes answered = answer;
        request = null;
        answer = null;
        if (answered == null) {
            return;
        }
        if (!greeted) {
            greeted = true;
            call.sendHeaders(new Metadata());
        }
        call.sendMessage(answered);
    }

    private void next() {
        if (!call.isReady()) {
            waiting.set(true);
            // It may have become so before anybody could tell that it is waited for.
            if (!call.isReady() || !waiting.compareAndSet(true, false)) {
                return;
            }
        }
        if (!ended) {
            turns.next();
        }
    }

    @Override
    public void onReady() {
        if (call.isReady() && waiting.compareAndSet(true, false) && !ended) {
            turns.next();
        }
    }

    @Override
    public void onHalfClose() {
        if (!place.compareAndSet(AWAY, AWAY_WITH_THE_LAST)) {
            complete();
        }
    }

    @Override
    public void onCancel() {
        ended = true;
    }

    private void complete() {
        if (!ended) {
            close(Status.OK, new Metadata());
        }
    }

    private void refuse(Throwable failure) {
        if (ended) {
            return;
        }
        // What is logged of it is this call's.
        context.attachedTo(Context.current()).run(() -> {
            StatusRuntimeException refusal = errors.toException(failure);
            Metadata trailers = refusal.getTrailers();
            close(refusal.getStatus(), trailers == null ? new Metadata() : trailers);
        });
    }

    private void close(Status status, Metadata trailers) {
        ended = true;
        meters.called(status.getCode(), ticker.read() - begin);
        call.close(status, trailers);
    }
}
