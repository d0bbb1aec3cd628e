package dev.assize.server.storage.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import dev.assize.server.anchor.OutsideUnavailableException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where no key is given, what is asked for one. */
class S3SurroundingsTest {

    @TempDir
    private Path directory;

    private final Map<String, @Nullable String> before = new HashMap<>();
    private final AtomicInteger asked = new AtomicInteger();
    private HttpServer metadata;
    private S3TestServer server;

    @BeforeEach
    void start() throws Exception {
        assumeTrue(System.getenv().keySet().stream()
                .noneMatch(name -> name.equals("AWS_ACCESS_KEY_ID") || name.startsWith("AWS_CONTAINER_")));
        server = S3TestServer.start();
        metadata = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        metadata.createContext("/", exchange -> {
            asked.incrementAndGet();
            exchange.sendResponseHeaders(404, -1);
            exchange.close();
        });
        metadata.start();
        set(
                "aws.ec2MetadataServiceEndpoint",
                "http://127.0.0.1:" + metadata.getAddress().getPort());
        set("aws.sharedCredentialsFile", directory.resolve("none").toString());
        set("aws.configFile", directory.resolve("none").toString());
    }

    @AfterEach
    void stop() {
        before.forEach((name, value) -> {
            if (value == null) {
                System.clearProperty(name);
            } else {
                System.setProperty(name, value);
            }
        });
        metadata.stop(0);
        server.close();
    }

    @Test
    void theMetadataServiceIsAskedOnlyWhereTheOperatorSaysSo() {
        assertThatThrownBy(() -> read(false)).isInstanceOf(OutsideUnavailableException.class);
        assertThat(asked).hasValue(0);
        assertThatThrownBy(() -> read(true)).isInstanceOf(OutsideUnavailableException.class);
        assertThat(asked).hasPositiveValue();
        assertThat(server.requests()).isEmpty();
    }

    @Test
    void takesTheKeyThatTheSurroundingsHave() {
        set("aws.accessKeyId", S3TestServer.KEY_ID);
        set("aws.secretAccessKey", S3TestServer.SECRET);
        read(false);
        assertThat(server.requests()).hasSize(1);
        assertThat(asked).hasValue(0);
    }

    private void read(boolean ofInstance) {
        S3Place place = new S3Place(
                S3TestServer.BUCKET,
                "surroundings/",
                "eu-central-1",
                server.endpoint(),
                true,
                new S3Place.Credentials.OfSurroundings(ofInstance),
                Duration.ofSeconds(2));
        try (S3OutsideStore store = new S3OutsideStore(place)) {
            assertThat(store.read("anchor")).isEmpty();
        }
    }

    private void set(String name, String value) {
        before.put(name, System.getProperty(name));
        System.setProperty(name, value);
    }
}
