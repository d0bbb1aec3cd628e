package dev.assize.server.app;

import static dev.assize.server.app.CentreFixture.with;
import static dev.assize.server.app.ServedSidecar.question;
import static dev.assize.server.app.ServedSidecar.refused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.AccessServiceGrpc;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.RevokeKeyRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a sidecar answers when its centre is away, or says no, and when it is back. */
@Timeout(240)
class SidecarFreshnessTest {

    private static final Duration BOUND = Duration.ofSeconds(5);

    private static final String PLATFORM_ROLE = """
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {name: everywhere}
            spec: {permissions: [{resources: [vault], actions: [%s]}]}
            """;

    private static final String ITS_BINDING = """
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: everywhere}
            spec: {subjects: ["user:alice"], role: everywhere}
            """;

    private static CentreFixture centre;
    private static String key;

    private final List<AutoCloseable> open = new ArrayList<>();

    @BeforeAll
    static void start(@TempDir Path directory) {
        centre = new CentreFixture(directory);
        centre.apply(ServedSidecar.POLICY);
        key = centre.key("acme", "recorded");
    }

    @AfterAll
    static void stop() {
        centre.close();
    }

    @AfterEach
    void close() throws Exception {
        centre.network().restore();
        for (AutoCloseable each : open.reversed()) {
            each.close();
        }
    }

    @Test
    void answersNothingBeyondTheBoundAndGoesOnWithChangesAlone() throws Exception {
        ServedSidecar sidecar = served("acme");
        assertThat(sidecar.ready()).contains("policy: ok", "centre: ok", "clock: ok");
        assertThat(sidecar.check(question().build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);

        long cutAt = System.nanoTime();
        centre.network().cut();
        long lastAnsweredAt = sidecar.untilSilent();
        assertThat(Duration.ofNanos(lastAnsweredAt - cutAt))
                .as("from the cut to the last question that was answered")
                .isBetween(Duration.ZERO, BOUND.plusMillis(1_500));
        assertThat(refused(() -> sidecar.check(question().build()))).isEqualTo("POLICY_STALE");
        assertThat(sidecar.ready())
                .contains("policy: not confirmed", "ATTENTION")
                .startsWith("503");

        String freeze = """
                apiVersion: assize.dev/v1
                kind: Freeze
                metadata: {tenant: acme, name: meanwhile}
                spec: {subject: "user:bob", reason: shown}
                """;
        long changed = centre.apply(freeze).getChanges(0).getRevision();
        centre.network().restore();
        assertThat(sidecar.until(Reason.REASON_ALLOWED).getRevision()).isEqualTo(changed);
        assertThat(sidecar.metric("assize_upstream_states_total{as=\"whole\"}")).isEqualTo(1);
        assertThat(sidecar.metric("assize_upstream_states_total{as=\"changes\"}"))
                .isPositive();
        centre.apply(
                "",
                dev.assize.proto.v1.DocumentKey.newBuilder()
                        .setTenant("acme")
                        .setKind("Freeze")
                        .setName("meanwhile")
                        .build());
    }

    @Test
    void takesNothingThatLayInTheNetworkForNew() throws Exception {
        ServedSidecar sidecar = served("acme");
        sidecar.check(question().build());
        centre.network().stall();
        sidecar.untilSilent();
        centre.network().restore();
        sidecar.until(Reason.REASON_ALLOWED);
    }

    /** What the connection took is no part of the age of what comes on it afterwards. */
    @Test
    void answersThoughItsConnectionTookLongerThanTheBound() {
        Path home = centre.home();
        Map<String, String> environment = environment(home, key, "acme");
        CentreFixture.sidecar(home, environment).close();
        environment.put("ASSIZE_UPSTREAM_TIMEOUT", "200ms");
        centre.network().stall();
        ServedSidecar sidecar = open(new ServedSidecar(home, CentreFixture.sidecar(home, environment)));
        long begun = System.nanoTime();
        while (System.nanoTime() - begun < BOUND.plusSeconds(1).toNanos()) {
            LockSupport.parkNanos(20_000_000);
        }
        assertThat(refused(() -> sidecar.check(question().build()))).isEqualTo("POLICY_STALE");
        centre.network().restore();
        sidecar.until(Reason.REASON_ALLOWED);
    }

    @Test
    void makesANewConnectionWhereTheOldOneBringsNothing() throws Exception {
        ServedSidecar sidecar = served("acme,recorded");
        assertThat(sidecar.check(question().build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);
        centre.network().strand();
        sidecar.untilSilent();
        long silentAt = System.nanoTime();
        sidecar.until(Reason.REASON_ALLOWED);
        assertThat(Duration.ofNanos(System.nanoTime() - silentAt))
                .as("where the connection's own end is found out after 40 s")
                .isLessThan(Duration.ofSeconds(20));
    }

    @Test
    void answersNothingOnceItsKeyIsRevoked() {
        String own = centre.key("acme");
        Path home = centre.home();
        ServedSidecar sidecar =
                open(new ServedSidecar(home, CentreFixture.sidecar(home, environment(home, own, "acme"))));
        assertThat(sidecar.check(question().build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);
        var _ = with(AccessServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .revokeKey(RevokeKeyRequest.newBuilder()
                        .setTenant("acme")
                        .setId(own.split("_", -1)[1])
                        .build());
        sidecar.untilSilent();
        assertThat(refused(() -> sidecar.check(question().build()))).isEqualTo("POLICY_STALE");
    }

    @Test
    void whatItsKeyMayNotDoAnyMoreItDoesNotHoweverMuchChanges() {
        String role = """
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {tenant: assize, name: of-another}
                spec: {permissions: [{resources: [policy], actions: [%s]}]}
                ---
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata: {tenant: assize, name: others}
                spec:
                  subjects: ["service:another"]
                  role: of-another
                  fromTenant: acme
                  scope: {resources: ["tenant:acme"]}
                """;
        centre.apply(role.formatted("watch, read, check"));
        Path home = centre.home();
        Map<String, String> environment = environment(home, centre.keyOf("acme", "service:another", "acme"), "acme");
        ServedSidecar sidecar = open(new ServedSidecar(home, CentreFixture.sidecar(home, environment)));
        assertThat(sidecar.check(question().build()).getReason()).isEqualTo(Reason.REASON_ALLOWED);
        centre.apply(role.formatted("watch, read"));
        String last = "nothing";
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        for (int i = 0; last.equals("nothing") && System.nanoTime() < deadline; i++) {
            centre.apply("""
                    apiVersion: assize.dev/v1
                    kind: Freeze
                    metadata: {tenant: acme, name: everywhere}
                    spec: {subject: "user:bob", reason: "change %d"}
                    """.formatted(i));
            LockSupport.parkNanos(100_000_000);
            last = refused(() -> sidecar.check(question().build()));
        }
        assertThat(last).isEqualTo("PERMISSION_MISSING");
        centre.apply("", named("acme", "Freeze"));
    }

    @Test
    void startsWithoutItsCentreAndAnswersWhenThatIsBack() {
        Path home = centre.home();
        Map<String, String> environment = environment(home, key, "acme");
        CentreFixture.sidecar(home, environment).close();
        environment.put("ASSIZE_UPSTREAM_TIMEOUT", "200ms");
        centre.network().cut();
        ServedSidecar sidecar = open(new ServedSidecar(home, CentreFixture.sidecar(home, environment)));
        assertThat(refused(() -> sidecar.check(question().build()))).isEqualTo("POLICY_STALE");
        centre.network().restore();
        sidecar.until(Reason.REASON_ALLOWED);
    }

    /** It would be remembered as whoever it was taken for, and what it appends in its own name refused at the centre. */
    @Test
    void letsNobodyInBeforeItKnowsWhoItIs() {
        Path home = centre.home();
        Map<String, String> environment = environment(home, key, "acme");
        environment.put("ASSIZE_AUTHENTICATION_CACHE_TTL", "60s");
        CentreFixture.sidecar(home, environment).close();
        environment.put("ASSIZE_UPSTREAM_TIMEOUT", "200ms");
        centre.network().cut();
        ServedSidecar sidecar = open(new ServedSidecar(home, CentreFixture.sidecar(home, environment)));
        assertThat(refused(() -> sidecar.check(question().build()))).isEqualTo("POLICY_STALE");
        assertThat(refused(() -> sidecar.check(question().setTenant("recorded").build())))
                .as("where a caller who was let in would be told that the key does not reach it")
                .isEqualTo("POLICY_STALE");
        centre.network().restore();
        sidecar.until(Reason.REASON_ALLOWED);
        assertThat(with(LedgerServiceGrpc.newBlockingStub(sidecar.channel()), sidecar.key())
                        .appendAudit(AppendAuditRequest.newBuilder()
                                .setTenant("acme")
                                .addEvents(AuditEvent.newBuilder()
                                        .setType("vault.looked")
                                        .setAction("look")
                                        .setResource("vault:1")
                                        .setOutcome(dev.assize.proto.v1.Outcome.OUTCOME_SUCCESS))
                                .build())
                        .getEntriesCount())
                .isEqualTo(1);
    }

    @Test
    void aTenantThatLagsKeepsNoOtherFromThePlatform() throws Exception {
        centre.apply(PLATFORM_ROLE.formatted("peek") + "---\n" + ITS_BINDING);
        ServedSidecar sidecar = served("acme,recorded");
        CheckRequest peek = question().setAction("peek").build();
        assertThat(sidecar.check(peek).getReason()).isEqualTo(Reason.REASON_ALLOWED);
        assertThat(sidecar.check(question().setTenant("recorded").build()).getReason())
                .isEqualTo(Reason.REASON_ALLOWED);
        Path mark = sidecar.home().resolve("policy-seen").resolve("recorded");
        Files.delete(mark);
        // What the other tenant's stream brings from now on cannot be taken, for it cannot be noted.
        Files.createDirectories(mark.resolve("in-the-way"));

        long platform =
                centre.apply(PLATFORM_ROLE.formatted("look")).getChanges(0).getRevision();
        CheckResponse denied = sidecar.until(Reason.REASON_NO_GRANT, peek);
        assertThat(denied.getPlatformRevision()).isEqualTo(platform);
        // Each tenant's stream brings it in its own time.
        sidecar.untilReadySays("ATTENTION: `recorded`");
        centre.apply("", named("acme", "RoleBinding"), named("", "Role"));
    }

    private static dev.assize.proto.v1.DocumentKey named(String tenant, String kind) {
        return dev.assize.proto.v1.DocumentKey.newBuilder()
                .setTenant(tenant)
                .setKind(kind)
                .setName("everywhere")
                .build();
    }

    private static Map<String, String> environment(Path home, String itsKey, String tenants) {
        Map<String, String> environment = centre.environment(home, itsKey, tenants);
        environment.put("ASSIZE_DECISION_FRESHNESS_BOUND", BOUND.toSeconds() + "s");
        return environment;
    }

    private ServedSidecar served(String tenants) {
        Path home = centre.home();
        return open(new ServedSidecar(home, CentreFixture.sidecar(home, environment(home, key, tenants))));
    }

    private ServedSidecar open(ServedSidecar sidecar) {
        open.add(sidecar);
        return sidecar;
    }
}
