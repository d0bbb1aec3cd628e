package dev.assize.server.upstream.forward;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.SpooledRecord;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.ledger.LedgerUnavailableException;
import dev.assize.server.model.Digest;
import dev.assize.server.model.TenantId;
import dev.assize.server.spool.Spool;
import dev.assize.server.spool.SpoolAnswer;
import dev.assize.server.spool.SpoolConfig;
import dev.assize.server.spool.SpoolQueue;
import dev.assize.server.upstream.forward.FakeLedger.Fault;
import dev.assize.server.upstream.forward.TenantForwarder.Pause;
import io.grpc.Status;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Forwards from files of this machine to a ledger that is cut off, forgets and refuses. */
class TenantForwarderTest {

    private static final TenantId TENANT = new TenantId("acme");
    private static final List<Fault> FAULTS = List.of(Fault.values());

    @TempDir
    Path directory;

    private Instant now = Instant.parse("2026-03-01T10:00:00Z");
    private final InstantSource clock = () -> now;
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final FakeLedger ledger = new FakeLedger();
    private Spool spool;
    private TenantForwarder forwarder;

    @BeforeEach
    void open() {
        SpoolConfig config = new SpoolConfig(
                directory.resolve("spool"),
                10_000_000,
                Duration.ofDays(400),
                Duration.ofDays(1),
                2_000,
                Duration.ofSeconds(1));
        spool = Spool.open(config, clock);
        forwarder = new TenantForwarder(
                TENANT, spool.queue(TENANT, () -> {}), ledger, clock, () -> 1.0, new ForwardMetrics(meters));
    }

    @AfterEach
    void close() {
        spool.close();
    }

    private void reopen() {
        spool.close();
        open();
    }

    private void append(String... texts) {
        List<CompletableFuture<SpoolAnswer>> answers =
                Stream.of(texts).map(this::appendLater).toList();
        answers.forEach(CompletableFuture::join);
    }

    private CompletableFuture<SpoolAnswer> appendLater(String text) {
        byte[] payload = SpooledRecord.newBuilder()
                .addEvents(AuditEvent.newBuilder().setReason(text))
                .build()
                .toByteArray();
        return queue().append(payload, null, Digest.sha256(text.getBytes(UTF_8)));
    }

    private SpoolQueue queue() {
        return forwarder.queue();
    }

    /** Steps until there is nothing to send, or it fails; no clock goes meanwhile. */
    private Pause forward() {
        Pause pause = forwarder.step();
        while (pause.equals(Pause.NONE)) {
            pause = forwarder.step();
        }
        return pause;
    }

    private static String[] texts(int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> "record " + i).toArray(String[]::new);
    }

    @Test
    void whatTheLedgerRefusesStaysAndWhatIsBehindItWaits() {
        append("a", "b", "bad", "c");
        ledger.refuse(Status.INVALID_ARGUMENT.withDescription("no such env"), "bad"::equals);

        assertThat(forward().duration()).isEqualTo(TenantForwarder.STOPPED_PAUSE);
        assertThat(ledger.entries()).containsExactly("a", "b");
        assertThat(queue().depth()).isEqualTo(2);
        assertThat(forwarder.complaint())
                .contains("the ledger refuses record 3 of the spool: INVALID_ARGUMENT: no such env");
        assertThat(meters.counter("assize.spool.forward.refusals").count()).isEqualTo(1);

        append("d");
        reopen();
        forward();
        assertThat(ledger.entries()).containsExactly("a", "b");

        ledger.refuse(Status.OK, any -> false);
        forward();
        assertThat(ledger.entries()).containsExactly("a", "b", "bad", "c", "d");
        assertThat(forwarder.complaint()).isEmpty();
    }

    @Test
    void isStoppedByALedgerThatTakesNoMoreSpoolsUntilItDoes() {
        append("a", "b", "c");
        assertThat(LedgerLink.FULL).isEqualTo(ErrorReason.SPOOLS_FULL.name());
        ledger.full(true);
        CompletableFuture<Void> waits = forwarder.whenForwarded();

        assertThat(forward().duration()).isEqualTo(TenantForwarder.STOPPED_PAUSE);
        assertThat(forwarder.complaint())
                .contains("the ledger refuses record 1 of the spool: RESOURCE_EXHAUSTED: give this one another key");
        assertThat(forwarder.cutOff()).isEmpty();
        assertThat(meters.counter("assize.spool.forward.refusals").count()).isEqualTo(1);
        assertThat(meters.counter("assize.spool.forward.failures").count()).isZero();
        assertThatThrownBy(waits::join).hasMessageContaining("give this one another key");
        append("d");
        assertThat(forward().duration()).isEqualTo(TenantForwarder.STOPPED_PAUSE);
        assertThat(ledger.calls()).as("each time it is asked once").isEqualTo(2);

        ledger.full(false);
        assertThat(forward().idle()).isTrue();
        assertThat(ledger.entries()).containsExactly("a", "b", "c", "d");
        assertThat(forwarder.complaint()).isEmpty();
    }

    @Test
    void goesOnAfterWhatNobodyExpected() {
        append("a");
        CompletableFuture<Void> waits = forwarder.whenForwarded();
        ledger.breakWith(() -> new IllegalArgumentException("record 9 is not kept"));

        assertThat(forward().duration()).isEqualTo(TenantForwarder.STOPPED_PAUSE);
        assertThat(forwarder.complaint())
                .contains("forwarding failed: java.lang.IllegalArgumentException: record 9 is not kept");
        assertThat(meters.counter("assize.spool.forward.failures").count()).isEqualTo(1);
        assertThatThrownBy(waits::join).hasCauseInstanceOf(LedgerUnavailableException.class);

        ledger.breakWith(null);
        forward();
        assertThat(ledger.entries()).containsExactly("a");
        assertThat(forwarder.complaint()).isEmpty();
    }

    @Test
    void goesOnAfterAnError() {
        append("a");
        CompletableFuture<Void> waits = forwarder.whenForwarded();
        ledger.breakWith(() -> {
            throw new InternalError("shown");
        });

        assertThat(forward().duration()).isEqualTo(TenantForwarder.STOPPED_PAUSE);
        assertThat(forwarder.complaint()).contains("forwarding failed: java.lang.InternalError: shown");
        assertThatThrownBy(waits::join).hasCauseInstanceOf(LedgerUnavailableException.class);

        ledger.breakWith(null);
        forward();
        assertThat(ledger.entries()).containsExactly("a");
        assertThat(forwarder.complaint()).isEmpty();
    }

    @Test
    void goesOnBehindWhatIsDeclaredLost() {
        append("a", "bad", "c");
        ledger.refuse(Status.PERMISSION_DENIED, "bad"::equals);
        forward();
        ledger.declareLost(2);

        forward();
        assertThat(ledger.entries()).containsExactly("a", "c");
        assertThat(queue().depth()).isZero();
    }

    @Test
    void aCopyThatWentOnByItselfSendsNothing() throws IOException {
        append("a", "b");
        forward();
        spool.close();
        copy(directory.resolve("spool"), directory.resolve("copy"));
        open();
        append("c");
        forward();
        spool.close();

        delete(directory.resolve("spool"));
        copy(directory.resolve("copy"), directory.resolve("spool"));
        open();
        forward();
        assertThat(forwarder.complaint())
                .hasValueSatisfying(said -> assertThat(said).contains("the spool is an older copy, or used twice"));
        append("other");
        forward();
        assertThat(forwarder.complaint())
                .hasValueSatisfying(said -> assertThat(said).contains("the ledger has another record 3 of the spool"));
        assertThat(ledger.entries()).containsExactly("a", "b", "c");
        assertThat(queue().depth()).isEqualTo(1);
    }

    @Test
    void stopsWhereTheLedgerLostWhatIsNotKeptAnyMore() {
        Stream.of(texts(0, 60)).forEach(this::append);
        forward();
        now = now.plus(Duration.ofDays(2));
        forward();
        assertThat(queue().first()).isGreaterThan(1);

        ledger.restore(0);
        now = now.plus(TenantForwarder.ASK_EVERY);
        forward();
        assertThat(forwarder.complaint())
                .hasValueSatisfying(said -> assertThat(said).contains("the ledger expects record 1 of the spool"));
    }

    @Test
    void sendsAgainWhatARestoredLedgerHasLost() {
        append(texts(0, 50));
        forward();
        ledger.restore(20);

        now = now.plus(TenantForwarder.ASK_EVERY);
        forward();
        assertThat(ledger.entries()).containsExactly(texts(0, 50));
        assertThat(meters.counter("assize.spool.rewinds").count()).isEqualTo(1);
    }

    @Test
    void whatHadNoAnswerIsAppendedOnceAlsoAfterFortyDays() {
        append("a", "b");
        forward();
        append("c");
        ledger.fail(Fault.ANSWER_LOST);
        forward();
        assertThat(queue().depth()).isEqualTo(1);

        now = now.plus(Duration.ofDays(40));
        reopen();
        append("d");
        forward();
        assertThat(ledger.entries()).containsExactly("a", "b", "c", "d");
    }

    @Test
    void asksNobodyAsLongAsNothingWasSpooled() {
        ledger.refuse(Status.PERMISSION_DENIED, any -> true);

        assertThat(forward()).isEqualTo(new Pause(TenantForwarder.ASK_EVERY, true));
        assertThat(ledger.calls()).isZero();
        assertThat(forwarder.complaint()).isEmpty();
    }

    @Test
    void forwardsInOrderAndInBatches() {
        append(texts(0, 1_201));
        forward();

        assertThat(ledger.entries()).containsExactly(texts(0, 1_201));
        assertThat(ledger.calls()).isEqualTo(1 + 3);
        assertThat(forward().idle()).isTrue();
        assertThat(ledger.calls()).isEqualTo(4);
    }

    @Test
    void anHourCutOffLosesNothingAndAsksLessAndLess() {
        ledger.cut(true);
        Instant end = now.plus(Duration.ofHours(1));
        int appended = 0;
        while (now.isBefore(end)) {
            append("record " + appended++);
            Pause pause = forward();
            assertThat(pause.duration()).isBetween(TenantForwarder.FIRST_PAUSE, TenantForwarder.LONGEST_PAUSE);
            now = now.plus(pause.duration());
        }
        assertThat(ledger.calls()).isLessThan(260);
        assertThat(queue().oldestPendingAt()).contains(end.minus(Duration.ofHours(1)));
        assertThat(forwarder.cutOff()).contains("UNAVAILABLE: connection refused");
        assertThat(forwarder.complaint()).isEmpty();

        ledger.cut(false);
        forward();
        assertThat(ledger.entries()).containsExactly(texts(0, appended));
        assertThat(forwarder.cutOff()).isEmpty();
    }

    @Test
    void whoWaitsForTheLedgerIsToldWhenItHasWhatCameBefore() {
        assertThat(forwarder.whenForwarded()).isCompleted();
        append("a");
        CompletableFuture<Void> cut = forwarder.whenForwarded();
        ledger.cut(true);
        forward();
        assertThatThrownBy(cut::join).hasCauseInstanceOf(LedgerUnavailableException.class);

        now = now.plus(TenantForwarder.IN_VAIN_FOR).minusNanos(1);
        assertThat(forwarder.whenForwarded())
                .as("nobody has the ledger asked again at once")
                .isCompletedExceptionally();
        now = now.plusNanos(1);
        CompletableFuture<Void> waits = forwarder.whenForwarded();
        assertThat(waits).isNotDone();
        ledger.cut(false);
        forward();
        assertThat(waits).isCompleted();
    }

    @Test
    void whateverFailsAllThatWasAcknowledgedIsInTheLedgerOnceAndInOrder() {
        for (int seed = 0; seed < 25; seed++) {
            Random random = new Random(seed);
            List<String> acknowledged = new ArrayList<>();
            String run = "run " + seed + " ";
            int before = ledger.entries().size();
            for (int step = 0; step < 60; step++) {
                switch (random.nextInt(7)) {
                    case 0, 1 -> {
                        String[] texts = IntStream.range(0, 1 + random.nextInt(5))
                                .mapToObj(i -> run + (acknowledged.size() + i))
                                .toArray(String[]::new);
                        append(texts);
                        acknowledged.addAll(List.of(texts));
                    }
                    case 2, 3 -> forwarder.step();
                    case 4 -> ledger.fail(FAULTS.get(random.nextInt(3)), FAULTS.get(random.nextInt(3)));
                    case 5 -> reopen();
                    default -> {
                        int lost = random.nextInt(4);
                        ledger.restore(Math.max(before, ledger.entries().size() - lost));
                        now = now.plus(Duration.ofSeconds(random.nextInt(40)));
                    }
                }
            }
            ledger.mend();
            now = now.plus(TenantForwarder.ASK_EVERY);
            forward();
            assertThat(ledger.entries().subList(before, ledger.entries().size()))
                    .as("seed %d", seed)
                    .isEqualTo(acknowledged);
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file)));
            }
        }
        if (Files.getFileStore(to).supportsFileAttributeView("posix")) {
            Files.setPosixFilePermissions(to, Files.getPosixFilePermissions(from));
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }
}
