package dev.assize.server.administration;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.CleanUp.Result;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentReader;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

class CleanUpTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final Duration DAYS = Duration.ofDays(90);
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final Instant LONG_AGO = NOON.minus(DAYS);
    private static final String TENANT = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [default]}
            ---
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: acme, name: r}
            spec: {permissions: [{resources: [doc], actions: [read]}]}
            """;

    private final InstantSource clock = InstantSource.fixed(NOON);
    private final InMemoryLedgerStore ledger = new InMemoryLedgerStore(clock, new AuditCodec());
    private final InMemoryPolicyRepository repository = new InMemoryPolicyRepository(ledger);
    private final ForgetfulDecisions decisions = new ForgetfulDecisions();
    private final PolicyAdministration administration = new PolicyAdministration(repository, decisions, clock);
    private final CleanUp cleanUp = new CleanUp(repository, decisions, clock);
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    @Test
    void knowsNoTenantThatIsNotThere() {
        assertThat(cleanUp.find(ACME, DAYS)).isEqualTo(new Result.NoSuchTenant());
        assertThat(cleanUp.run(ACME, DAYS, Recorder.ASSIZE)).isEqualTo(new Result.NoSuchTenant());
    }

    @Test
    void leavesWhatHasNotEndedForSoLongWhatAManagerKeepsAndWhatIsNoBinding() {
        put(TENANT
                + binding("just-short", "notAfter: " + LONG_AGO.plusNanos(1), "")
                + binding("endless", "notBefore: 2020-01-01T00:00:00Z", "")
                + binding("managed", "notAfter: 2020-01-01T00:00:00Z", ", manager: ci")
                + "---\n{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: over}, spec:"
                + " {tenant: true, reason: r, until: 2020-01-01T00:00:00Z}}\n");

        assertThat(cleanUp.run(ACME, DAYS, Recorder.ASSIZE)).isEqualTo(new Result.Found(List.of(), false));
        assertThat(repository.current(PolicyScope.of(ACME)).revision()).isEqualTo(new Revision(1));
    }

    @Test
    void onlySaysWhatWouldGoWhereItIsOnlyAsked() {
        put(TENANT + binding("ended", "notAfter: " + LONG_AGO, ""));

        assertThat(cleanUp.find(ACME, DAYS))
                .isInstanceOfSatisfying(
                        Result.Found.class,
                        found -> assertThat(found.ended())
                                .extracting(Document::name)
                                .containsExactly("ended"));
        assertThat(repository.current(PolicyScope.of(ACME)).revision()).isEqualTo(new Revision(1));
    }

    @Test
    void deletesWhatHasEndedForSoLongInOneRecordedChange() {
        put(TENANT
                + binding("ended", "notAfter: " + LONG_AGO, "")
                + binding("ended-earlier", "notAfter: 2020-01-01T00:00:00Z", "")
                + binding("in-force", "notAfter: 2030-01-01T00:00:00Z", ""));

        assertThat(cleanUp.run(ACME, DAYS, Recorder.ASSIZE)).isInstanceOfSatisfying(Result.Deleted.class, deleted -> {
            assertThat(deleted.ended()).extracting(Document::name).containsExactly("ended", "ended-earlier");
            assertThat(deleted.revision()).isEqualTo(new Revision(2));
            assertThat(deleted.more()).isFalse();
            assertThat(payload(deleted.seq()))
                    .contains("\"origin\":\"clean-up\"", "\"actor\":\"service:assize\"", "\"count\":2");
        });
        assertThat(repository.current(PolicyScope.of(ACME)).documents())
                .extracting(Document::name)
                .containsExactlyInAnyOrder("acme", "r", "in-force");
        assertThat(cleanUp.run(ACME, DAYS, Recorder.ASSIZE)).isEqualTo(new Result.Found(List.of(), false));
    }

    @Test
    void deletesNoMoreThanAThousandInOneChange() {
        StringBuilder policy = new StringBuilder(TENANT);
        for (int i = 0; i < CleanUp.MOST + 1; i++) {
            policy.append(binding("b" + i, "notAfter: 2020-01-01T00:00:00Z", ""));
        }
        put(policy.toString());

        assertThat(cleanUp.run(ACME, DAYS, Recorder.ASSIZE)).isInstanceOfSatisfying(Result.Deleted.class, deleted -> {
            assertThat(deleted.ended()).hasSize(CleanUp.MOST);
            assertThat(deleted.more()).isTrue();
        });
        assertThat(cleanUp.run(ACME, DAYS, Recorder.ASSIZE)).isInstanceOfSatisfying(Result.Deleted.class, deleted -> {
            assertThat(deleted.ended()).hasSize(1);
            assertThat(deleted.more()).isFalse();
        });
    }

    @Test
    void goesThroughAllTenantsWhenItsTurnHasComeAndOnlyThen() {
        put(TENANT + binding("ended", "notAfter: 2020-01-01T00:00:00Z", ""));
        Turns turns = new Turns(false, true);
        try (CleanUpTask task = new CleanUpTask(cleanUp, turns, CleanUpConfig.defaults(), meters)) {
            task.round();
            assertThat(repository.current(PolicyScope.of(ACME)).revision()).isEqualTo(new Revision(1));
            task.round();
        }
        assertThat(repository.current(PolicyScope.of(ACME)).revision()).isEqualTo(new Revision(2));
        assertThat(turns.ended).containsExactly(Duration.ofDays(1));
        assertThat(meters.get("assize.cleanup.deleted").counter().count()).isOne();
        assertThat(meters.get("assize.cleanup.failed").counter().count()).isZero();
    }

    @Test
    void doesNothingByItselfWhereItIsSwitchedOff() {
        Turns turns = new Turns(true);
        try (CleanUpTask task =
                new CleanUpTask(cleanUp, turns, new CleanUpConfig(false, Duration.ofDays(90)), meters)) {
            task.start();
        }
        assertThat(turns.coming).containsExactly(true);
    }

    private String payload(long seq) {
        StoredEntry entry = requireNonNull(ledger.rows(ACME).get(seq));
        return String.valueOf(new AuditCodec()
                .decode(entry.frame(), entry.entryHash())
                .event()
                .payload());
    }

    private void put(String yaml) {
        List<Document> documents = DocumentReader.read("p.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8))
                .documents();
        ChangeResult result = administration.apply(
                new ChangeSet(documents, List.of(), List.of(), false, false, null), Recorder.ASSIZE, any -> true);
        assertThat(result).isInstanceOf(ChangeResult.Accepted.class);
    }

    private static String binding(String name, String time, String metadata) {
        return """
            ---
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: %s%s}
            spec: {subjects: ["user:alice"], role: r, %s}
            """.formatted(name, metadata, time);
    }

    /** Turns that come as they are told to. */
    private static final class Turns implements CleanUpTurns {

        private final Deque<Boolean> coming = new ArrayDeque<>();
        private final List<Duration> ended = new ArrayList<>();

        Turns(Boolean... coming) {
            this.coming.addAll(List.of(coming));
        }

        @Override
        public boolean take(Duration meanwhile) {
            return coming.remove();
        }

        @Override
        public void done(Duration later) {
            ended.add(later);
        }

        @Override
        public List<TenantId> tenants() {
            return List.of(new TenantId("nowhere"), ACME);
        }
    }
}
