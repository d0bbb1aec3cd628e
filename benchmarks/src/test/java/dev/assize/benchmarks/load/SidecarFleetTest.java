package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import dev.assize.proto.v1.PlacedDocument;
import dev.assize.proto.v1.PolicyDocuments;
import dev.assize.proto.v1.PolicyServiceGrpc.PolicyServiceImplBase;
import dev.assize.proto.v1.PolicyState;
import dev.assize.proto.v1.WatchPolicyRequest;
import dev.assize.proto.v1.WatchPolicyResponse;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Streams of sidecars before a centre that says what it is told to, over real sockets. */
@Timeout(60)
class SidecarFleetTest {

    private final Centre centre = new Centre();
    private Server server;
    private SidecarFleet fleet;

    @BeforeEach
    void start() throws IOException {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(centre)
                .intercept(new Centre.Keys())
                .build()
                .start();
        fleet = new SidecarFleet("localhost:" + server.getPort(), "fleet", List.of("a", "b", "c"), 2);
    }

    @AfterEach
    void stop() throws InterruptedException {
        fleet.close();
        boolean _ = server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }

    @Test
    void eachBeginsByItsOwnKeyAndHearsOfEachChange() throws InterruptedException {
        FanOut fanOut = new FanOut(3, 2, 1);
        fleet.tell(fanOut);
        assertThat(fleet.begin(30)).isTrue();
        assertThat(centre.streams.keySet()).containsExactlyInAnyOrder("Bearer a", "Bearer b", "Bearer c");
        assertThat(fleet.documents()).isEqualTo(3);
        assertThat(fleet.bytes()).isPositive();

        centre.tell(2);
        centre.confirm();
        centre.tell(3);

        while (!fanOut.isEverywhere(1)) {
            Thread.onSpinWait();
        }
        assertThat(fanOut.missing()).isZero();
        assertThat(fleet.confirmations()).isEqualTo(3);
        assertThat(fleet.ended()).isEmpty();
    }

    @Test
    void aStreamThatEndsIsSaidToHaveEnded() throws InterruptedException {
        assertThat(fleet.begin(30)).isTrue();
        Objects.requireNonNull(centre.streams.get("Bearer b")).onError(Status.RESOURCE_EXHAUSTED.asRuntimeException());
        while (fleet.ended().isEmpty()) {
            Thread.onSpinWait();
        }
        assertThat(fleet.ended()).containsExactly("RESOURCE_EXHAUSTED");
    }

    /** Tells all that listen the same. */
    private static final class Centre extends PolicyServiceImplBase {

        private static final Context.Key<String> KEY = Context.key("key");

        private final Map<String, StreamObserver<WatchPolicyResponse>> streams = new ConcurrentHashMap<>();

        @Override
        public void watchPolicy(WatchPolicyRequest request, StreamObserver<WatchPolicyResponse> observer) {
            assertThat(request.getDocuments()).isTrue();
            observer.onNext(WatchPolicyResponse.newBuilder()
                    .setDocuments(PolicyDocuments.newBuilder().setWhole(true).addPuts(PlacedDocument.newBuilder()))
                    .build());
            streams.put(KEY.get(), observer);
            observer.onNext(state(1));
        }

        void tell(long revision) {
            streams.values().forEach(stream -> stream.onNext(state(revision)));
        }

        void confirm() {
            streams.values()
                    .forEach(stream -> stream.onNext(WatchPolicyResponse.newBuilder()
                            .setConfirmedAt(Timestamp.getDefaultInstance())
                            .build()));
        }

        private static WatchPolicyResponse state(long revision) {
            return WatchPolicyResponse.newBuilder()
                    .setState(PolicyState.newBuilder()
                            .setRevision(revision)
                            .setPolicyDigest(ByteString.copyFromUtf8("digest " + revision)))
                    .build();
        }

        /** Remembers by which key a call came. */
        private static final class Keys implements ServerInterceptor {

            @Override
            public <Q, R> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                String key = headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER));
                return Contexts.interceptCall(
                        Context.current().withValue(KEY, String.valueOf(key)), call, headers, next);
            }
        }
    }
}
