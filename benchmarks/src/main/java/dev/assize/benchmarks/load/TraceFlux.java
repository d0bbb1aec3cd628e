package dev.assize.benchmarks.load;

import dev.assize.client.Question;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Objects;

/** The policy pack of that name, which comes with the server, and one request that it allows. */
final class TraceFlux {

    private static final List<String> FILES = List.of("tenant-a.yaml", "tenant-b.yaml");
    private static final String TENANT = "tenant-A";

    /** Those of the pack; the first is asked about. */
    static final List<String> TENANTS = List.of(TENANT, "tenant-B");

    private static final String ENVIRONMENT = "staging";

    private TraceFlux() {}

    static void load(AssizeProcess server) throws IOException {
        for (String file : FILES) {
            try (InputStream yaml =
                    dev.assize.server.app.Main.class.getResourceAsStream("/policies/traceflux/" + file)) {
                server.apply(Objects.requireNonNull(yaml, file).readAllBytes());
            }
        }
    }

    static Question allowed() {
        return Question.of("user:viewer", "incident:1", "read").inTenant(TENANT).inEnv(ENVIRONMENT);
    }

    static Workload checks() {
        CheckRequest request = CheckRequest.newBuilder()
                .setSubject("user:viewer")
                .setResource("incident:1")
                .setAction("read")
                .setTenant(TENANT)
                .setEnv(ENVIRONMENT)
                .build();
        return new Workload(
                "traceflux",
                "Check",
                Workload.Kind.CHECK,
                Workload.frames(List.of(request)),
                1,
                (asked, message) -> CheckResponse.parseFrom(message).getDecision() == Decision.DECISION_ALLOW);
    }
}
