package dev.assize.server.policy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FieldPlacesTest {

    private static final String FIRST = """
            apiVersion: assize.dev/v1
            kind: Tenant
            metadata: {name: acme}
            spec: {environments: [staging]}
            ---
            apiVersion: assize.dev/v1
            kind: ResourceType
            metadata: {tenant: acme, name: replay}
            spec:
              actions: [read, a.b]
              implies:
                a.b: [read, write]
            """;

    private static final String SECOND = """
            apiVersion: assize.dev/v1
            kind: Role
            metadata: {tenant: acme, name: operator}
            spec:
              inherits: [nobody]
              permissions:
                - resources: [replay]
                  actions: [read]
                - resources: [replay, rerun]
                  actions: [read]
                  environments: ["staging", prod]
            """;

    @Test
    void problemsOfTheWholeStandAtTheirFields() {
        assertThat(placesOf(judged()))
                .containsExactlyInAnyOrder("a.yaml:12:17", "b.yaml:105:14", "b.yaml:109:27", "b.yaml:111:33");
    }

    @Test
    void whatWasNeverReadKeepsItsPlace() {
        Problem elsewhere = new Problem(new SourcePlace("c.yaml", 4, 0), "Role/x: spec.inherits[0]", "y", "a role");
        Problem nowhere = new Problem(SourcePlace.UNKNOWN, "Role/x: delete", "x", "a role");
        assertThat(new FieldPlaces().refine(List.of(elsewhere, nowhere))).containsExactly(elsewhere, nowhere);
    }

    private static List<String> placesOf(List<Problem> problems) {
        return problems.stream()
                .map(problem -> problem.place() + ":" + problem.place().column())
                .toList();
    }

    private static List<Problem> judged() {
        FieldPlaces places = new FieldPlaces();
        List<Document> documents = new ArrayList<>();
        documents.addAll(read(places, "a.yaml", 1, FIRST));
        documents.addAll(read(places, "b.yaml", 101, SECOND));
        PolicySet policy = PolicySet.of(PolicyScope.of(new TenantId("acme")), new Revision(1), documents);
        return places.refine(PolicyValidator.validate(policy, PolicySet.empty(PolicyScope.PLATFORM)));
    }

    private static List<Document> read(FieldPlaces places, String file, int line, String yaml) {
        places.add(file, line, yaml.getBytes(UTF_8));
        DocumentReader.ReadResult result = DocumentReader.read(file, line, yaml.getBytes(UTF_8));
        assertThat(result.problems()).isEmpty();
        return result.documents();
    }
}
