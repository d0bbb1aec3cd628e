package dev.assize.server.ledger.archive;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every archive must do; each adapter's test extends it. */
public abstract class ArchiveStoreContract {

    private static final Instant UNTIL = Instant.parse("2030-01-01T00:00:00Z");

    @TempDir
    Path files;

    /** An archive without the objects that this test names. */
    protected abstract ArchiveStore store();

    @Test
    void doesNotReplaceAnObject() throws IOException {
        ArchiveStore store = store();

        assertThat(store.create("acme/1/first.tar", file("first"), UNTIL)).isTrue();
        assertThat(store.create("acme/1/first.tar", file("second"), UNTIL)).isFalse();

        assertThat(content(store, "acme/1/first.tar")).isEqualTo("first");
    }

    @Test
    void hasNoObjectThatNobodyCreated() {
        assertThat(store().read("acme/1/nobodys.tar")).isEmpty();
    }

    @Test
    void keepsLargeObjectsWhole() throws IOException {
        ArchiveStore store = store();
        String large = "0123456789abcdef".repeat(200_000);

        store.create("acme/1/large.tar", file(large), UNTIL);

        assertThat(content(store, "acme/1/large.tar")).isEqualTo(large);
    }

    @Test
    void hasOneWinnerOfManyThatCreateTheSame() throws IOException, InterruptedException, ExecutionException {
        ArchiveStore store = store();
        List<Future<Boolean>> created = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 8; i++) {
                Path file = file("writer " + i);
                created.add(threads.submit(() -> store.create("acme/1/contested.tar", file, UNTIL)));
            }
        }

        int winner = -1;
        for (int i = 0; i < created.size(); i++) {
            if (created.get(i).get()) {
                assertThat(winner).isNegative();
                winner = i;
            }
        }
        assertThat(content(store, "acme/1/contested.tar")).isEqualTo("writer " + winner);
    }

    private Path file(String content) throws IOException {
        return Files.writeString(Files.createTempFile(files, "content", null), content);
    }

    private static String content(ArchiveStore store, String name) throws IOException {
        try (InputStream stream = store.read(name).orElseThrow()) {
            return new String(stream.readAllBytes(), UTF_8);
        }
    }
}
