package dev.assize.server.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.OutsideStore.Versioned;
import dev.assize.server.anchor.OutsideStoreContract;
import dev.assize.server.anchor.OutsideUnavailableException;
import dev.assize.server.storage.s3.LosingNetwork.Loss;
import dev.assize.server.testing.InMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The outside copy in a store that others wrote. Skipped where there is none; `.ci/s3` builds one. */
class ForeignS3OutsideStoreTest extends OutsideStoreContract {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    @TempDir(factory = InMemory.class)
    private static Path directory;

    private static @Nullable ForeignS3 server;

    private final ConcurrentLinkedQueue<S3OutsideStore> opened = new ConcurrentLinkedQueue<>();
    private final LosingNetwork network =
            new LosingNetwork(requireNonNull(server).endpoint());
    private final S3Place place = ForeignS3.behind(network, directory);

    @BeforeAll
    static void start() throws IOException {
        server = ForeignS3.startOrSkip(directory);
    }

    @AfterAll
    static void stop() {
        if (server != null) {
            server.close();
        }
    }

    @AfterEach
    void close() {
        opened.forEach(S3OutsideStore::close);
        network.close();
    }

    @Override
    protected OutsideStore open() {
        return open(place);
    }

    private S3OutsideStore open(S3Place at) {
        S3OutsideStore store = new S3OutsideStore(at);
        opened.add(store);
        return store;
    }

    @Test
    void losesASwapWhereSomebodyElsesHeadIsThere() {
        OutsideStore one = open();
        OutsideStore other = open();
        String first = one.replace("anchor", null, bytes("1")).orElseThrow();
        assertThat(other.replace("anchor", null, bytes("2"))).as("there is one").isEmpty();
        String second = other.replace("anchor", first, bytes("2")).orElseThrow();
        assertThat(one.replace("anchor", first, bytes("3"))).as("it is another").isEmpty();
        assertThat(one.read("anchor")).hasValueSatisfying(it -> {
            assertThat(it.version()).isEqualTo(second);
            assertThat(it.content()).isEqualTo(bytes("2"));
        });
        one.remove("anchor");
        assertThat(one.replace("anchor", second, bytes("3"))).as("it is gone").isEmpty();
        assertThat(one.read("anchor")).isEmpty();
    }

    @Test
    void knowsItsOwnWriteWhereTheAnswerIsLost() {
        S3OutsideStore store = open(place);
        String version = store.replace("anchor", null, bytes("0")).orElseThrow();
        for (int lost = 1; lost <= 4; lost++) {
            network.lose(Collections.nCopies(lost, Loss.ANSWER));
            byte[] content = bytes("" + lost);
            version = store.replace("anchor", version, content).orElseThrow();
            network.lose(List.of());
            Versioned there = store.read("anchor").orElseThrow();
            assertThat(there.version()).isEqualTo(version);
            assertThat(there.content()).isEqualTo(content);
        }
        network.lose(List.of(Loss.REQUEST));
        assertThat(store.replace("anchor", version, bytes("tried again"))).isPresent();
    }

    @Test
    void isUnavailableWhereAWriteDoesNotArrive() {
        S3OutsideStore store = open(place);
        String first = store.replace("anchor", null, bytes("1")).orElseThrow();
        network.lose(Collections.nCopies(8, Loss.REQUEST));
        assertThatThrownBy(() -> store.replace("anchor", first, bytes("2")))
                .isInstanceOf(OutsideUnavailableException.class)
                .hasMessageContaining("cannot write anchor in s3://heads/test-");
        network.lose(List.of());
        assertThat(store.read("anchor").map(Versioned::content)).hasValue(bytes("1"));
        assertThat(store.replace("anchor", first, bytes("2"))).isPresent();
    }

    @Test
    void saysWhatIsWrongWithTheAccountAndNoSecret() {
        String secret = "not-the-secret-of-the-account";
        assertRefused(key(S3TestServer.KEY_ID, secret), secret, "403", "SignatureDoesNotMatch");
        assertRefused(key("NOBODYSKEY", S3TestServer.SECRET), S3TestServer.SECRET, "it answered 40");
        assertRefused(
                new S3Place(
                        "elsewhere", "", place.region(), place.endpoint(), true, place.credentials(), place.timeout()),
                S3TestServer.SECRET,
                "s3://elsewhere/",
                "404",
                "NoSuchBucket");
    }

    private S3Place key(String id, String secret) {
        Path file = S3TestPlaces.file(
                directory, "aws_access_key_id = " + id + "\naws_secret_access_key = " + secret + "\n");
        return S3TestPlaces.at(network.endpoint(), file, TIMEOUT);
    }

    private void assertRefused(S3Place at, String secret, String... words) {
        S3OutsideStore store = open(at);
        assertThatThrownBy(() -> store.read("anchor"))
                .isInstanceOf(OutsideUnavailableException.class)
                .satisfies(e -> assertThat(String.valueOf(e.getMessage())).contains(words))
                .satisfies(e -> assertThat(String.valueOf(e.getMessage())).doesNotContain(secret));
        assertThatThrownBy(() -> store.replace("anchor", null, bytes("1")))
                .isInstanceOf(OutsideUnavailableException.class);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }
}
