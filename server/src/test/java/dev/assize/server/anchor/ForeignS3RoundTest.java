package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.s3.ForeignS3;
import dev.assize.server.storage.s3.LosingNetwork;
import dev.assize.server.storage.s3.LosingNetwork.Loss;
import dev.assize.server.storage.s3.S3OutsideStore;
import dev.assize.server.storage.s3.S3Place;
import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rounds of signing with heads in a store that others wrote. Skipped where there is none; `.ci/s3` builds one. */
class ForeignS3RoundTest {

    private static final TenantId ACME = new TenantId("acme");

    @TempDir(factory = InMemory.class)
    private Path directory;

    @BeforeEach
    void find() {
        assumeTrue(ForeignS3.find().isPresent(), ForeignS3.NONE);
    }

    @Test
    void nodesTakeTurnsWhateverGetsLost() throws IOException {
        try (ForeignS3 server = ForeignS3.start(directory);
                LosingNetwork network = new LosingNetwork(server.endpoint());
                TestDatabase database = TestDatabase.migrated()) {
            S3Place place = ForeignS3.behind(network, directory);
            long size = 0;
            try (S3OutsideStore outside = new S3OutsideStore(place);
                    S3OutsideStore same = new S3OutsideStore(place);
                    AnchoredNode one = AnchoredNode.start(database, outside, directory.resolve("keys"));
                    AnchoredNode other = AnchoredNode.start(database, same, directory.resolve("keys"))) {
                assertThat(one.round()).as("the first head there").isEmpty();
                assertThat(other.round()).isEmpty();
                for (Loss loss : Loss.values()) {
                    for (int leading = 0; leading < 2; leading++) {
                        AnchoredNode signing = leading == 0 ? one : other;
                        signing.append(ACME, 10);
                        size += 10;
                        // The first write of a round adds the heads, the second swaps what is in force.
                        List<Loss> losses = new ArrayList<>(Collections.nCopies(leading, Loss.NOTHING));
                        losses.addAll(Collections.nCopies(6, loss));
                        network.lose(losses);
                        String complaint = signing.round();
                        assertThat(complaint.isEmpty() || complaint.contains("s3://heads/"))
                                .as(complaint)
                                .isTrue();
                        network.lose(List.of());
                        assertThat(signing.round()).as("after %s", loss).isEmpty();
                        assertThat(signing.checkpoints()
                                        .latest(ACME)
                                        .orElseThrow()
                                        .signed()
                                        .size())
                                .isEqualTo(size);
                    }
                }
                assertThat(other.verifySigned(ACME, null)).isInstanceOf(Sound.class);
            }
        }
    }

    @Test
    void nobodyPublishesWhereTheHeadsOfAnotherDatabaseAre() throws IOException {
        try (ForeignS3 server = ForeignS3.start(directory);
                LosingNetwork network = new LosingNetwork(server.endpoint());
                TestDatabase database = TestDatabase.migrated();
                TestDatabase another = TestDatabase.migrated();
                S3OutsideStore outside = new S3OutsideStore(ForeignS3.behind(network, directory))) {
            try (AnchoredNode node = AnchoredNode.start(database, outside, directory.resolve("keys"))) {
                assertThat(node.round()).isEmpty();
                node.append(ACME, 3);
                assertThat(node.round()).isEmpty();
            }
            byte[] before = outside.read(OutsideCopy.OBJECT).orElseThrow().content();
            try (AnchoredNode node = AnchoredNode.start(another, outside, directory.resolve("keys"))) {
                assertThat(node.round()).isNotEmpty();
            }
            assertThat(outside.read(OutsideCopy.OBJECT).orElseThrow().content()).isEqualTo(before);
            try (AnchoredNode node = AnchoredNode.start(database, outside, directory.resolve("keys"))) {
                assertThat(node.round()).isEmpty();
                node.append(ACME, 3);
                assertThat(node.round()).isEmpty();
            }
        }
    }
}
