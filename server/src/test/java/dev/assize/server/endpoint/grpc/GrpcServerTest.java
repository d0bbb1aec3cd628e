package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.model.Reason;
import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How the gRPC port treats connections, and how it stops. */
@Timeout(60)
class GrpcServerTest {

    private static final int ENHANCE_YOUR_CALM = 11;

    @TempDir
    Path directory;

    @Test
    void cutsOffWhoPingsMoreOftenThanItMay() throws Exception {
        try (GrpcFixture door = door(GrpcConfig.Connections.DEFAULT, Duration.ZERO);
                GrpcServer server = started(door);
                RawConnection connection = new RawConnection(server.port())) {
            for (int i = 0; i < 5; i++) {
                connection.ping();
            }
            GoAway end = connection.awaitGoAway();
            assertThat(end.code()).isEqualTo(ENHANCE_YOUR_CALM);
            assertThat(end.reason()).isEqualTo("too_many_pings");
        }
    }

    @Test
    void letsCallersPingAsOftenAsTheyLikeWhereThatIsTheConfiguration() throws Exception {
        try (GrpcFixture door = door(new GrpcConfig.Connections(Duration.ZERO, Duration.ZERO), Duration.ZERO);
                GrpcServer server = started(door);
                RawConnection connection = new RawConnection(server.port())) {
            for (int i = 0; i < 20; i++) {
                connection.ping();
                connection.awaitPong();
            }
        }
    }

    @Test
    void endsAConnectionInGoodOrderWhenItHasItsAge() throws Exception {
        try (GrpcFixture door = door(new GrpcConfig.Connections(Duration.ZERO, Duration.ofSeconds(1)), Duration.ZERO);
                GrpcServer server = started(door);
                RawConnection connection = new RawConnection(server.port())) {
            GoAway end = connection.awaitGoAway();
            assertThat(end.code()).isZero();
            assertThat(end.reason()).isEqualTo("max_age");
        }
    }

    @Test
    void saysOfEachServiceWhetherItServes() {
        try (GrpcFixture door = door(GrpcConfig.Connections.DEFAULT, Duration.ZERO);
                GrpcServer server = door.injector.getInstance(GrpcServer.class)) {
            server.open();
            server.serving(false, false);
            ManagedChannel channel = channel(server);
            assertThat(statuses(channel)).containsOnly(ServingStatus.NOT_SERVING);
            server.serving(true, true);
            assertThat(statuses(channel)).containsOnly(ServingStatus.SERVING);
            server.serving(true, false);
            assertThat(statuses(channel))
                    .containsExactly(ServingStatus.NOT_SERVING, ServingStatus.SERVING, ServingStatus.NOT_SERVING);
            server.serving(false, true);
            assertThat(statuses(channel)).containsOnly(ServingStatus.NOT_SERVING);
            channel.shutdownNow();
        }
    }

    @Test
    void whenItStopsSaysSoFirstThenSendsCallersAwayAndLetsCallsUnderWayEnd() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        try (GrpcFixture door = door(GrpcConfig.Connections.DEFAULT, Duration.ofSeconds(1))) {
            GrpcServer server = started(door);
            int port = server.port();
            door.decisions.answer(query -> {
                asked.countDown();
                await(goOn);
                return Reason.ALLOWED;
            });
            ManagedChannel channel = channel(server);
            Statuses heard = new Statuses();
            HealthGrpc.newStub(channel).watch(HealthCheckRequest.getDefaultInstance(), heard);
            assertThat(heard.next()).isEqualTo(ServingStatus.SERVING);
            // Compressed, so that it is not on the event loop, which it would keep.
            Future<CheckResponse> underWay = door.with(DecisionServiceGrpc.newFutureStub(channel), door.admin)
                    .withCompression("gzip")
                    .check(question());
            asked.await();

            Thread stop = Thread.ofVirtual().start(server::close);
            assertThat(heard.next()).isEqualTo(ServingStatus.NOT_SERVING);
            assertThat(status(channel, "")).isEqualTo(ServingStatus.NOT_SERVING);
            heard.cancel();
            awaitNobodyAt(port);
            goOn.countDown();
            assertThat(underWay.get().getDecision()).isEqualTo(Decision.DECISION_ALLOW);
            stop.join();
            channel.shutdownNow();
        }
    }

    @Test
    void refusesMessagesAndHeadersBeyondTheirBounds() {
        GrpcConfig usual = GrpcConfig.defaults();
        int bytes = 64 * 1_024;
        GrpcConfig narrow = new GrpcConfig(
                usual.host(), 0, null, usual.reflection(), bytes, 2_048, Duration.ZERO, usual.stopTimeout());
        try (GrpcFixture door = new GrpcFixture(directory, narrow);
                GrpcServer server = started(door)) {
            ManagedChannel channel = channel(server);
            DecisionServiceGrpc.DecisionServiceBlockingStub stub =
                    door.with(DecisionServiceGrpc.newBlockingStub(channel), door.admin);
            Refusal.of(() -> stub.check(ofBytes(bytes))).is(ErrorReason.REQUEST_INVALID);
            assertThat(code(() -> stub.check(ofBytes(bytes + 1)))).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);

            assertThat(stub.withInterceptors(padded(1_000)).check(question()).getDecision())
                    .isEqualTo(Decision.DECISION_ALLOW);
            assertThat(code(() -> stub.withInterceptors(padded(2_048)).check(question())))
                    .isNotEqualTo(Status.Code.OK);
            assertThat(stub.check(question()).getDecision()).isEqualTo(Decision.DECISION_ALLOW);
            channel.shutdownNow();
        }
    }

    /** A check of this size, encoded. */
    private static CheckRequest ofBytes(int size) {
        CheckRequest.Builder request = question().toBuilder().setEnv("x".repeat(60_000));
        return request.setEnv("x".repeat(60_000 + size - request.build().getSerializedSize()))
                .build();
    }

    private static ClientInterceptor padded(int bytes) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("padding", Metadata.ASCII_STRING_MARSHALLER), "x".repeat(bytes));
        return MetadataUtils.newAttachHeadersInterceptor(headers);
    }

    private static Status.Code code(Runnable call) {
        try {
            call.run();
            return Status.Code.OK;
        } catch (StatusRuntimeException failure) {
            return failure.getStatus().getCode();
        }
    }

    private static CheckRequest question() {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject("user:alice")
                .setResource("doc:1")
                .setAction("read")
                .build();
    }

    private GrpcFixture door(GrpcConfig.Connections connections, Duration drainDelay) {
        GrpcConfig usual = GrpcConfig.defaults();
        return new GrpcFixture(
                directory,
                new GrpcConfig(
                        usual.host(),
                        0,
                        null,
                        usual.reflection(),
                        usual.maxRequestBytes(),
                        usual.maxMetadataBytes(),
                        drainDelay,
                        usual.stopTimeout(),
                        null,
                        Duration.ZERO,
                        connections));
    }

    private static GrpcServer started(GrpcFixture door) {
        GrpcServer server = door.injector.getInstance(GrpcServer.class);
        server.start();
        return server;
    }

    private static ManagedChannel channel(GrpcServer server) {
        return ManagedChannelBuilder.forAddress("127.0.0.1", server.port())
                .usePlaintext()
                .build();
    }

    /** Of the server in total, of decisions, of ledgers. */
    private static List<ServingStatus> statuses(ManagedChannel channel) {
        return List.of(
                status(channel, ""),
                status(channel, DecisionServiceGrpc.SERVICE_NAME),
                status(channel, LedgerServiceGrpc.SERVICE_NAME));
    }

    private static ServingStatus status(ManagedChannel channel, String service) {
        return HealthGrpc.newBlockingStub(channel)
                .check(HealthCheckRequest.newBuilder().setService(service).build())
                .getStatus();
    }

    /** Until no new connection is taken. */
    private static void awaitNobodyAt(int port) {
        assertThatThrownBy(() -> {
                    while (true) {
                        new Socket(InetAddress.getLoopbackAddress(), port).close();
                    }
                })
                .isInstanceOf(IOException.class);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What a watch of health hears. */
    private static final class Statuses implements ClientResponseObserver<HealthCheckRequest, HealthCheckResponse> {

        private final BlockingQueue<ServingStatus> heard = new LinkedBlockingQueue<>();
        private @Nullable ClientCallStreamObserver<HealthCheckRequest> call;

        @Override
        public void beforeStart(ClientCallStreamObserver<HealthCheckRequest> started) {
            call = started;
        }

        @Override
        public void onNext(HealthCheckResponse response) {
            heard.add(response.getStatus());
        }

        @Override
        public void onError(Throwable failure) {
            assertThat(failure)
                    .isInstanceOfSatisfying(
                            StatusRuntimeException.class,
                            it -> assertThat(it.getStatus().getCode()).isEqualTo(Status.Code.CANCELLED));
        }

        @Override
        public void onCompleted() {}

        @Nullable
        ServingStatus next() throws InterruptedException {
            return heard.poll(20, TimeUnit.SECONDS);
        }

        void cancel() {
            if (call != null) {
                call.cancel("heard enough", null);
            }
        }
    }

    /** The end of a connection, as the server says it. */
    private record GoAway(int code, String reason) {}

    /** A caller that speaks just enough HTTP/2 to ping. */
    private static final class RawConnection implements AutoCloseable {

        private static final int SETTINGS = 4;
        private static final int PING = 6;
        private static final int GOAWAY = 7;

        private final Socket socket;
        private final OutputStream out;
        private final DataInputStream in;

        RawConnection(int port) throws IOException {
            socket = new Socket(InetAddress.getLoopbackAddress(), port);
            out = socket.getOutputStream();
            in = new DataInputStream(socket.getInputStream());
            out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            send(SETTINGS, new byte[0]);
        }

        void ping() throws IOException {
            send(PING, new byte[8]);
        }

        void awaitPong() throws IOException {
            List<Integer> others = new ArrayList<>();
            for (int type = next().type(); type != PING; type = next().type()) {
                others.add(type);
            }
            assertThat(others).doesNotContain(GOAWAY);
        }

        GoAway awaitGoAway() throws IOException {
            Frame frame = next();
            while (frame.type() != GOAWAY) {
                frame = next();
            }
            ByteBuffer payload = ByteBuffer.wrap(frame.payload());
            payload.getInt();
            int code = payload.getInt();
            return new GoAway(code, StandardCharsets.UTF_8.decode(payload).toString());
        }

        private void send(int type, byte[] payload) throws IOException {
            out.write(ByteBuffer.allocate(9 + payload.length)
                    .put((byte) 0)
                    .putShort((short) payload.length)
                    .put((byte) type)
                    .put((byte) 0)
                    .putInt(0)
                    .put(payload)
                    .array());
            out.flush();
        }

        private Frame next() throws IOException {
            int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
            int type = in.readUnsignedByte();
            in.readUnsignedByte();
            in.readInt();
            return new Frame(type, in.readNBytes(length));
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }

        private record Frame(int type, byte[] payload) {}
    }
}
