package dev.assize.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Error;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Exception;
import io.grpc.protobuf.StatusProto;
import java.net.SocketException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RetriesTest {

    private static final long A_SECOND = Duration.ofSeconds(1).toNanos();

    @Test
    void nothingIsTriedAgainThatTheServerHasAnswered() {
        for (Status.Code code : Status.Code.values()) {
            if (code != Status.Code.UNAVAILABLE) {
                assertThat(Retries.waitAfter(1, code.toStatus().asRuntimeException(), A_SECOND))
                        .as(code.name())
                        .isEmpty();
            }
        }
    }

    @Test
    void whatTheTransportFailedWithIsTriedAgainAndWhatTheServerSaidIsNot() {
        Exception reset = new Http2Exception(Http2Error.INTERNAL_ERROR, "Stream closed before write could take place");
        for (Throwable broken : List.of(reset, new ClosedChannelException(), new SocketException("Connection reset"))) {
            for (Status status : List.of(Status.INTERNAL, Status.UNKNOWN)) {
                Throwable failure =
                        status.withCause(new IllegalStateException(broken)).asRuntimeException();
                assertThat(Retries.waitAfter(1, failure, A_SECOND)).isPresent();
                assertThat(AssizeException.of(failure).failure()).isEqualTo(Failure.UNAVAILABLE);
                assertThat(Retries.waitAfter(Retries.MOST_TRIES, failure, A_SECOND))
                        .isEmpty();
            }
            Throwable denied = Status.PERMISSION_DENIED.withCause(broken).asRuntimeException();
            assertThat(AssizeException.of(denied).failure()).isEqualTo(Failure.PERMISSION_DENIED);
        }
        Throwable unreadable = Status.INTERNAL
                .withCause(new InvalidProtocolBufferException("no message"))
                .asRuntimeException();
        assertThat(Retries.waitAfter(1, unreadable, A_SECOND)).isEmpty();
    }

    @Test
    void threeTriesAreAll() {
        List<Duration> tries = new ArrayList<>();
        assertThatThrownBy(() -> Retries.within(Duration.ofSeconds(20), left -> {
                    tries.add(left);
                    throw unavailable(new Metadata());
                }))
                .isInstanceOf(StatusRuntimeException.class);
        assertThat(tries).hasSize(Retries.MOST_TRIES);
        assertThat(tries.get(2)).isLessThan(tries.get(0));
    }

    @Test
    void noTryBeginsBeyondTheDeadline() {
        assertThat(Retries.waitAfter(
                        1, unavailable(new Metadata()), Duration.ofMillis(1).toNanos()))
                .isEmpty();
        assertThat(Retries.waitAfter(1, unavailable(pushback("1000")), A_SECOND))
                .isEmpty();
        assertThat(Retries.waitAfter(1, unavailable(pushback("999")), A_SECOND)).contains(Duration.ofMillis(999));
    }

    @Test
    void theServerSaysWhetherAndWhen() {
        assertThat(Retries.waitAfter(1, unavailable(pushback("-1")), A_SECOND)).isEmpty();
        assertThat(Retries.waitAfter(1, unavailable(pushback("soon")), A_SECOND))
                .isEmpty();
        assertThat(Retries.waitAfter(1, unavailable(pushback("0")), A_SECOND)).contains(Duration.ZERO);
        StatusRuntimeException informed = StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.UNAVAILABLE.value())
                .addDetails(Any.pack(RetryInfo.newBuilder()
                        .setRetryDelay(com.google.protobuf.Duration.newBuilder().setNanos(300_000_000))
                        .build()))
                .build());
        assertThat(Retries.waitAfter(1, informed, A_SECOND)).contains(Duration.ofMillis(300));
    }

    @Test
    void pausesGrowAndDiffer() {
        for (int i = 0; i < 100; i++) {
            assertThat(Retries.waitAfter(1, unavailable(new Metadata()), A_SECOND)
                            .orElseThrow())
                    .isBetween(Duration.ofMillis(20), Duration.ofMillis(40));
            assertThat(Retries.waitAfter(2, unavailable(new Metadata()), A_SECOND)
                            .orElseThrow())
                    .isBetween(Duration.ofMillis(40), Duration.ofMillis(80));
        }
    }

    private static StatusRuntimeException unavailable(Metadata trailers) {
        return Status.UNAVAILABLE.asRuntimeException(trailers);
    }

    private static Metadata pushback(String value) {
        Metadata trailers = new Metadata();
        trailers.put(Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER), value);
        return trailers;
    }
}
