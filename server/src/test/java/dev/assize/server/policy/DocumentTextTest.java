package dev.assize.server.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentReader.ReadResult;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class DocumentTextTest {

    private static final PolicyScope TENANT_A = PolicyScope.of(new TenantId("tenant-A"));

    @Test
    void refusesStoredTextOfAnotherScope() {
        Document document = readOne("""
                apiVersion: assize.dev/v1
                kind: Group
                metadata: {tenant: tenant-B, name: noc}
                spec: {members: [user:olga]}
                """);

        assertThatThrownBy(() -> DocumentText.readStored(TENANT_A, DocumentText.write(document), "", List.of(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Group/noc");
    }

    @Test
    void refusesStoredTextThatIsNoDocument() {
        assertThatThrownBy(() -> DocumentText.readStored(TENANT_A, "kind: Group", "", List.of(1)))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void writesFieldsInOneOrderAndQuotesWhatCouldBeTakenForSomethingElse() {
        Document document = readOne("""
                kind: RoleBinding
                spec:
                  reason: "shift: night"
                  notBefore: 2026-01-01T01:00:00+01:00
                  scope: {resources: ["incident:438"], environments: ["*"]}
                  role: "no"
                  subjects: ['user:*', "*", 'group:noc']
                metadata: {labels: {team: "42", b: true-ish}, name: noc, tenant: tenant-A}
                apiVersion: assize.dev/v1
                """);

        assertThat(DocumentText.write(document)).isEqualTo("""
                apiVersion: assize.dev/v1
                kind: RoleBinding
                metadata:
                  tenant: tenant-A
                  name: noc
                  labels:
                    b: true-ish
                    team: "42"
                spec:
                  subjects:
                  - user:*
                  - "*"
                  - group:noc
                  role: "no"
                  scope:
                    environments:
                    - "*"
                    resources:
                    - incident:438
                  notBefore: "2026-01-01T00:00:00Z"
                  reason: "shift: night"
                """);
    }

    @Test
    void keepsTheLinesOfADocumentAndItsPermissions() {
        Document document = readOne("""
                # a comment
                ---
                apiVersion: assize.dev/v1
                kind: Role
                metadata: {name: viewer}
                spec:
                  permissions:
                    - {resources: [incident], actions: [read]}

                    - resources: [replay]
                      actions: [read]
                """);

        assertThat(DocumentText.lines(document)).containsExactly(3, 8, 10);
        assertThat(DocumentText.readStored(
                        PolicyScope.PLATFORM, DocumentText.write(document), "p.yaml", List.of(3, 8, 10)))
                .isEqualTo(document);
    }

    @Test
    void readsBackExactlyWhatItWrote() {
        long start = new SplittableRandom().nextLong();
        for (long seed = start; seed < start + 3_000; seed++) {
            Document document = new RandomDocuments(seed).next();
            String yaml = DocumentText.write(document);

            Document stored = DocumentText.readStored(
                    document.scope(), yaml, document.place().file(), DocumentText.lines(document));

            assertThat(stored).as("seed %d%n%s", seed, yaml).isEqualTo(document);
            assertThat(DocumentText.write(stored)).as("seed %d", seed).isEqualTo(yaml);
        }
    }

    private static Document readOne(String yaml) {
        ReadResult read = DocumentReader.read("p.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
        assertThat(read.problems()).isEmpty();
        return read.documents().getFirst();
    }
}
