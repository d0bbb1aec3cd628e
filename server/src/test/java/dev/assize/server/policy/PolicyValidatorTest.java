package dev.assize.server.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentReader.ReadResult;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyValidatorTest {

    private static final PolicyScope ACME = PolicyScope.of(new TenantId("acme"));
    private static final String TENANT = document("Tenant", "acme", "environments: [staging, production]");
    private static final String VIEWER = document("Role", "viewer", permission("incident", "read"));
    private static final String INCIDENT = document("ResourceType", "incident", "actions: [read, write]");

    @Test
    void refusesABindingWhoseRoleDoesNotExist() {
        assertThat(validate(TENANT, document("RoleBinding", "b", "{subjects: [user:a], role: viewr}")))
                .containsExactly(
                        "p.yaml:8: RoleBinding/b: spec.role: `viewr`: expected an existing role of tenant `acme`"
                                + " or of the platform");
    }

    @Test
    void refusesGroupsThatDoNotExistInBindingsAndGroups() {
        assertThat(validate(
                        TENANT,
                        VIEWER,
                        document("RoleBinding", "b", "{subjects: [user:a, group:noc], role: viewer}"),
                        document("Group", "g", "{members: [user:a, group:gone]}")))
                .satisfiesExactly(
                        problem -> assertThat(problem)
                                .contains(
                                        "Group/g: spec.members[1]: `group:gone`", "an existing group of tenant `acme`"),
                        problem -> assertThat(problem).contains("RoleBinding/b: spec.subjects[1]: `group:noc`"));
    }

    @Test
    void refusesToInheritARoleThatDoesNotExist() {
        assertThat(validate(TENANT, document("Role", "r", "{inherits: [viewer, gone]}"), VIEWER))
                .singleElement()
                .asString()
                .contains("Role/r: spec.inherits[1]: `gone`");
    }

    @Test
    void refusesEnvironmentsTheTenantDoesNotDeclare() {
        assertThat(validate(
                        TENANT,
                        document(
                                "Role",
                                "r",
                                "permissions: [{resources: [x], actions: [a], environments: [staging, prod]}]"),
                        document(
                                "RoleBinding",
                                "b",
                                "{subjects: [user:a], role: r, scope: {environments: [test, staging]}}")))
                .satisfiesExactly(
                        problem -> assertThat(problem)
                                .contains(
                                        "Role/r: spec.permissions[0].environments[1]: `prod`",
                                        "`Tenant/acme` declares"),
                        problem -> assertThat(problem).contains("RoleBinding/b: spec.scope.environments[0]: `test`"));
    }

    @Test
    void refusesDocumentsOfATenantWithoutTenantDocument() {
        assertThat(validate(VIEWER))
                .containsExactly("p.yaml:1: Tenant/acme: missing: expected a document of kind `Tenant`"
                        + " as long as the tenant has others: it has 1, among them `Role/viewer`");
    }

    @Test
    void refusesARoleThatInheritsItselfAndNamesTheCircle() {
        assertThat(validate(
                        TENANT,
                        document("Role", "a", "{inherits: [b]}"),
                        document("Role", "b", "{inherits: [c]}"),
                        document("Role", "c", "{inherits: [a]}")))
                .singleElement()
                .asString()
                .contains("Role/a: spec.inherits: `a -> b -> c -> a`", "a role that does not inherit itself");
    }

    @Test
    void refusesGroupsThatContainThemselves() {
        assertThat(validate(
                        TENANT,
                        document("Group", "a", "{members: [group:b]}"),
                        document("Group", "b", "{members: [user:x, group:a]}"),
                        document("Group", "self", "{members: [group:self]}")))
                .satisfiesExactly(
                        problem -> assertThat(problem).contains("Group/a: spec.members: `a -> b -> a`"),
                        problem -> assertThat(problem).contains("Group/self: spec.members: `self -> self`"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"Role", "Group"})
    void refusesSeventeenLevelsAndAcceptsSixteen(String kind) {
        assertThat(validate(chain(kind, 16))).isEmpty();
        assertThat(validate(chain(kind, 17)))
                .singleElement()
                .asString()
                .contains(kind + "/n0: spec.", "`17 deep`", "at most 16");
        assertThat(validate(chain(kind, 40))).singleElement().asString().contains(kind + "/n23: spec.");
    }

    @Test
    void countsThePlatformsLevelsOfInheritance() {
        String[] platform = new String[16];
        for (int i = 0; i < 16; i++) {
            platform[i] = platformDocument(
                    "Role", "p" + i, i == 15 ? permission("x", "a") : "{inherits: [p" + (i + 1) + "]}");
        }
        String ok = document("Role", "t", "{inherits: [p0]}");
        String tooDeep = document("Role", "u", "{inherits: [t]}");

        assertThat(validateWith(platform, TENANT, ok)).isEmpty();
        assertThat(validateWith(platform, TENANT, ok, tooDeep))
                .singleElement()
                .asString()
                .contains("Role/u");
    }

    @Test
    void acceptsAnyTypeWhereNoneIsDeclared() {
        assertThat(validate(TENANT, VIEWER)).isEmpty();
    }

    @Test
    void refusesUndeclaredTypesAndActionsOnceATypeIsDeclared() {
        assertThat(validate(
                        TENANT,
                        INCIDENT,
                        document(
                                "Role",
                                "r",
                                "permissions: [{resources: [incident, replay], actions: [read, execute]}]"),
                        document(
                                "RoleBinding",
                                "b",
                                "{subjects: [user:a], role: r, scope: {resourceTypes: [incident, vault]}}")))
                .satisfiesExactly(
                        problem -> assertThat(problem).contains("Role/r: spec.permissions[0].resources[1]: `replay`"),
                        problem -> assertThat(problem)
                                .contains(
                                        "Role/r: spec.permissions[0].actions[1]: `execute`",
                                        "one of the permission's resource types declares"),
                        problem -> assertThat(problem).contains("RoleBinding/b: spec.scope.resourceTypes[1]: `vault`"));
    }

    @Test
    void refusesAnActionThatOnlyAnotherTypeDeclares() {
        String replay = document("ResourceType", "replay", "actions: [execute]");

        assertThat(validate(TENANT, INCIDENT, replay, document("Role", "r", permission("incident", "execute"))))
                .singleElement()
                .asString()
                .contains("`execute`");
        assertThat(validate(TENANT, INCIDENT, replay, document("Role", "r", permission("\"*\"", "execute"))))
                .isEmpty();
        assertThat(validate(TENANT, INCIDENT, replay, document("Role", "r", permission("\"*\"", "fly"))))
                .singleElement()
                .asString()
                .contains("an action that a resource type declares");
    }

    @Test
    void countsThePlatformsTypesAsDeclared() {
        String[] platform = {platformDocument("ResourceType", "incident", "actions: [read]")};

        assertThat(validateWith(platform, TENANT, VIEWER)).isEmpty();
        assertThat(validateWith(platform, TENANT, document("Role", "r", permission("replay", "read"))))
                .hasSize(2);
    }

    @Test
    void refusesToImplyUndeclaredActions() {
        assertThat(validate(
                        TENANT,
                        document(
                                "ResourceType",
                                "t",
                                "{actions: [read, full], implies: {full: [read, fly], go: [\"*\"]}}")))
                .satisfiesExactly(
                        problem -> assertThat(problem).contains("ResourceType/t: spec.implies.full[1]: `fly`"),
                        problem -> assertThat(problem).contains("ResourceType/t: spec.implies.go: `go`"));
    }

    @Test
    void refusesNamesThatThePlatformDefines() {
        String[] platform = {
            platformDocument("Role", "viewer", permission("incident", "read")),
            platformDocument("ResourceType", "incident", "actions: [read]")
        };

        assertThat(validateWith(platform, TENANT, VIEWER, INCIDENT))
                .hasSize(2)
                .allSatisfy(
                        problem -> assertThat(problem).contains("a name that the platform does not define already"));
    }

    @Test
    void letsATenantUseThePlatformsRoles() {
        String[] platform = {platformDocument("Role", "viewer", permission("incident", "read"))};

        assertThat(validateWith(
                        platform,
                        TENANT,
                        document("Role", "r", "{inherits: [viewer]}"),
                        document("RoleBinding", "b", "{subjects: [user:a], role: viewer}")))
                .isEmpty();
    }

    @Test
    void refusesPlatformRolesThatInheritWhatThePlatformLacks() {
        PolicySet platform = set(PolicyScope.PLATFORM, platformDocument("Role", "r", "{inherits: [gone]}"));

        assertThat(PolicyValidator.validatePlatform(platform))
                .singleElement()
                .asString()
                .contains("`gone`: expected an existing role of the platform");
    }

    @Test
    void saysAllThatIsWrongAtOnceUpToABound() {
        List<String> subjects = new ArrayList<>();
        for (int i = 0; i < Problems.MAX + 5; i++) {
            subjects.add("group:g" + i);
        }

        assertThat(validate(
                        TENANT,
                        VIEWER,
                        document("RoleBinding", "b", "{subjects: [" + String.join(",", subjects) + "], role: viewer}")))
                .hasSize(Problems.MAX + 1)
                .last()
                .asString()
                .contains("5 more problems");
    }

    @Test
    void judgesAHundredThousandDocumentsInSeconds() {
        int count = 100_000;
        List<Document> documents = new ArrayList<>(read(TENANT + VIEWER + INCIDENT));
        Document.GroupDocument group = (Document.GroupDocument)
                read(document("Group", "g", "{members: [user:a]}")).getFirst();
        for (int i = 0; i < count; i++) {
            Metadata metadata = new Metadata(ACME, "g" + i, group.metadata().labels(), null);
            documents.add(
                    new Document.GroupDocument(metadata, group.place(), List.of(Subject.parse("group:g" + (i + 1)))));
        }
        PolicySet set = PolicySet.of(ACME, new Revision(1), documents);

        List<Problem> problems = Assertions.assertTimeout(
                Duration.ofSeconds(10), () -> PolicyValidator.validate(set, PolicySet.empty(PolicyScope.PLATFORM)));

        assertThat(problems).hasSize(2);
    }

    private static String[] chain(String kind, int edges) {
        String field = kind.equals("Role") ? "inherits" : "members";
        String reference = kind.equals("Role") ? "n" : "group:n";
        String end = kind.equals("Role") ? permission("x", "a") : "{members: [user:a]}";
        String[] documents = new String[edges + 2];
        documents[0] = TENANT;
        for (int i = 0; i <= edges; i++) {
            String spec = i == edges ? end : "{" + field + ": [\"" + reference + (i + 1) + "\"]}";
            documents[i + 1] = document(kind, "n" + i, spec);
        }
        return documents;
    }

    private static String permission(String type, String action) {
        return "{permissions: [{resources: [" + type + "], actions: [" + action + "]}]}";
    }

    private static String document(String kind, String name, String spec) {
        String tenant = kind.equals("Tenant") ? "" : "  tenant: acme\n";
        return "apiVersion: assize.dev/v1\nkind: " + kind + "\nmetadata:\n" + tenant + "  name: " + name + "\nspec:\n  "
                + spec + "\n---\n";
    }

    private static String platformDocument(String kind, String name, String spec) {
        return document(kind, name, spec).replace("  tenant: acme\n", "");
    }

    private static List<String> validate(String... documents) {
        return validateWith(new String[0], documents);
    }

    private static List<String> validateWith(String[] platform, String... documents) {
        return PolicyValidator.validate(set(ACME, documents), set(PolicyScope.PLATFORM, platform)).stream()
                .map(Problem::message)
                .toList();
    }

    private static PolicySet set(PolicyScope scope, String... documents) {
        return PolicySet.of(scope, new Revision(1), read(String.join("", documents)));
    }

    private static List<Document> read(String yaml) {
        ReadResult read = DocumentReader.read("p.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
        assertThat(read.problems()).isEmpty();
        return read.documents();
    }
}
