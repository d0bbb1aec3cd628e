package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.s3.S3OutsideStore;
import dev.assize.server.storage.s3.S3Place;
import dev.assize.server.storage.s3.S3TestPlaces;
import dev.assize.server.storage.s3.S3TestServer;
import dev.assize.server.storage.s3.S3TestServer.Failure;
import dev.assize.server.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rounds of signing whose connection to an object store breaks on the wire, at each write and in each way. */
class S3InterruptedRoundTest {

    private static final TenantId ACME = new TenantId("acme");

    @TempDir
    private Path directory;

    private final S3TestServer server = S3TestServer.start();
    private TestDatabase database;

    @BeforeEach
    void make() {
        database = TestDatabase.migrated();
    }

    @AfterEach
    void drop() {
        database.close();
        server.close();
    }

    @Test
    void aRoundIsWholeWhateverTheWireLoses() {
        S3Place place = S3TestPlaces.at(server.endpoint(), S3TestPlaces.ownKey(directory), Duration.ofMillis(250));
        long size = 0;
        try (S3OutsideStore outside = new S3OutsideStore(place);
                AnchoredNode node = AnchoredNode.start(database, outside, directory.resolve("keys"))) {
            assertThat(node.round()).isEmpty();
            for (Failure failure : Failure.values()) {
                for (int leading = 0; leading < 2; leading++) {
                    node.append(ACME, 10);
                    size += 10;
                    // The first write of a round adds the heads, the second swaps what is in force.
                    server.failPut(repeated(failure, leading, 4));
                    String complaint = node.round();
                    assertThat(complaint.isEmpty() || complaint.contains("s3://heads/"))
                            .isTrue();
                    server.failPut();
                    assertThat(node.round()).as("after %s", failure).isEmpty();
                    assertThat(node.checkpoints()
                                    .latest(ACME)
                                    .orElseThrow()
                                    .signed()
                                    .size())
                            .isEqualTo(size);
                }
            }
            assertThat(node.verifySigned(ACME, null)).isInstanceOf(Sound.class);
        }
        try (S3OutsideStore outside = new S3OutsideStore(place);
                AnchoredNode next = AnchoredNode.start(database, outside, directory.resolve("keys"))) {
            assertThat(next.round()).isEmpty();
            next.append(ACME, 1);
            assertThat(next.round()).isEmpty();
        }
    }

    private static Failure[] repeated(Failure failure, int leading, int times) {
        Failure[] failures = new Failure[leading + times];
        for (int i = 0; i < failures.length; i++) {
            failures[i] = i < leading ? Failure.NONE : failure;
        }
        return failures;
    }
}
