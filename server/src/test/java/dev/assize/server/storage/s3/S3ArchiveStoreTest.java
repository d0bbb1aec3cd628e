package dev.assize.server.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.ledger.archive.ArchiveStoreContract;
import dev.assize.server.ledger.archive.ArchiveUnavailableException;
import dev.assize.server.model.Digest;
import dev.assize.server.storage.s3.S3TestServer.Failure;
import dev.assize.server.storage.s3.S3TestServer.Seen;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class S3ArchiveStoreTest extends ArchiveStoreContract {

    private static final Instant UNTIL = Instant.parse("2033-05-18T03:33:20Z");

    @TempDir
    private Path directory;

    private final S3TestServer server = S3TestServer.start();
    private final List<S3ArchiveStore> opened = new ArrayList<>();

    @Override
    protected ArchiveStore store() {
        return open(S3TestPlaces.fresh(server, directory), null);
    }

    private S3ArchiveStore open(S3Place place, @Nullable LockMode lock) {
        S3ArchiveStore store = new S3ArchiveStore(place, lock);
        opened.add(store);
        return store;
    }

    @AfterEach
    void close() {
        opened.forEach(S3ArchiveStore::close);
        server.close();
    }

    @Test
    void locksWhatItKeepsOnTheWire() throws IOException {
        S3Place place = place(Duration.ofSeconds(5));
        for (LockMode mode : LockMode.values()) {
            assertThat(open(place, mode).create("acme/1/" + mode, file("entries"), UNTIL))
                    .isTrue();
            Seen request = server.requests().stream()
                    .filter(it -> it.method().equals("PUT"))
                    .reduce((_, last) -> last)
                    .orElseThrow();
            assertThat(request.uri().getPath()).isEqualTo("/heads/" + place.prefix() + "acme/1/" + mode);
            assertThat(request.header("If-None-Match")).isEqualTo("*");
            assertThat(request.header("x-amz-object-lock-mode")).isEqualTo(mode.name());
            assertThat(request.header("x-amz-object-lock-retain-until-date")).isEqualTo("2033-05-18T03:33:20Z");
            assertThat(request.header("x-amz-checksum-sha256"))
                    .isEqualTo(Base64.getEncoder()
                            .encodeToString(
                                    Digest.sha256("entries".getBytes(UTF_8)).bytes()));
        }
    }

    /** Whoever prunes would else remove what only an object has that anybody may remove. */
    @Test
    void isUnavailableWhereTheStoreLocksNothing() throws IOException {
        S3Place place = place(Duration.ofSeconds(5));
        S3ArchiveStore store = open(place, LockMode.COMPLIANCE);
        Path file = file("entries");
        server.ignoreLocks();
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> store.create("acme/1/a", file, UNTIL))
                    .as("written now, and there already")
                    .isInstanceOf(ArchiveUnavailableException.class)
                    .hasMessageContaining("acme/1/a in s3://heads/")
                    .hasMessageContaining("nothing of a lock")
                    .hasMessageContaining("s3:GetObjectRetention");
        }
        assertThat(open(place, null).create("acme/1/a", file, UNTIL)).isFalse();
    }

    @Test
    void takesNoWeakerLockForTheOneThatIsWanted() throws IOException {
        S3Place place = place(Duration.ofSeconds(5));
        Path file = file("entries");
        assertThat(open(place, LockMode.GOVERNANCE).create("acme/1/weak", file, UNTIL))
                .isTrue();
        S3ArchiveStore strict = open(place, LockMode.COMPLIANCE);
        assertThatThrownBy(() -> strict.create("acme/1/weak", file, UNTIL))
                .isInstanceOf(ArchiveUnavailableException.class)
                .hasMessageContaining("governance until 2033-05-18T03:33:20Z");
        assertThat(strict.create("acme/1/strong", file, UNTIL)).isTrue();
        assertThat(open(place, LockMode.GOVERNANCE).create("acme/1/strong", file, UNTIL))
                .isFalse();
    }

    /** An attempt that was broken off long ago was locked for as long as was wanted then. */
    @Test
    void locksLongerWhatIsThereAlready() throws IOException {
        S3Place place = place(Duration.ofSeconds(5));
        Path file = file("entries");
        Instant later = UNTIL.plus(Duration.ofDays(365));
        for (LockMode mode : LockMode.values()) {
            String name = "acme/1/" + mode;
            assertThat(open(place, mode).create(name, file, UNTIL)).isTrue();
            assertThat(open(place, mode).create(name, file, later)).isFalse();
            assertThat(server.lockUntil(name)).isEqualTo(later);
            assertThat(open(place, mode).create(name, file, UNTIL)).isFalse();
            assertThat(server.lockUntil(name)).as("never shorter").isEqualTo(later);
        }
    }

    /** What an attempt left behind before locks were wanted would else keep that ledger from being pruned for ever. */
    @Test
    void locksWhatIsThereWithoutALock() throws IOException {
        S3Place place = place(Duration.ofSeconds(5));
        Path file = file("entries");
        for (LockMode mode : LockMode.values()) {
            String name = "acme/1/" + mode;
            assertThat(open(place, null).create(name, file, UNTIL)).isTrue();
            assertThat(open(place, mode).create(name, file, UNTIL)).isFalse();
            assertThat(server.lockUntil(name)).isEqualTo(UNTIL);
        }
    }

    @Test
    void locksNothingInABucketWithoutLocks() throws IOException {
        assertThat(open(place(Duration.ofSeconds(5)), null).create("acme/1/a", file("entries"), UNTIL))
                .isTrue();
        assertThat(server.requests().getLast().headers().keySet())
                .noneMatch(name -> name.toLowerCase(java.util.Locale.ROOT).contains("object-lock"));
    }

    @Test
    void knowsWhatItCreatedWhereTheAnswerIsLost() throws IOException {
        S3ArchiveStore store = open(place(Duration.ofMillis(300)), LockMode.COMPLIANCE);
        server.failPut(Failure.DONE_AND_LOST, Failure.DONE_AND_LOST);
        assertThat(store.create("acme/1/a", file("entries"), UNTIL)).isTrue();
        server.failPut();
        assertThat(store.create("acme/1/a", file("entries"), UNTIL))
                .as("the same content, created by somebody else")
                .isFalse();
        server.failPut(Failure.LOST, Failure.LOST, Failure.LOST, Failure.LOST);
        assertThatThrownBy(() -> store.create("acme/1/b", file("entries"), UNTIL))
                .isInstanceOf(ArchiveUnavailableException.class)
                .hasMessageContaining("cannot write acme/1/b in s3://heads/");
        assertThat(store.read("acme/1/b")).isEmpty();
    }

    private S3Place place(Duration timeout) {
        return S3TestPlaces.at(server.endpoint(), S3TestPlaces.ownKey(directory), timeout);
    }

    private Path file(String content) throws IOException {
        return Files.writeString(Files.createTempFile(directory, "content", null), content);
    }
}
