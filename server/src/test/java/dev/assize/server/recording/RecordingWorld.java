package dev.assize.server.recording;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.DecisionMade;
import dev.assize.server.ledger.BesideCheck;
import dev.assize.server.model.TenantId;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** What tests of other rooms need of this one. */
public final class RecordingWorld {

    /** Whose decisions the random ones are. */
    public static final TenantId TENANT = Decisions.ACME;

    private RecordingWorld() {}

    /** A recorder that waits for nothing. */
    public static PackingRecorder recorder(DecisionStore store) {
        return new PackingRecorder(
                store,
                new AuditCodec(),
                new DecisionCodec(),
                new RecordingConfig(
                        1_000,
                        Duration.ZERO,
                        32_768,
                        131_072,
                        128L << 20,
                        Duration.ofMillis(250),
                        Duration.ofSeconds(10)),
                new RecordingMetrics(new SimpleMeterRegistry()));
    }

    /** Verifies what is beside entries. */
    public static BesideCheck check(DecisionStore store) {
        return new PackCheck(store, new AuditCodec());
    }

    /** Random decisions, the same for the same seed. */
    public static List<DecisionMade> decisions(long seed, int count) {
        SplittableRandom dice = new SplittableRandom(seed);
        return IntStream.range(0, count)
                .mapToObj(i -> Decisions.random(dice, "d-" + seed + "-" + i))
                .toList();
    }
}
