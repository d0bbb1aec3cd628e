package dev.assize.server.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.OutsideStore.Versioned;
import dev.assize.server.anchor.OutsideStoreContract;
import dev.assize.server.anchor.OutsideUnavailableException;
import dev.assize.server.storage.s3.S3TestServer.Failure;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class S3OutsideStoreTest extends OutsideStoreContract {

    private static final Duration SHORT = Duration.ofMillis(300);

    @TempDir
    private Path directory;

    private final S3TestServer server = S3TestServer.start();
    private final ConcurrentLinkedQueue<S3OutsideStore> opened = new ConcurrentLinkedQueue<>();
    private @Nullable S3Place place;

    @Override
    protected synchronized OutsideStore open() {
        S3Place shared = place == null ? S3TestPlaces.fresh(server, directory) : place;
        place = shared;
        return open(shared);
    }

    private S3OutsideStore open(S3Place at) {
        S3OutsideStore store = new S3OutsideStore(at);
        opened.add(store);
        return store;
    }

    @AfterEach
    void close() {
        opened.forEach(S3OutsideStore::close);
        server.close();
    }

    @ParameterizedTest
    @EnumSource(names = {"DONE_AND_LOST", "DONE_AND_HUNG"})
    void knowsItsOwnWriteWhereTheAnswerIsLost(Failure failure) {
        S3OutsideStore store = open(S3TestPlaces.at(server.endpoint(), S3TestPlaces.ownKey(directory), SHORT));
        String first = store.replace("anchor", null, bytes("1")).orElseThrow();
        // The connection is tried again by itself: the store then sees a write that the first one has overtaken.
        server.failPut(failure);
        String second = store.replace("anchor", first, bytes("2")).orElseThrow();
        assertThat(second).isNotEqualTo(first);
        server.failPut(failure, failure, failure, failure);
        String third = store.replace("anchor", second, bytes("3")).orElseThrow();
        assertThat(store.read("anchor")).hasValueSatisfying(it -> {
            assertThat(it.version()).isEqualTo(third);
            assertThat(it.content()).isEqualTo(bytes("3"));
        });
    }

    @Test
    void takesNoOtherWritersObjectForItsOwn() {
        S3OutsideStore one = open(S3TestPlaces.at(server.endpoint(), S3TestPlaces.ownKey(directory), SHORT));
        String first = one.replace("anchor", null, bytes("same")).orElseThrow();
        assertThat(one.replace("anchor", null, bytes("same")))
                .as("the same content, and another's write")
                .isEmpty();
        assertThat(one.replace("anchor", "\"ffffffffffffffffffffffffffffffff\"", bytes("same")))
                .isEmpty();
        assertThat(one.replace("anchor", first, bytes("2"))).isPresent();
    }

    @Test
    void isUnavailableWhereAWriteMayOrMayNotHaveHappened() {
        S3OutsideStore store = open(S3TestPlaces.at(server.endpoint(), S3TestPlaces.ownKey(directory), SHORT));
        String first = store.replace("anchor", null, bytes("1")).orElseThrow();
        server.failPut(Failure.LOST, Failure.LOST, Failure.LOST, Failure.LOST);
        assertThatThrownBy(() -> store.replace("anchor", first, bytes("2")))
                .isInstanceOf(OutsideUnavailableException.class)
                .hasMessageContaining("cannot write anchor in s3://heads/test-");
        assertThat(store.read("anchor").map(Versioned::content)).hasValue(bytes("1"));
        server.failPut(Failure.BUSY, Failure.BUSY);
        assertThatThrownBy(() -> store.put("all/1", bytes("1")))
                .isInstanceOf(OutsideUnavailableException.class)
                .hasMessageContaining("503")
                .hasMessageContaining("SlowDown");
    }

    @Test
    void losesASwapThatMeetsAnother() {
        S3OutsideStore store = open(S3TestPlaces.at(server.endpoint(), S3TestPlaces.ownKey(directory), SHORT));
        String first = store.replace("anchor", null, bytes("1")).orElseThrow();
        server.failPut(Failure.CONFLICT);
        assertThat(store.replace("anchor", first, bytes("2"))).isEmpty();
        assertThat(store.read("anchor").map(Versioned::content)).hasValue(bytes("1"));
        assertThat(store.replace("anchor", first, bytes("2"))).as("again").isPresent();
        server.failPut(Failure.CONFLICT);
        assertThat(store.replace("other", null, bytes("1"))).isEmpty();
        assertThat(store.read("other")).isEmpty();
    }

    @Test
    void waitsNoLongerThanItsTimeoutForAStoreThatHangs() {
        S3OutsideStore store = open(S3TestPlaces.at(server.endpoint(), S3TestPlaces.ownKey(directory), SHORT));
        String first = store.replace("anchor", null, bytes("1")).orElseThrow();
        server.failPut(Failure.HUNG, Failure.HUNG, Failure.HUNG, Failure.HUNG);
        assertThatThrownBy(() -> store.replace("anchor", first, bytes("2")))
                .isInstanceOf(OutsideUnavailableException.class);
        server.failPut();
        assertThat(store.replace("anchor", first, bytes("2"))).isPresent();
    }

    /** Who swaps what it has made of an older content, by the tag of a newer one, undoes what is between. */
    @Test
    void takesNoContentWithTheTagOfAnother() {
        OutsideStore store = open();
        String first = store.replace("anchor", null, bytes("1")).orElseThrow();
        String second = store.replace("anchor", first, bytes("2")).orElseThrow();
        server.tearReads(1);
        assertThat(store.read("anchor")).hasValueSatisfying(it -> {
            assertThat(it.version()).isEqualTo(second);
            assertThat(it.content()).isEqualTo(bytes("2"));
        });
        server.tearReads(100);
        assertThatThrownBy(() -> store.read("anchor"))
                .isInstanceOf(OutsideUnavailableException.class)
                .hasMessageContaining("cannot read anchor in s3://heads/")
                .hasMessageContaining("checksum");
    }

    @Test
    void losesASwapWhereTheObjectIsGone() {
        OutsideStore store = open();
        String first = store.replace("anchor", null, bytes("1")).orElseThrow();
        store.remove("anchor");
        assertThat(store.replace("anchor", first, bytes("2"))).isEmpty();
    }

    @Test
    void refusesAStoreThatIgnoresConditions() {
        server.ignoreConditions();
        S3OutsideStore store =
                open(S3TestPlaces.at(server.endpoint(), S3TestPlaces.ownKey(directory), Duration.ofSeconds(5)));
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> store.replace("anchor", null, bytes("1")))
                    .isInstanceOf(OutsideUnavailableException.class)
                    .hasMessageContaining("If-None-Match");
        }
        assertThat(server.requests()).noneMatch(it -> it.uri().getPath().endsWith("/anchor"));
    }

    @Test
    void saysWhatFailedAndNoSecret() throws Exception {
        String secret = "not-the-secret-of-the-account";
        Path wrong = S3TestPlaces.file(
                directory, "aws_access_key_id = " + S3TestServer.KEY_ID + "\naws_secret_access_key = " + secret + "\n");
        assertRefused(S3TestPlaces.at(server.endpoint(), wrong, SHORT), secret, "403", "SignatureDoesNotMatch");

        Path half = S3TestPlaces.file(directory, "aws_secret_access_key = " + secret + "\n");
        assertRefused(S3TestPlaces.at(server.endpoint(), half, SHORT), secret, "aws_access_key_id");

        Path wide = S3TestPlaces.ownKey(directory);
        Files.setPosixFilePermissions(wide, PosixFilePermissions.fromString("rw-r--r--"));
        assertRefused(S3TestPlaces.at(server.endpoint(), wide, SHORT), S3TestServer.SECRET, "rw-r--r--", "chmod 600");

        Path gone = directory.resolve("no-such-file");
        assertRefused(S3TestPlaces.at(server.endpoint(), gone, SHORT), S3TestServer.SECRET, "no-such-file");

        S3Place there = S3TestPlaces.at(server.endpoint(), S3TestPlaces.ownKey(directory), SHORT);
        S3Place bucket = new S3Place(
                "elsewhere", "", there.region(), there.endpoint(), true, there.credentials(), there.timeout());
        assertRefused(bucket, S3TestServer.SECRET, "s3://elsewhere/", "404", "NoSuchBucket");

        try (ServerSocket silent = new ServerSocket(0)) {
            URI nobody = URI.create("http://127.0.0.1:" + silent.getLocalPort());
            assertRefused(
                    S3TestPlaces.at(nobody, S3TestPlaces.ownKey(directory), SHORT), S3TestServer.SECRET, "timed out");
        }
    }

    private void assertRefused(S3Place at, String secret, String... words) {
        S3OutsideStore store = open(at);
        assertThatThrownBy(() -> store.read("anchor"))
                .isInstanceOf(OutsideUnavailableException.class)
                .hasMessageContaining("cannot read anchor in s3://")
                .satisfies(e -> assertThat(String.valueOf(e.getMessage())).contains(words))
                .satisfies(e -> assertThat(String.valueOf(e.getMessage())).doesNotContain(secret));
        assertThatThrownBy(() -> store.replace("anchor", null, bytes("1")))
                .isInstanceOf(OutsideUnavailableException.class);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }
}
