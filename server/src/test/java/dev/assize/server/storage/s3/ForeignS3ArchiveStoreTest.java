package dev.assize.server.storage.s3;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.ledger.archive.ArchiveStoreContract;
import dev.assize.server.ledger.archive.ArchiveUnavailableException;
import dev.assize.server.storage.s3.LosingNetwork.Loss;
import dev.assize.server.testing.InMemory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** The archive in a store that others wrote, which keeps its locks. Skipped where there is none; `.ci/s3` builds one. */
class ForeignS3ArchiveStoreTest extends ArchiveStoreContract {

    @TempDir(factory = InMemory.class)
    private static Path directory;

    private static @Nullable ForeignS3 server;

    private final List<S3ArchiveStore> opened = new ArrayList<>();
    private final LosingNetwork network =
            new LosingNetwork(requireNonNull(server).endpoint());
    private final S3Place place = ForeignS3.behind(network, directory);
    private final S3Place locked = ForeignS3.locked(place);
    private final Instant until = Instant.now().plus(Duration.ofDays(2)).truncatedTo(ChronoUnit.SECONDS);

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
        opened.forEach(S3ArchiveStore::close);
        network.close();
    }

    @Override
    protected ArchiveStore store() {
        return open(place, null);
    }

    private S3ArchiveStore open(S3Place at, @Nullable LockMode lock) {
        S3ArchiveStore store = new S3ArchiveStore(at, lock);
        opened.add(store);
        return store;
    }

    @ParameterizedTest
    @EnumSource
    void locksWhatItKeeps(LockMode mode) throws IOException {
        S3ArchiveStore store = open(locked, mode);
        assertThat(store.create("acme/1/a.tar", file("entries"), until)).isTrue();

        HeadObjectResponse kept = requireNonNull(server).head(locked, "acme/1/a.tar");
        assertThat(kept.objectLockModeAsString()).isEqualTo(mode.name());
        assertThat(kept.objectLockRetainUntilDate()).isEqualTo(until);
        assertThatThrownBy(() -> requireNonNull(server).delete(locked, "acme/1/a.tar", kept.versionId()))
                .isInstanceOfSatisfying(
                        S3Exception.class, e -> assertThat(e.statusCode()).isEqualTo(403));
        assertThat(store.create("acme/1/a.tar", file("others"), until)).isFalse();
        assertThat(content(store)).isEqualTo("entries");

        assertThat(store.create("acme/1/a.tar", file("others"), until.plus(Duration.ofHours(1))))
                .isFalse();
        assertThat(requireNonNull(server).head(locked, "acme/1/a.tar").objectLockRetainUntilDate())
                .as("locked for longer, as is wanted now")
                .isEqualTo(until.plus(Duration.ofHours(1)));
    }

    /** It says that it has written nothing, and has: without a lock. */
    @Test
    void isUnavailableWhereTheBucketHasNoLocks() throws IOException {
        S3ArchiveStore store = open(place, LockMode.COMPLIANCE);
        Path file = file("entries");
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> store.create("acme/1/a.tar", file, until))
                    .isInstanceOf(ArchiveUnavailableException.class)
                    .hasMessageContaining("acme/1/a.tar in s3://heads/")
                    .hasMessageContaining("nothing of a lock");
        }
    }

    @Test
    void knowsWhatItCreatedWhereTheAnswerIsLost() throws IOException {
        S3ArchiveStore store = open(locked, LockMode.COMPLIANCE);
        network.lose(Collections.nCopies(2, Loss.ANSWER));
        assertThat(store.create("acme/1/a.tar", file("entries"), until)).isTrue();
        network.lose(List.of());
        assertThat(store.create("acme/1/a.tar", file("entries"), until))
                .as("the same content, created by somebody else")
                .isFalse();
        assertThat(content(store)).isEqualTo("entries");
        assertThat(requireNonNull(server).head(locked, "acme/1/a.tar").objectLockRetainUntilDate())
                .isEqualTo(until);
    }

    private Path file(String content) throws IOException {
        return Files.writeString(Files.createTempFile(directory, "content", null), content);
    }

    private static String content(ArchiveStore store) throws IOException {
        try (InputStream stream = store.read("acme/1/a.tar").orElseThrow()) {
            return new String(stream.readAllBytes(), UTF_8);
        }
    }
}
