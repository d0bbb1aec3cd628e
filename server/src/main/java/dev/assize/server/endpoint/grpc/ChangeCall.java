package dev.assize.server.endpoint.grpc;

import io.grpc.stub.StreamObserver;

/** A change that comes in parts: each is taken as it comes, and the whole is answered at the end. */
abstract class ChangeCall<Q, A> implements StreamObserver<Q> {

    private final Replies replies;
    private final StreamObserver<A> observer;

    /** Once refused, what still comes in is not looked at. */
    private boolean ended;

    ChangeCall(Replies replies, StreamObserver<A> observer) {
        this.replies = replies;
        this.observer = observer;
    }

    /** Takes a part; what it throws refuses the whole. */
    abstract void take(Q part);

    /** What becomes of all parts. */
    abstract A answer();

    @Override
    public final void onNext(Q part) {
        if (ended) {
            return;
        }
        try {
            take(part);
        } catch (RuntimeException | Error failure) {
            ended = true;
            replies.fail(observer, failure);
        }
    }

    @Override
    public final void onError(Throwable cancelled) {
        ended = true;
    }

    @Override
    public final void onCompleted() {
        if (!ended) {
            ended = true;
            replies.reply(observer, this::answer);
        }
    }
}
