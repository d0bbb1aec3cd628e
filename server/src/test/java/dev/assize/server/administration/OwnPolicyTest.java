package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.Invalid;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Nobody locks Assize for good: of the policy by which it guards itself, somebody is left who can undo what was done. */
final class OwnPolicyTest {

    private static final PolicyScope OWN = PolicyScope.of(TenantId.ASSIZE);

    /** May do all that it is asked for here, and gains nothing by it. */
    private static final Recorder SOMEBODY = new Recorder(Subject.parse("service:tests"), TenantId.ASSIZE);

    private final InstantSource clock = InstantSource.fixed(Instant.parse("2026-03-01T12:00:00Z"));
    private final InMemoryPolicyRepository repository =
            new InMemoryPolicyRepository(new InMemoryLedgerStore(clock, new AuditCodec()));
    private final PolicyAdministration administration =
            new PolicyAdministration(repository, new ForgetfulDecisions(), clock);

    @BeforeEach
    void begin() {
        assertThat(administration.applyFirst(new ChangeSet(bootstrap(), List.of(), List.of(), false, false, null)))
                .isInstanceOf(Accepted.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "tenant: true",
                "environment: default",
                "subject: 'user:admin'",
                "role: administrator",
                "action: lift",
                "resourceType: freeze",
                "resource: 'tenant:assize'",
                "environment: default, from: '2027-01-01T00:00:00Z'",
                "environment: default, until: '2027-01-01T00:00:00Z'",
            })
    void refusesAFreezeThatStopsEverybodyWhoCouldLiftIt(String target) {
        assertThat(apply(freeze(target), List.of())).isInstanceOf(Invalid.class);
        assertThat(((Invalid) apply(freeze(target), List.of()))
                        .problems()
                        .getFirst()
                        .message())
                .contains("somebody may still lift a freeze of tenant `assize`");
    }

    @Test
    void acceptsAFreezeThatSomebodyCanLift() {
        assertThat(apply(binding("officer", "'user:sec'", "security-officer", ""), List.of()))
                .isInstanceOf(Accepted.class);

        assertThat(apply(freeze("subject: 'user:admin'"), List.of())).isInstanceOf(Accepted.class);
        assertThat(apply(freeze("role: administrator"), List.of())).isInstanceOf(Accepted.class);
        assertThat(apply(freeze("resourceType: policy"), List.of())).isInstanceOf(Accepted.class);
        assertThat(apply(freeze("resource: 'tenant:acme'"), List.of())).isInstanceOf(Accepted.class);
        assertThat(apply(freeze("run: r"), List.of())).isInstanceOf(Accepted.class);
        assertThat(apply(freeze("action: lift"), List.of())).isInstanceOf(Invalid.class);
    }

    @Test
    void keepsSomebodyWhoMayApplyPolicyAndWhoMayLift() {
        DocumentKey first = new DocumentKey(OWN, Kind.ROLE_BINDING, "first-administrator");
        assertThat(apply("", List.of(first))).isInstanceOf(Invalid.class);
        assertThat(apply(binding("first-administrator", "'user:admin'", "auditor", ""), List.of()))
                .isInstanceOf(Invalid.class);
        assertThat(apply(
                        binding("first-administrator", "'user:admin'", "administrator", ", when: 'context.ok'"),
                        List.of()))
                .as("what a request must bring along, Assize's own never brings")
                .isInstanceOf(Invalid.class);
        assertThat(apply(binding("first-administrator", "'user:admin'", "security-officer", ""), List.of()))
                .as("who lifts, but nobody applies")
                .isInstanceOf(Invalid.class);
        assertThat(apply(binding("first-administrator", "'user:ann'", "tenant-administrator", ""), List.of()))
                .as("another one who may")
                .isInstanceOf(Accepted.class);
    }

    @Test
    void countsWhoIsInAGroup() {
        assertThat(apply(
                        "{apiVersion: assize.dev/v1, kind: Group, metadata: {tenant: assize, name: officers}, spec:"
                                + " {members: ['user:ann']}}\n---\n"
                                + binding("first-administrator", "'group:officers'", "administrator", ""),
                        List.of()))
                .isInstanceOf(Accepted.class);
    }

    @Test
    void refusesToDeleteTheTenantThatGuardsAssize() {
        List<DocumentKey> everything = administration.export(OWN).documents().stream()
                .map(Document::key)
                .toList();

        assertThat(apply("", everything)).isInstanceOf(Invalid.class);
    }

    private ChangeResult apply(String yaml, List<DocumentKey> deletes) {
        List<Document> puts = yaml.isEmpty() ? List.of() : read(yaml.getBytes(StandardCharsets.UTF_8));
        return administration.apply(
                new ChangeSet(puts, deletes, List.of(), false, false, null), SOMEBODY, tenant -> true, tenant -> true);
    }

    private static String freeze(String target) {
        return "{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: assize, name: stop}, spec: {" + target
                + ", reason: x}}";
    }

    private static String binding(String name, String subject, String role, String more) {
        return "{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: assize, name: " + name
                + "}, spec: {subjects: [" + subject + "], role: " + role + more + "}}";
    }

    private static List<Document> bootstrap() {
        try (InputStream yaml =
                Objects.requireNonNull(OwnPolicyTest.class.getResourceAsStream("/bootstrap/assize.yaml"))) {
            return read(yaml.readAllBytes());
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private static List<Document> read(byte[] yaml) {
        ReadResult result = DocumentReader.read("test.yaml", 1, yaml);
        assertThat(result.problems()).isEmpty();
        return result.documents();
    }
}
