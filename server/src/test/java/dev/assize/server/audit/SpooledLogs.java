package dev.assize.server.audit;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;

/** Logs of what spools send, before stores of a test's. */
public final class SpooledLogs {

    private SpooledLogs() {}

    /** One that masks nothing. */
    public static SpooledLog of(SpoolRepository spools) {
        return new SpooledLog(
                spools,
                new AuditCodec(),
                tenant -> List.of(),
                (_, subject) -> subject,
                new SpoolMetrics(new SimpleMeterRegistry()));
    }
}
