package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.ScopeChange;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;

/** Policy administration over stores in memory, what is put into it, and what comes of it. */
abstract class AdministrationFixture {

    static final TenantId ACME_ID = new TenantId("acme");
    static final PolicyScope ACME = PolicyScope.of(ACME_ID);
    static final Recorder ALICE = new Recorder(Subject.parse("user:alice"), TenantId.ASSIZE);
    static final String TENANT = """
        apiVersion: assize.dev/v1
        kind: Tenant
        metadata: {name: acme}
        spec: {environments: [default]}
        ---
        """;

    final InstantSource clock = InstantSource.fixed(Instant.parse("2026-03-01T12:00:00Z"));
    final InMemoryLedgerStore ledger = new InMemoryLedgerStore(clock, new AuditCodec());
    final InMemoryPolicyRepository repository = new InMemoryPolicyRepository(ledger);
    final ForgetfulDecisions decisions = new ForgetfulDecisions();
    final PolicyAdministration administration = new PolicyAdministration(repository, decisions, clock);

    ChangeResult put(String yaml) {
        return change(yaml, List.of(), false);
    }

    ChangeResult change(String yaml, List<DocumentKey> deletes, boolean dryRun) {
        return administration.apply(
                new ChangeSet(read(yaml), deletes, List.of(), dryRun, false, "for the test"), ALICE, tenant -> true);
    }

    static List<ScopeChange> accepted(ChangeResult result) {
        assertThat(result).isInstanceOf(Accepted.class);
        return ((Accepted) result).changes();
    }

    static List<Document> read(String yaml) {
        if (yaml.isEmpty()) {
            return List.of();
        }
        ReadResult result = DocumentReader.read("test.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
        assertThat(result.problems()).isEmpty();
        return result.documents();
    }

    List<AuditEvent> events(TenantId tenant) {
        AuditCodec codec = new AuditCodec();
        return ledger.rows(tenant).values().stream()
                .map(entry -> codec.decode(entry.frame(), entry.entryHash()).event())
                .toList();
    }

    static String role(String name) {
        return """
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: acme, name: %s}
            spec: {permissions: [{resources: [replay], actions: [read]}]}
            """.formatted(name);
    }

    static String binding(String name, String role) {
        return """
            apiVersion: assize.dev/v1
            kind: RoleBinding
            metadata: {tenant: acme, name: %s}
            spec: {subjects: ["user:alice"], role: %s}
            """.formatted(name, role);
    }
}
