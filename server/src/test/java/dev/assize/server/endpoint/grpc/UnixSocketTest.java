package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.server.model.Reason;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.netty.bootstrap.Bootstrap;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainDatagramChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The gRPC services on a socket in the file system. */
class UnixSocketTest {

    @TempDir
    Path directory;

    @Test
    void refusesAPathThatTheSystemDoesNotTake() {
        assertThatThrownBy(() -> socket(Path.of("/" + "x".repeat(107)), "rw-------"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at most 107 bytes");
        assertThat(socket(Path.of("/" + "x".repeat(106)), "rw-------")).isNotNull();
        assertThatThrownBy(() -> socket(Path.of("/" + "d".repeat(88) + "/s"), "rw-------"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a directory of at most 88");
        assertThat(socket(Path.of("/" + "d".repeat(87) + "/s"), "rw-------")).isNotNull();
    }

    @Test
    void touchesNothingThatIsNotItsOwn() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "precious");
        assertRefused(file, "it is a file that is no socket");
        assertThat(file).hasContent("precious");

        assertRefused(directory.resolve("none/socket"), "there is no directory");

        Path taken = directory.resolve("taken");
        try (ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            other.bind(UnixDomainSocketAddress.of(taken));
            assertRefused(taken, "somebody listens there already");
        }
    }

    @Test
    void touchesNothingOfWhichItCannotTellWhetherItIsServed() throws Exception {
        assumeTrue(Epoll.isAvailable());
        Path file = directory.resolve("datagrams");
        EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        try {
            // Of another kind: who connects to it is not refused, but told that it is the wrong one.
            var _ = new Bootstrap()
                    .group(loop)
                    .channel(EpollDomainDatagramChannel.class)
                    .handler(new ChannelInboundHandlerAdapter())
                    .bind(new DomainSocketAddress(file.toFile()))
                    .sync();
            assertRefused(file, "wrong type");
            assertThat(file).exists();
        } finally {
            var _ = loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }

    @Test
    void waitsForNobodyWhoTakesThePlaceOfADeadServerToo() throws Exception {
        Path file = directory.resolve("assize.sock");
        leaveBehind(file);
        try (FileChannel lock = FileChannel.open(
                        directory.resolve("assize.sock.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock _ = lock.lock()) {
            assertRefused(file, "another server is opening it");
        }
        assertThat(file).exists();
    }

    @Test
    void servesBesideThePortWhoMayWriteToTheFile() throws Exception {
        Path file = directory.resolve("assize.sock");
        leaveBehind(file);
        try (GrpcFixture door = new GrpcFixture(directory, config(file, "rw-rw----"));
                GrpcServer server = door.injector.getInstance(GrpcServer.class)) {
            server.start();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-rw----");
            for (String target : new String[] {"unix:" + file, "127.0.0.1:" + server.port()}) {
                ManagedChannel channel = Grpc.newChannelBuilder(target, InsecureChannelCredentials.create())
                        .build();
                assertThat(door.with(DecisionServiceGrpc.newBlockingStub(channel), door.admin)
                                .check(question())
                                .getDecision())
                        .as(target)
                        .isEqualTo(Decision.DECISION_ALLOW);
                channel.shutdownNow();
            }
        }
        assertThat(file).doesNotExist();
    }

    @Test
    void leavesTheSocketOfAnotherServerThatTookItsPlace() throws Exception {
        Path file = directory.resolve("assize.sock");
        try (GrpcFixture door = new GrpcFixture(directory, config(file, "rw-------"));
                ServerSocketChannel next = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            GrpcServer server = door.injector.getInstance(GrpcServer.class);
            server.start();
            assertThat(directory.toFile().list()).noneMatch(name -> name.startsWith(".assize-"));
            Files.delete(file);
            next.bind(UnixDomainSocketAddress.of(file));
            server.close();
            assertThat(file).exists();
        }
    }

    @Test
    void leavesItsPlaceToTheNextWhileCallsAreStillUnderWay() throws Exception {
        Path file = directory.resolve("assize.sock");
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        try (GrpcFixture door = new GrpcFixture(directory, config(file, "rw-------"));
                ServerSocketChannel next = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                WatchService gone = directory.getFileSystem().newWatchService()) {
            directory.register(gone, StandardWatchEventKinds.ENTRY_DELETE);
            door.decisions.answer(query -> {
                asked.countDown();
                Uninterruptibles.awaitUninterruptibly(goOn);
                return Reason.ALLOWED;
            });
            GrpcServer server = door.injector.getInstance(GrpcServer.class);
            server.start();
            ManagedChannel channel = Grpc.newChannelBuilder("unix:" + file, InsecureChannelCredentials.create())
                    .build();
            // Compressed, so that it is not on the event loop, which it would keep.
            Future<CheckResponse> underWay = door.with(DecisionServiceGrpc.newFutureStub(channel), door.admin)
                    .withCompression("gzip")
                    .check(question());
            asked.await();

            Thread stop = Thread.ofVirtual().start(server::close);
            awaitGone(file, gone);
            assertThat(underWay.isDone()).isFalse();
            next.bind(UnixDomainSocketAddress.of(file));
            goOn.countDown();
            assertThat(underWay.get().getDecision()).isEqualTo(Decision.DECISION_ALLOW);
            stop.join();
            assertThat(file).exists();
            channel.shutdownNow();
        } finally {
            goOn.countDown();
        }
    }

    /** It has been watched from before it could go. */
    private static void awaitGone(Path file, WatchService gone) throws InterruptedException {
        while (Files.exists(file)) {
            WatchKey changes = gone.poll(10, TimeUnit.SECONDS);
            assertThat(changes).as("%s is still there", file).isNotNull();
            changes.reset();
        }
    }

    private static CheckRequest question() {
        return CheckRequest.newBuilder()
                .setTenant("acme")
                .setSubject("user:alice")
                .setResource("replay:1")
                .setAction("execute")
                .build();
    }

    private void assertRefused(Path file, String reason) {
        try (GrpcFixture door = new GrpcFixture(directory, config(file, "rw-------"));
                GrpcServer server = door.injector.getInstance(GrpcServer.class)) {
            assertThatThrownBy(server::start)
                    .isInstanceOf(GrpcStartException.class)
                    .hasMessageContaining(file.toString())
                    .hasMessageContaining("grpc.unixSocket")
                    .hasMessageContaining(reason);
        }
    }

    /** As a server that was killed does. */
    private static void leaveBehind(Path file) throws Exception {
        ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        dead.bind(UnixDomainSocketAddress.of(file));
        dead.close();
        assertThat(file).exists();
    }

    private static GrpcConfig config(Path socket, String permissions) {
        return new GrpcConfig(
                "127.0.0.1",
                0,
                null,
                GrpcConfig.Reflection.AUTHENTICATED,
                GrpcConfig.DEFAULT_MAX_REQUEST_BYTES,
                GrpcConfig.DEFAULT_MAX_METADATA_BYTES,
                Duration.ZERO,
                Duration.ofSeconds(5),
                socket(socket, permissions),
                Duration.ZERO);
    }

    private static GrpcConfig.UnixSocket socket(Path file, String permissions) {
        return new GrpcConfig.UnixSocket(file, PosixFilePermissions.fromString(permissions));
    }
}
