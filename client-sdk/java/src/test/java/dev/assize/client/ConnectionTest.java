package dev.assize.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.DecisionServiceGrpc;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.StreamObserver;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConnectionTest {

    private static final String PASSWORD = "of the test";

    @TempDir
    private Path directory;

    @Test
    void refusesCertificatesThatCannotBeRead() {
        assertThatThrownBy(() -> AssizeClient.builder()
                        .trustedCertificates(directory.resolve("none.crt"))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("none.crt");
    }

    @Test
    void refusesPlainTextTogetherWithTls() {
        assertThatThrownBy(() -> AssizeClient.builder()
                        .plaintext()
                        .trustedCertificates(directory.resolve("any.crt"))
                        .build())
                .hasMessageContaining("both plain text and TLS");
    }

    @Test
    void aVariableThatIsEmptyHoldsNoKey() {
        assertThat(Connection.keyOfEnvironment(null)).isNull();
        assertThat(Connection.keyOfEnvironment(" ")).isNull();
        assertThat(Connection.keyOfEnvironment("asz_a_b\n")).isEqualTo("asz_a_b");
    }

    @Test
    void showsItsCertificateToAServerThatWantsOne() throws Exception {
        makeCertificate("server");
        makeCertificate("client");
        makeCertificate("stranger");
        Server server = Grpc.newServerBuilderForPort(
                        0,
                        TlsServerCredentials.newBuilder()
                                .keyManager(
                                        file("server.crt").toFile(),
                                        file("server.key").toFile())
                                .trustManager(file("client.crt").toFile())
                                .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
                                .build())
                .addService(new AllowsEverything())
                .build()
                .start();
        try {
            assertThat(allowed(tls(server))).isFalse();
            assertThat(allowed(tls(server).clientCertificate(file("stranger.crt"), file("stranger.key"))))
                    .isFalse();
            assertThat(allowed(tls(server)
                            .clientCertificate(file("client.crt"), file("client.key"))
                            .serverName("elsewhere.test")))
                    .isFalse();
            assertThat(allowed(tls(server).clientCertificate(file("client.crt"), file("client.key"))))
                    .isTrue();
        } finally {
            server.shutdownNow();
        }
    }

    @Test
    void goesThroughAUnixSocket() throws Exception {
        Assumptions.assumeTrue(Epoll.isAvailable(), "Unix sockets are tested with epoll, which is not here");
        Path socket = directory.resolve("s");
        EventLoopGroup threads = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        Server server = NettyServerBuilder.forAddress(
                        new DomainSocketAddress(socket.toString()), InsecureServerCredentials.create())
                .channelType(EpollServerDomainSocketChannel.class)
                .bossEventLoopGroup(threads)
                .workerEventLoopGroup(threads)
                .addService(new AllowsEverything())
                .build()
                .start();
        try {
            assertThat(allowed(AssizeClient.builder().target("unix:" + socket).plaintext()))
                    .isTrue();
        } finally {
            server.shutdownNow();
            var _ = threads.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }

    private AssizeClient.Builder tls(Server server) {
        return AssizeClient.builder()
                .target("127.0.0.1:" + server.getPort())
                .trustedCertificates(file("server.crt"))
                .serverName("assize.test");
    }

    private static boolean allowed(AssizeClient.Builder builder) {
        try (AssizeClient client =
                builder.tenant("acme").checkDeadline(Duration.ofSeconds(10)).build()) {
            return client.check("user:alice", "doc:1", "read").allowed();
        }
    }

    private Path file(String name) {
        return directory.resolve(name);
    }

    private void makeCertificate(String name) throws Exception {
        Path store = file(name + ".p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home", ""), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        name,
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=" + name,
                        "-ext",
                        "san=dns:assize.test",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD,
                        "-keystore",
                        store.toString())
                .redirectErrorStream(true)
                .redirectOutput(file("keytool.log").toFile())
                .start();
        assertThat(keytool.waitFor(1, TimeUnit.MINUTES)).isTrue();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        writePem(file(name + ".crt"), "CERTIFICATE", keys.getCertificate(name).getEncoded());
        writePem(
                file(name + ".key"),
                "PRIVATE KEY",
                keys.getKey(name, PASSWORD.toCharArray()).getEncoded());
    }

    private static void writePem(Path file, String label, byte[] content) throws Exception {
        String body = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
                .encodeToString(content);
        Files.writeString(file, "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n");
    }

    private static final class AllowsEverything extends DecisionServiceGrpc.DecisionServiceImplBase {

        @Override
        public void check(CheckRequest request, StreamObserver<CheckResponse> to) {
            to.onNext(CheckResponse.newBuilder()
                    .setDecision(Decision.DECISION_ALLOW)
                    .build());
            to.onCompleted();
        }
    }
}
