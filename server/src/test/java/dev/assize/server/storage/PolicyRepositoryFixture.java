package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.PolicyRepository.Present;
import dev.assize.server.administration.PolicyRepository.RevisionRecord;
import dev.assize.server.administration.PolicyRepository.ScopePlan;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicySum;
import dev.assize.server.testing.EventBuilder;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;

/** Policy in PostgreSQL, with a tenant of its own for each test. */
@Timeout(60)
abstract class PolicyRepositoryFixture extends LedgerFixture {

    static final Recorder ALICE = new Recorder(new Subject("user", "alice"), new TenantId("home"));

    static PostgresPolicyRepository repository;

    PolicyScope scope;

    @BeforeAll
    static void create() {
        repository = new PostgresPolicyRepository(database, writer, CODEC);
    }

    @BeforeEach
    void nameScope() {
        scope = PolicyScope.of(tenant);
    }

    /** On a node that waits for nobody. */
    static void impatient(Consumer<PostgresPolicyRepository> work) {
        StorageConfig config = testDatabase.config();
        try (Database other = new Database(
                new StorageConfig(
                        config.location(),
                        config.ledgerName(),
                        config.poolSize(),
                        config.connectTimeout(),
                        Duration.ofSeconds(1),
                        config.idleTimeout()),
                InstantSource.system())) {
            other.start();
            work.accept(new PostgresPolicyRepository(
                    other, new LedgerWriter(other, CODEC, (_, _) -> {}, InstantSource.system()), CODEC));
        }
    }

    static void putPlatform() {
        repository.change(Set.of(PolicyScope.PLATFORM), present -> List.of(platformPlan(present)));
    }

    static ScopePlan platformPlan(Present present) {
        Revision platform = present.documents(PolicyScope.PLATFORM).revision();
        return plan(
                present,
                PolicyScope.PLATFORM,
                List.of(role(PolicyScope.PLATFORM, "p" + platform.value())),
                List.of(),
                "r");
    }

    static void put(TenantId other) {
        put(repository, PolicyScope.of(other), "a");
    }

    static void put(PostgresPolicyRepository node, PolicyScope where, String name) {
        node.change(
                Set.of(where), present -> List.of(plan(present, where, List.of(role(where, name)), List.of(), "r")));
    }

    List<Long> put(String... names) {
        return repository.change(
                Set.of(scope),
                present -> List.of(plan(
                        present,
                        scope,
                        List.of(names).stream().map(name -> role(scope, name)).toList(),
                        List.of(),
                        "r")));
    }

    static ScopePlan plan(
            Present present, PolicyScope scope, List<Document> puts, List<DocumentKey> deletes, String entryReason) {
        Revision revision = present.documents(scope).revision().next();
        return new ScopePlan(
                scope,
                revision,
                puts,
                deletes,
                PolicySum.of(puts),
                new RevisionRecord(
                        revision,
                        NOON,
                        ALICE,
                        Optional.of("because"),
                        puts.size() + deletes.size(),
                        Digest.sha256(),
                        Digest.sha256(new byte[1]),
                        -1),
                List.of(event(entryReason)),
                List.of(),
                null);
    }

    static AuditEvent event(String reason) {
        return EventBuilder.event("assize.test", ALICE.caller(), new Action("apply"), ResourcePath.parse("policy"))
                .env(new Environment("default"))
                .reason(reason)
                .build();
    }

    static Document role(PolicyScope scope, String name) {
        String tenantLine = scope.tenant().map(it -> "\n  tenant: " + it).orElse("");
        String yaml = """
                apiVersion: assize.dev/v1
                kind: Role
                metadata:
                  name: %s%s
                spec:
                  permissions:
                    - resources: [vault]
                      actions: [read]
                """.formatted(name, tenantLine);
        DocumentReader.ReadResult result = DocumentReader.read("roles.yaml", 1, yaml.getBytes(UTF_8));
        assertThat(result.problems()).isEmpty();
        return result.documents().getFirst();
    }

    static List<String> names(PolicySet set) {
        return set.documents().stream().map(Document::name).toList();
    }
}
