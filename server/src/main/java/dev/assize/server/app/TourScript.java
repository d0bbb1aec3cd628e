package dev.assize.server.app;

import dev.assize.client.AuditEvent;
import dev.assize.client.CheckResult;
import dev.assize.client.Question;
import java.util.List;

/** What the tour asks and records: TraceFlux's own examples. */
final class TourScript {

    static final String TENANT = "tenant-A";
    static final String OTHER_TENANT = "tenant-B";
    static final List<String> TENANTS = List.of(TENANT, OTHER_TENANT);
    static final String ACTOR = "user:noc-operator";

    /** Of as many bytes as the actor. */
    static final String FALSE_ACTOR = "user:day-operator";

    static final List<Check> CHECKS = List.of(
            in("staging", "user:noc-operator", "approve", "approval:incident-438", "ALLOWED"),
            in("staging", "user:noc-operator", "execute", "replay:922", "ALLOWED"),
            in("production", "user:noc-operator", "execute", "replay:922", "OUT_OF_SCOPE"),
            in("production", "user:viewer", "read", "incident:438", "ALLOWED"),
            in("production", "user:viewer", "write", "incident:438", "NO_GRANT"),
            in("staging", "service:replay", "execute", "replay:922", "ALLOWED"),
            in("staging", "service:replay", "edit", "scoped-policy:replay", "EXPLICIT_DENY"),
            in("production", "user:platform-admin", "modify", "suppression:rule-17", "ALLOWED"),
            in("production", "user:contractor", "read", "incident:438", "GRANT_EXPIRED"),
            in("production", "user:noc-operator", "execute", "reply:922", "TYPE_UNKNOWN"));

    /** In the other tenant, by subjects of the first. */
    static final List<Check> ACROSS = List.of(
            new Check(
                    Question.of("user:noc-operator", "incident:7", "read")
                            .inTenant(OTHER_TENANT)
                            .inEnv("production")
                            .fromTenant(TENANT),
                    "NO_GRANT"),
            new Check(
                    Question.of("user:security", "incident:7", "read")
                            .inTenant(OTHER_TENANT)
                            .inEnv("production")
                            .fromTenant(TENANT),
                    "ALLOWED"));

    static final List<String> NEXT_COMMANDS = List.of(
            "./assize explain user:noc-operator replay:922 execute --tenant tenant-A --env production",
            "./assize audit list --tenant tenant-A --actor user:noc-operator",
            "./assize audit verify --tenant tenant-A");

    private TourScript() {}

    /**
     * A question, and the reason the pack must give.
     *
     * @param expectedReason as the wire has it, without its prefix
     */
    record Check(Question question, String expectedReason) {}

    private static Check in(String env, String subject, String action, String resource, String expectedReason) {
        return new Check(Question.of(subject, resource, action).inTenant(TENANT).inEnv(env), expectedReason);
    }

    /** What was then done, each event with the decision it rests on. */
    static List<AuditEvent> events(List<CheckResult> results) {
        return List.of(
                AuditEvent.ofType("automation.approved")
                        .category("approval")
                        .actor(ACTOR)
                        .role("operator")
                        .action("approve")
                        .resource("approval:incident-438")
                        .env("staging")
                        .decision(results.get(0))
                        .reason("runbook 12, step 3")
                        .build(),
                AuditEvent.ofType("replay.executed")
                        .category("replay")
                        .actor("service:replay")
                        .role("replay-executor")
                        .action("execute")
                        .resource("replay:922")
                        .env("staging")
                        .decision(results.get(5))
                        .runId("replay-922")
                        .payload("{\"events\": 1840, \"matched\": true}")
                        .build(),
                AuditEvent.ofType("suppression.modified")
                        .category("suppression")
                        .actor("user:platform-admin")
                        .role("platform-admin")
                        .action("modify")
                        .resource("suppression:rule-17")
                        .env("production")
                        .decision(results.get(7))
                        .build(),
                AuditEvent.ofType("replay.refused")
                        .category("replay")
                        .actor(ACTOR)
                        .action("execute")
                        .resource("replay:922")
                        .env("production")
                        .outcome(AuditEvent.Outcome.DENIED)
                        .decision(results.get(2))
                        .reason(results.get(2).reason())
                        .build());
    }
}
