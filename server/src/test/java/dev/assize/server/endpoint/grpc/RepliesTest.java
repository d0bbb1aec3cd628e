package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

class RepliesTest {

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final Replies replies = new Replies(new ErrorMapper(new GrpcMetrics(meters)));

    /** What answers a call that was cut off finds that the threads of its connection have ended, which is no error of ours. */
    @Test
    void answersNobodyWhereTheServerHasEndedMeanwhile() {
        Gone gone = new Gone();

        assertThatCode(() -> replies.reply(gone, () -> "an answer")).doesNotThrowAnyException();
        assertThatCode(() -> replies.reply(gone, () -> {
                    throw Status.UNAVAILABLE.asRuntimeException();
                }))
                .doesNotThrowAnyException();
        assertThatCode(() -> replies.fail(gone, Status.CANCELLED.asRuntimeException()))
                .doesNotThrowAnyException();

        assertThat(gone.tried).containsExactly("an answer", "UNAVAILABLE", "CANCELLED");
        assertThat(meters.get("assize.rpc.internal.errors").counter().count()).isZero();
    }

    private static final class Gone implements StreamObserver<String> {

        private final List<String> tried = new ArrayList<>();

        @Override
        public void onNext(String answer) {
            throw ended(answer);
        }

        @Override
        public void onError(Throwable failure) {
            throw ended(Status.fromThrowable(failure).getCode().name());
        }

        @Override
        public void onCompleted() {
            throw ended("completed");
        }

        private RejectedExecutionException ended(String what) {
            tried.add(what);
            return new RejectedExecutionException("event executor terminated");
        }
    }
}
