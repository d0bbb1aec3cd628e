package dev.assize.server.decision.compile;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.SubjectPattern;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class GraphCompilerTest {

    private static final PolicyScope SCOPE = PolicyScope.of(new TenantId("acme"));
    private static final Subject ALICE = new Subject("user", "alice");

    @Test
    void refusesWhatMultipliesOutOfProportion() {
        List<String> types = IntStream.range(0, 2_000).mapToObj(i -> "t" + i).toList();
        List<Action> actions =
                IntStream.range(0, 2_000).mapToObj(i -> new Action("a" + i)).toList();
        Permission all = new Permission(
                SourcePlace.UNKNOWN,
                Effect.ALLOW,
                new AnyOf.Listed<>(types),
                new AnyOf.Listed<>(actions),
                new AnyOf.All<>(),
                null,
                List.of());
        assertThatThrownBy(() -> compile(role(SCOPE, "r", all), binding("r", ALICE)))
                .isInstanceOf(PolicyTooLargeException.class)
                .hasMessageContaining("2000000");
    }

    @Test
    void refusesARoleThatIsNotThere() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> compile(binding("missing", ALICE)))
                .withMessageContaining("missing");
    }

    @Test
    void refusesAGroupThatIsNotThere() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> compile(role(SCOPE, "r"), binding("r", new Subject(Subject.GROUP_TYPE, "missing"))))
                .withMessageContaining("missing");
    }

    @Test
    void refusesANameThatIsInBothScopes() {
        PolicySet platform =
                PolicySet.of(PolicyScope.PLATFORM, new Revision(1), List.of(role(PolicyScope.PLATFORM, "r")));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GraphCompiler.compile(tenant(role(SCOPE, "r")), platform))
                .withMessageContaining("Role/r");
    }

    private static void compile(Document... documents) {
        GraphCompiler.compile(tenant(documents), PolicySet.empty(PolicyScope.PLATFORM));
    }

    private static PolicySet tenant(Document... documents) {
        TenantDocument tenant = new TenantDocument(
                metadata(SCOPE, "acme"), SourcePlace.UNKNOWN, List.of(Environment.DEFAULT), new TreeMap<>());
        return PolicySet.of(
                SCOPE,
                new Revision(1),
                Stream.concat(Stream.of(tenant), Stream.of(documents)).toList());
    }

    private static RoleDocument role(PolicyScope scope, String name, Permission... permissions) {
        return new RoleDocument(metadata(scope, name), SourcePlace.UNKNOWN, List.of(), List.of(permissions));
    }

    private static RoleBindingDocument binding(String role, Subject subject) {
        return new RoleBindingDocument(
                metadata(SCOPE, "b"),
                SourcePlace.UNKNOWN,
                List.of(new SubjectPattern.Named(subject)),
                role,
                Scope.ALL,
                null,
                null,
                null,
                null,
                null);
    }

    private static Metadata metadata(PolicyScope scope, String name) {
        return new Metadata(scope, name, new TreeMap<>(), null);
    }
}
