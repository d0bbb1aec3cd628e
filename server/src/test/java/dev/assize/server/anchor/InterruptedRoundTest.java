package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.TestDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A place outside that fails at any step of a round, twice in a row too, and nodes that sign beside each other. */
class InterruptedRoundTest {

    private static final TenantId ACME = new TenantId("acme");

    @TempDir
    private Path directory;

    private TestDatabase database;

    @BeforeEach
    void make() {
        database = TestDatabase.migrated();
    }

    @AfterEach
    void drop() {
        database.close();
    }

    /** Where the node loses the place. */
    enum Step {
        READ,
        PUT,
        /** The object was replaced, and the answer is lost: the database learns nothing of it. */
        REPLACED,
        REPLACE
    }

    @ParameterizedTest
    @EnumSource
    void aRoundThatFailsIsCompletedByTheNext(Step step) {
        Faulty outside = new Faulty(new FileOutsideStore(directory.resolve("anchor")));
        try (AnchoredNode node = AnchoredNode.start(database, outside, directory.resolve("keys"))) {
            assertThat(node.round()).isEmpty();
            for (int failures = 1; failures <= 3; failures++) {
                node.append(ACME, 150);
                // Once it was replaced there is nothing left to put there.
                int times = step == Step.REPLACED ? 1 : failures;
                outside.failAt(step, times);
                for (int i = 0; i < times; i++) {
                    assertThat(node.round()).contains("the place is gone");
                }
                assertThat(node.round()).isEmpty();
                assertSigned(node, 150L * failures);
            }
        }
        try (AnchoredNode next = AnchoredNode.start(database, outside, directory.resolve("keys"))) {
            assertThat(next.round()).isEmpty();
            next.append(ACME, 1);
            assertThat(next.round()).isEmpty();
            assertSigned(next, 451);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aNodeThatStartsCompletesWhatAnotherBegan(Step step) {
        Faulty outside = new Faulty(new FileOutsideStore(directory.resolve("anchor")));
        try (AnchoredNode node = AnchoredNode.start(database, outside, directory.resolve("keys"))) {
            assertThat(node.round()).isEmpty();
            node.append(ACME, 300);
            outside.failAt(step, 1);
            assertThat(node.round()).isNotEmpty();
        }
        try (AnchoredNode next = AnchoredNode.start(database, outside, directory.resolve("keys"))) {
            assertThat(next.round()).isEmpty();
            assertSigned(next, 300);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"READ", "PUT", "REPLACE"})
    void appendsGoOnForAWhileWithoutThePlace(Step step) {
        Faulty outside = new Faulty(new FileOutsideStore(directory.resolve("anchor")));
        AnchorConfig config = new AnchorConfig(
                directory.resolve("keys"), Duration.ofMillis(50), Duration.ofMillis(1_500), 100, 1_000, 100);
        try (AnchoredNode node = AnchoredNode.start(database, outside, config)) {
            assertThatThrownBy(() -> node.append(ACME, 1))
                    .as("before the place was ever seen")
                    .isInstanceOf(LedgerUnanchoredException.class);
            assertThat(node.round()).isEmpty();
            outside.failAt(step, Integer.MAX_VALUE);
            node.append(ACME, 1);
            assertThat(node.round()).isNotEmpty();
            awaitRefusal(node);
            outside.failAt(step, 0);
            assertThat(node.round()).isEmpty();
            node.append(ACME, 1);
        }
    }

    private static void awaitRefusal(AnchoredNode node) {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (System.nanoTime() < deadline) {
            try {
                node.append(ACME, 1);
                node.round();
            } catch (LedgerUnanchoredException expected) {
                assertThat(expected).hasMessageContaining("anchor.maxLag");
                return;
            }
        }
        throw new AssertionError("appends go on without an end");
    }

    /** What a periodic task throws is its end: nothing would be signed any more, and soon nothing appended. */
    @Test
    void anErrorWhileLookingAtWhatWaitsEndsNoRounds() {
        try (AnchoredNode node = node()) {
            Anchor anchor = node.anchor(node.repository("waiting", () -> {
                throw new InternalError("shown");
            }));
            anchor.round();
            node.append(ACME, 10);
            anchor.round();
            assertThat(anchor.complaint()).isEmpty();
            assertSigned(node, 10);
        }
    }

    @Test
    void nodesSignBesideEachOther() {
        int tenants = 20;
        try (AnchoredNode one = node();
                AnchoredNode other = node()) {
            assertThat(one.round()).isEmpty();
            assertThat(other.round()).isEmpty();
            for (int i = 0; i < 15; i++) {
                IntStream.range(0, tenants).parallel().forEach(t -> {
                    one.append(new TenantId("t" + t), 20);
                    other.append(new TenantId("t" + t), 10);
                });
                CompletableFuture<String> beside = CompletableFuture.supplyAsync(other::round);
                assertThat(one.round()).isEmpty();
                assertThat(beside.join()).isEmpty();
            }
            assertThat(one.round()).isEmpty();
            assertThat(other.round()).isEmpty();
            assertThat(one.round()).isEmpty();
            for (int t = 0; t < tenants; t++) {
                TenantId tenant = new TenantId("t" + t);
                assertThat(one.checkpoints()
                                .latest(tenant)
                                .orElseThrow()
                                .signed()
                                .size())
                        .isEqualTo(450);
                assertThat(other.verifySigned(tenant, null)).isInstanceOf(Sound.class);
            }
        }
    }

    @Test
    void signsAThousandLedgersARound() {
        try (AnchoredNode node = node()) {
            assertThat(node.round()).isEmpty();
            List<TenantId> tenants = IntStream.range(0, 1_000)
                    .mapToObj(t -> new TenantId("many-" + t))
                    .toList();
            tenants.parallelStream().forEach(tenant -> node.append(tenant, 2));
            assertThat(node.round()).isEmpty();
            tenants.forEach(tenant -> assertThat(node.checkpoints()
                            .latest(tenant)
                            .orElseThrow()
                            .signed()
                            .size())
                    .isEqualTo(2));
        }
    }

    private AnchoredNode node() {
        return AnchoredNode.start(
                database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve("keys"));
    }

    private static void assertSigned(AnchoredNode node, long size) {
        Checkpoints.Checkpoint latest = node.checkpoints().latest(ACME).orElseThrow();
        assertThat(latest.signed().size()).isEqualTo(size);
        assertThat(latest.place()).isNotNull();
        assertThat(((Sound) node.verifySigned(ACME, null)).span().checkpoints()).isPositive();
        assertThat(node.checkpoints().inclusion(ACME, size / 2, null).proof()).isNotEmpty();
    }

    /** A place that is lost at a step, as often as wanted. */
    private static final class Faulty implements OutsideStore {

        private final OutsideStore place;
        private Step step = Step.READ;
        private int failures;

        Faulty(OutsideStore place) {
            this.place = place;
        }

        void failAt(Step where, int times) {
            step = where;
            failures = times;
        }

        private void failIf(Step present) {
            if (step == present && failures > 0) {
                failures--;
                throw new OutsideUnavailableException("the place is gone", null);
            }
        }

        @Override
        public Optional<Versioned> read(String name) {
            failIf(Step.READ);
            return place.read(name);
        }

        @Override
        public void put(String name, byte[] content) {
            failIf(Step.PUT);
            place.put(name, content);
        }

        @Override
        public Optional<String> replace(String name, @Nullable String version, byte[] content) {
            failIf(Step.REPLACE);
            Optional<String> replaced = place.replace(name, version, content);
            failIf(Step.REPLACED);
            return replaced;
        }

        @Override
        public void remove(String name) {
            place.remove(name);
        }

        @Override
        public String describe() {
            return place.describe();
        }
    }
}
