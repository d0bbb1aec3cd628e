package dev.assize.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.WatchDecisionResponse;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WatchTest {

    private final FakeAssize server = new FakeAssize();
    private final AssizeClient client =
            server.client(AssizeClient.builder().tenant("acme").env("production"));
    private final BlockingQueue<CheckResult> heard = new LinkedBlockingQueue<>();

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void deniesAtOnceWhereTheStreamBreaksAndListensAgain() throws Exception {
        try (DecisionWatch _ = client.watch(question(), heard::add)) {
            server.watchers.take().onNext(answer(Decision.DECISION_ALLOW, Reason.REASON_ALLOWED));
            assertThat(next().allowed()).isTrue();

            server.lastWatcher.onError(Status.UNAVAILABLE.asRuntimeException());
            CheckResult broken = next();
            assertThat(broken.allowed()).isFalse();
            assertThat(broken.error()).isPresent();

            server.watchers.take().onNext(answer(Decision.DECISION_ALLOW, Reason.REASON_ALLOWED));
            assertThat(next().allowed()).isTrue();
        }
    }

    @Test
    void deniesWhereTheServerIsSilentForTooLong() throws Exception {
        try (DecisionWatch _ = client.watch(question(), Duration.ofMillis(200), heard::add)) {
            server.watchers.take().onNext(answer(Decision.DECISION_ALLOW, Reason.REASON_ALLOWED));
            assertThat(next().allowed()).isTrue();
            assertThat(next().allowed()).isFalse();
            assertThat(server.watchers.take()).isNotNull();
        }
    }

    @Test
    void tellsWhatTheServerSays() throws Exception {
        try (DecisionWatch _ = client.watch(question(), heard::add)) {
            server.watchers.take().onNext(answer(Decision.DECISION_ALLOW, Reason.REASON_ALLOWED));
            assertThat(next().allowed()).isTrue();
            server.lastWatcher.onNext(answer(Decision.DECISION_DENY, Reason.REASON_FROZEN));
            assertThat(next().allowed()).isFalse();
            assertThat(server.watched.getFirst().getCheck().getTenant()).isEqualTo("acme");
            assertThat(server.watched.getFirst().getCheck().getEnv()).isEqualTo("production");
        }
    }

    private static Question question() {
        return Question.of("agent:x", "vault:1", "read");
    }

    private static WatchDecisionResponse answer(Decision decision, Reason reason) {
        return WatchDecisionResponse.newBuilder()
                .setResponse(CheckResponse.newBuilder()
                        .setDecision(decision)
                        .setReason(reason)
                        .setDecisionId("d")
                        .setValidUntil(
                                Timestamp.newBuilder().setSeconds(Instant.now().getEpochSecond())))
                .build();
    }

    private CheckResult next() throws InterruptedException {
        CheckResult next = heard.poll(30, TimeUnit.SECONDS);
        assertThat(next).isNotNull();
        return next;
    }
}
