package dev.assize.server.cli.policytest;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.base.Splitter;
import dev.assize.server.cli.policytest.TestSuite.TestCheck;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.Problems;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tests of the packs ask every cell of the role tables; whether they are answered as expected is theirs to say. */
class PackCoverageTest {

    private static final Path PACKS = Path.of("src/main/resources/policies");

    @ParameterizedTest
    @CsvSource({
        "audra-flow, audra, user:olivia, *",
        "audra-flow, audra, user:adam,   *",
        "audra-flow, audra, user:edith,  *",
        "audra-flow, audra, user:victor, *",
        "audra-flow, audra, user:gwen,   *",
        "causeflow, causeflow-acme, user:vera,                      *",
        "causeflow, causeflow-acme, user:oscar,                     *",
        "causeflow, causeflow-acme, user:ada,                       *",
        "causeflow, causeflow-acme, user:otto,                      *",
        "causeflow, causeflow-acme, agent:log-analyst,              *",
        "causeflow, causeflow-acme, agent:infrastructure-inspector, *",
        "causeflow, causeflow-acme, agent:change-analyst,           *",
        "causeflow, causeflow-acme, agent:remediator,               *",
        "flexor,    flexor,   user:bob@fund.com,   *",
        "flexor,    flexor,   user:alice@fund.com, *",
        "flexor,    flexor,   user:carol@fund.com, *",
        "flexor,    flexor,   user:dave@fund.com,  *",
        "flexor,    flexor,   service:scheduler,   *",
        "flexor,    flexor,   agent:feed-monitor,  *",
        "rbac-audit-pipeline, rbac-acme, user:rita,         *",
        "rbac-audit-pipeline, rbac-acme, user:ines,         *",
        "rbac-audit-pipeline, rbac-acme, user:conrad,       *",
        "rbac-audit-pipeline, rbac-acme, service:outbox,    *",
        "rbac-audit-pipeline, rbac-acme, service:verifier,  *",
        "rbac-audit-pipeline, rbac-acme, service:siem,      *",
        "rbac-audit-pipeline, rbac-acme, service:reporting, *",
        "rbac-audit-pipeline, rbac-globex, user:conrad,     *",
        "rbac-audit-pipeline, rbac-globex, service:outbox,  *",
        "traceflux, tenant-A, user:viewer,         incident replay approval suppression",
        "traceflux, tenant-A, user:noc-operator,   incident replay approval suppression",
        "traceflux, tenant-A, user:platform-admin, incident replay approval suppression drift api-key scoped-policy"
    })
    void everyHolderOfARoleIsAskedForEveryActionInEveryEnvironment(
            String pack, String tenant, String holder, String types) throws IOException {
        List<Document> documents = documents(pack, tenant);
        Subject subject = Subject.parse(holder);
        Set<Cell> expected = new HashSet<>();
        for (String type :
                types.equals("*") ? allTypes(documents) : Splitter.on(" ").splitToList(types)) {
            for (Action action : actionsOf(type, documents)) {
                environmentsOf(documents).forEach(env -> expected.add(new Cell(subject, type, action, env)));
            }
        }

        assertThat(asked(pack, tenant)).containsAll(expected);
    }

    private static List<String> allTypes(List<Document> documents) {
        return documents.stream()
                .filter(ResourceTypeDocument.class::isInstance)
                .map(Document::name)
                .toList();
    }

    private static Set<Cell> asked(String pack, String tenant) throws IOException {
        Set<Cell> asked = new HashSet<>();
        Problems problems = new Problems();
        for (Path file : yaml(PACKS.resolve(pack).resolve("tests"))) {
            for (TestSuite suite : new SuiteReader(problems).read(file.toString(), Files.readAllBytes(file))) {
                suite.checks().stream()
                        .filter(check -> check.query().tenant().value().equals(tenant))
                        .forEach(check -> asked.add(Cell.of(check)));
            }
        }
        assertThat(problems.toList()).isEmpty();
        return asked;
    }

    private static List<Document> documents(String pack, String tenant) throws IOException {
        List<Document> documents = new ArrayList<>();
        for (Path file : yaml(PACKS.resolve(pack))) {
            documents.addAll(DocumentReader.read(file.toString(), 1, Files.readAllBytes(file))
                    .documents());
        }
        documents.removeIf(document -> !document.scope().key().equals(tenant));
        return documents;
    }

    private static List<Action> actionsOf(String type, List<Document> documents) {
        return documents.stream()
                .filter(ResourceTypeDocument.class::isInstance)
                .map(ResourceTypeDocument.class::cast)
                .filter(document -> document.name().equals(type))
                .findFirst()
                .orElseThrow()
                .actions();
    }

    private static List<Environment> environmentsOf(List<Document> documents) {
        return documents.stream()
                .filter(TenantDocument.class::isInstance)
                .map(TenantDocument.class::cast)
                .findFirst()
                .orElseThrow()
                .environments();
    }

    private static List<Path> yaml(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(".yaml"))
                    .sorted()
                    .toList();
        }
    }

    private record Cell(Subject subject, String type, Action action, Environment env) {
        static Cell of(TestCheck check) {
            return new Cell(
                    check.query().subject(),
                    check.query().resource().type(),
                    check.query().action(),
                    check.query().env());
        }
    }
}
