package dev.assize.server.decision.compile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.decision.evaluate.Explainer;
import dev.assize.server.decision.evaluate.Verdict;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.SubjectPattern;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.AttributeDeclaration.Source;
import dev.assize.server.policy.condition.AttributeType;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GraphCompilerTest {

    private static final PolicyScope SCOPE = PolicyScope.of(new TenantId("acme"));
    private static final PolicySet PLATFORM = PolicySet.empty(PolicyScope.PLATFORM);
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
    void refusesCellsBeyondTheBoundAndNoneAtIt() {
        // One cell for each type and environment, and one for all that no permission names.
        List<Environment> environments = IntStream.range(0, 1_657)
                .mapToObj(i -> new Environment("e" + i))
                .toList();
        assertThat(GraphCompiler.compile(inOneEnvironmentEach(1_207, environments), PLATFORM)
                        .tenant())
                .isEqualTo(new TenantId("acme"));
        assertThatThrownBy(() -> GraphCompiler.compile(inOneEnvironmentEach(1_208, environments), PLATFORM))
                .isInstanceOf(PolicyTooLargeException.class)
                .hasMessageContaining("2000000");
    }

    /** A role that may do something with each of so many types, but in one environment only. */
    private static PolicySet inOneEnvironmentEach(int types, List<Environment> environments) {
        Permission[] permissions = IntStream.range(0, types)
                .mapToObj(i -> new Permission(
                        SourcePlace.UNKNOWN,
                        Effect.ALLOW,
                        new AnyOf.Listed<>(List.of("t" + i)),
                        new AnyOf.Listed<>(List.of(new Action("read"))),
                        new AnyOf.Listed<>(environments.subList(0, 1)),
                        null,
                        List.of()))
                .toArray(Permission[]::new);
        TenantDocument tenant =
                new TenantDocument(metadata(SCOPE, "acme"), SourcePlace.UNKNOWN, environments, new TreeMap<>());
        return PolicySet.of(
                SCOPE, new Revision(1), List.of(tenant, role(SCOPE, "r", permissions), binding("r", ALICE)));
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

    @Test
    void refusesToBringUpToDateWithThePolicyOfAnother() {
        DecisionGraph graph = GraphCompiler.compile(tenant(), PLATFORM);
        PolicySet other = PolicySet.of(PolicyScope.of(new TenantId("globex")), new Revision(2), List.of());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GraphCompiler.update(graph, other, PLATFORM, Set.of()))
                .withMessageContaining("globex")
                .withMessageContaining("acme");
    }

    @Test
    void refusesATenantsPolicyAsThePlatforms() {
        DecisionGraph graph = GraphCompiler.compile(tenant(), PLATFORM);
        assertThatIllegalArgumentException().isThrownBy(() -> GraphCompiler.compile(tenant(), tenant()));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GraphCompiler.update(graph, tenant(), tenant(), Set.of()));
    }

    @Test
    void anUpdateRefusesARoleOrGroupThatIsNotThere() {
        Subject missing = new Subject(Subject.GROUP_TYPE, "missing");
        PolicySet before = tenant(many(role(SCOPE, "r")));
        DecisionGraph graph = GraphCompiler.compile(before, PLATFORM);
        for (Document added : List.of(
                binding("missing", ALICE),
                binding("r", missing),
                new GroupDocument(metadata(SCOPE, "leads"), SourcePlace.UNKNOWN, List.of(missing)))) {
            PolicySet after = before.with(new Revision(2), List.of(added), List.of());
            assertThatIllegalArgumentException()
                    .as("%s", added.key())
                    .isThrownBy(() -> GraphCompiler.update(graph, after, PLATFORM, Set.of(added.key())))
                    .withMessageContaining("missing");
            assertThatIllegalArgumentException()
                    .as("%s", added.key())
                    .isThrownBy(() -> GraphCompiler.compile(after, PLATFORM))
                    .withMessageContaining("missing");
        }
    }

    @Test
    void aGroupOfAnotherTenantNeedNotBeThere() {
        RoleBindingDocument guests = new RoleBindingDocument(
                metadata(SCOPE, "guests"),
                SourcePlace.UNKNOWN,
                List.of(new SubjectPattern.Named(new Subject(Subject.GROUP_TYPE, "theirs"))),
                "r",
                Scope.ALL,
                new TenantId("partner"),
                null,
                null,
                null,
                null);
        assertThat(GraphCompiler.compile(tenant(role(SCOPE, "r"), guests), PLATFORM)
                        .tenant())
                .isEqualTo(new TenantId("acme"));
    }

    @Test
    void aBindingsConditionIsReadAnewWhereAttributesAreDeclaredOtherwise() {
        RoleBindingDocument binding = binding("b", "r", "subject.attr.level > 2");
        PolicySet declared =
                tenant(many(everything("r"), binding)).with(new Revision(2), List.of(declaring("int")), List.of());
        DecisionGraph graph = GraphCompiler.compile(declared, PLATFORM);
        TenantDocument other = declaring("double");
        PolicySet after = declared.with(new Revision(3), List.of(other), List.of());
        DecisionGraph updated = GraphCompiler.update(graph, after, PLATFORM, Set.of(other.key()));
        Map<String, AttributeValue> level = Map.of("level", new AttributeValue.Fraction(2.5));
        assertThat(decided(GraphCompiler.compile(after, PLATFORM), level).reason())
                .isEqualTo(Reason.ALLOWED);
        assertThat(decided(updated, level).reason()).isEqualTo(Reason.ALLOWED);
    }

    @Test
    void andAlsoWhereABindingWithoutOneWentBefore() {
        RoleBindingDocument plain = binding("plain", "r", null);
        PolicySet policy = tenant(many(everything("r"), plain, binding("conditional", "r", "subject.attr.level > 2")))
                .with(new Revision(2), List.of(declaring("int")), List.of());
        DecisionGraph graph = GraphCompiler.compile(policy, PLATFORM);
        policy = policy.with(new Revision(3), List.of(), List.of(plain.key()));
        graph = GraphCompiler.update(graph, policy, PLATFORM, Set.of(plain.key()));
        TenantDocument other = declaring("double");
        policy = policy.with(new Revision(4), List.of(other), List.of());
        graph = GraphCompiler.update(graph, policy, PLATFORM, Set.of(other.key()));
        assertThat(decided(graph, Map.of("level", new AttributeValue.Fraction(2.5)))
                        .reason())
                .isEqualTo(Reason.ALLOWED);
    }

    @Test
    void aBindingThatChangesBesideADeclarationIsThereOnce() {
        PolicySet before = tenant(many(everything("r"), binding("b", "r", "subject.attr.level > 2")))
                .with(new Revision(2), List.of(declaring("int")), List.of());
        DecisionGraph graph = GraphCompiler.compile(before, PLATFORM);
        TenantDocument other = declaring("double");
        RoleBindingDocument changed = binding("b", "r", "subject.attr.level > 1.0");
        PolicySet after = before.with(new Revision(3), List.of(other, changed), List.of());
        DecisionGraph updated = GraphCompiler.update(graph, after, PLATFORM, Set.of(other.key(), changed.key()));
        Instant now = Instant.parse("2026-03-01T12:00:00Z");
        assertThat(Explainer.explain(updated, query(Map.of()), now).bindings())
                .hasSize(1)
                .isEqualTo(Explainer.explain(GraphCompiler.compile(after, PLATFORM), query(Map.of()), now)
                        .bindings());
    }

    @Test
    void anUpdateForgetsWhomNothingNamesAnyMore() {
        Subject carol = new Subject("user", "carol");
        SubjectDocument document =
                new SubjectDocument(metadata(SCOPE, "user:carol"), SourcePlace.UNKNOWN, carol, new TreeMap<>());
        GroupDocument group = new GroupDocument(metadata(SCOPE, "leads"), SourcePlace.UNKNOWN, List.of(carol));
        Steps steps = new Steps(tenant(many(everything("r"), binding("r", ALICE))));
        assertThat(steps.subjects()).containsExactly("user:alice");
        steps.put(document);
        assertThat(steps.subjects()).containsExactly("user:alice", "user:carol");
        steps.put(group);
        steps.delete(document.key());
        assertThat(steps.subjects()).as("a member of a group").containsExactly("user:alice", "user:carol");
        steps.delete(group.key());
        assertThat(steps.subjects()).containsExactly("user:alice");
    }

    @Test
    void anUpdateForgetsAPathAsSoonAsNothingMentionsIt() {
        ResourcePath path = ResourcePath.parse("doc:1");
        ResourceDocument document =
                new ResourceDocument(metadata(SCOPE, path.value()), SourcePlace.UNKNOWN, path, new TreeMap<>());
        RoleBindingDocument one = within("one", path);
        RoleBindingDocument two = within("two", path);
        RoleBindingDocument elsewhere = within("elsewhere", ResourcePath.parse("doc:2"));
        Steps steps = new Steps(tenant(many(everything("r"), elsewhere, one, two)));
        steps.delete(one.key());
        assertThat(steps.paths()).as("the other binding").containsExactly("doc:1", "doc:2");
        steps.put(document);
        steps.delete(two.key());
        assertThat(steps.paths()).as("its document").containsExactly("doc:1", "doc:2");
        steps.delete(document.key());
        assertThat(steps.paths()).containsExactly("doc:2");
        steps.put(one);
        assertThat(steps.paths()).containsExactly("doc:1", "doc:2");
    }

    /** A policy that changes, and the graph that follows it. */
    private static final class Steps {

        private PolicySet policy;
        private DecisionGraph graph;

        Steps(PolicySet policy) {
            this.policy = policy;
            this.graph = GraphCompiler.compile(policy, PLATFORM);
        }

        void put(Document document) {
            change(List.of(document), List.of(), document.key());
        }

        void delete(DocumentKey key) {
            change(List.of(), List.of(key), key);
        }

        private void change(List<Document> puts, List<DocumentKey> deletes, DocumentKey key) {
            policy = policy.with(new Revision(policy.revision().value() + 1), puts, deletes);
            graph = GraphCompiler.update(graph, policy, PLATFORM, Set.of(key));
        }

        List<String> subjects() {
            return names(graph.knownSubjects(graph.tenant(), null, null));
        }

        List<String> paths() {
            return names(graph.knownResources("doc", null));
        }

        private static List<String> names(Iterator<?> found) {
            List<String> names = new ArrayList<>();
            found.forEachRemaining(name -> names.add(name.toString()));
            return names;
        }
    }

    @Test
    void aTypeThatIsNotDeclaredHasTheActionsThatAreNamedForIt() {
        Permission reading = permission("doc", "read");
        Permission opening = permission("vault", "open");
        DecisionGraph graph =
                GraphCompiler.compile(tenant(role(SCOPE, "r", reading, opening), binding("r", ALICE)), PLATFORM);
        assertThat(graph.knownActions("doc")).containsExactly(new Action("read"));
        assertThat(graph.knownActions("vault")).containsExactly(new Action("open"));
        assertThat(graph.knownActions("other")).isEmpty();
    }

    private static Permission permission(String type, String action) {
        return new Permission(
                SourcePlace.UNKNOWN,
                Effect.ALLOW,
                new AnyOf.Listed<>(List.of(type)),
                new AnyOf.Listed<>(List.of(new Action(action))),
                new AnyOf.All<>(),
                null,
                List.of());
    }

    @Test
    void anUpdateRefusesThatARoleGoesWhichSomebodyHas() {
        PolicySet policy = tenant(many(everything("r"), binding("r", ALICE)));
        DocumentKey role = role(SCOPE, "r").key();
        PolicySet without = policy.with(new Revision(2), List.of(), List.of(role));
        DecisionGraph graph = GraphCompiler.compile(policy, PLATFORM);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GraphCompiler.update(graph, without, PLATFORM, Set.of(role)))
                .withMessageContaining("`r`");
    }

    @Test
    void aRoleMayGoThatNobodyHasAnyMore() {
        PolicySet policy = tenant(many(everything("r"), binding("r", ALICE)));
        DocumentKey binding = binding("r", ALICE).key();
        DocumentKey role = role(SCOPE, "r").key();
        DecisionGraph graph = GraphCompiler.compile(policy, PLATFORM);
        policy = policy.with(new Revision(2), List.of(), List.of(binding));
        graph = GraphCompiler.update(graph, policy, PLATFORM, Set.of(binding));
        policy = policy.with(new Revision(3), List.of(), List.of(role));
        graph = GraphCompiler.update(graph, policy, PLATFORM, Set.of(role));
        assertThat(decided(graph, Map.of()).reason()).isEqualTo(Reason.NO_GRANT);
    }

    @Test
    void aRoleAllowsAsSoonAsSomebodyHasIt() {
        PolicySet policy = tenant(many(everything("r"), everything("other"), binding("r", ALICE)));
        DecisionGraph graph = GraphCompiler.compile(policy, PLATFORM);
        RoleBindingDocument other = binding("other", ALICE);
        policy = policy.with(new Revision(2), List.of(other), List.of());
        graph = GraphCompiler.update(graph, policy, PLATFORM, Set.of(other.key()));
        assertThat(decided(graph, Map.of()).decidedBy()).isEqualTo(new DecidedBy.Grant("b", "other", 0));
    }

    @Test
    void anUpdateSeesAnApprovalRuleThatCameAndOneThatWent() {
        PolicySet policy = tenant(many(everything("r"), binding("r", ALICE)));
        DecisionGraph graph = GraphCompiler.compile(policy, PLATFORM);
        ApprovalRuleDocument rule = new ApprovalRuleDocument(
                metadata(SCOPE, "twice"),
                SourcePlace.UNKNOWN,
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                2,
                "r",
                List.of("user"),
                Duration.ofHours(1),
                Duration.ofHours(1),
                false);
        PolicySet after = policy.with(new Revision(2), List.of(rule), List.of());
        DecisionGraph updated = GraphCompiler.update(graph, after, PLATFORM, Set.of(rule.key()));
        assertThat(verdict(graph, Map.of()).approvals()).isEmpty();
        assertThat(verdict(updated, Map.of()).approvals()).containsExactly(rule);
        PolicySet gone = after.with(new Revision(3), List.of(), List.of(rule.key()));
        assertThat(verdict(GraphCompiler.update(updated, gone, PLATFORM, Set.of(rule.key())), Map.of())
                        .approvals())
                .isEmpty();
    }

    private static Answer decided(DecisionGraph graph, Map<String, AttributeValue> attributes) {
        return verdict(graph, attributes).answer();
    }

    private static Verdict verdict(DecisionGraph graph, Map<String, AttributeValue> attributes) {
        return Evaluator.evaluate(graph, query(attributes), Instant.parse("2026-03-01T12:00:00Z"));
    }

    private static CheckQuery query(Map<String, AttributeValue> attributes) {
        TenantId acme = new TenantId("acme");
        return new CheckQuery(
                ALICE,
                ResourcePath.parse("doc:1"),
                new Action("read"),
                acme,
                Environment.DEFAULT,
                acme,
                attributes,
                Map.of(),
                Map.of(),
                List.of(),
                null,
                null);
    }

    private static RoleDocument everything(String name) {
        return role(
                SCOPE,
                name,
                new Permission(
                        SourcePlace.UNKNOWN,
                        Effect.ALLOW,
                        new AnyOf.All<>(),
                        new AnyOf.All<>(),
                        new AnyOf.All<>(),
                        null,
                        List.of()));
    }

    private static TenantDocument declaring(String type) {
        TreeMap<String, AttributeDeclaration> attributes = new TreeMap<>();
        attributes.put("level", new AttributeDeclaration(AttributeType.parse(type), Source.EITHER));
        return new TenantDocument(
                metadata(SCOPE, "acme"), SourcePlace.UNKNOWN, List.of(Environment.DEFAULT), attributes);
    }

    @Test
    void numbersOfRolesThatNobodyHasAnyMoreDoNotPileUp() {
        PolicySet policy = tenant(
                many(IntStream.range(0, 200).mapToObj(i -> role(SCOPE, "r" + i)).toArray(Document[]::new)));
        DecisionGraph graph = GraphCompiler.compile(policy, PLATFORM);
        DocumentKey key = binding("r0", ALICE).key();
        for (int i = 0; i < 200; i++) {
            policy = policy.with(new Revision(i + 2), List.of(binding("r" + i, ALICE)), List.of());
            graph = GraphCompiler.update(graph, policy, PLATFORM, Set.of(key));
        }
        assertThat(graph.bindingCounts().roleNumbers()).containsKey("r199").hasSizeBetween(1, 100);
    }

    /** These among so many others that a change of one is a small part. */
    private static Document[] many(Document... documents) {
        return Stream.concat(Stream.of(documents), IntStream.range(0, 20).mapToObj(i -> role(SCOPE, "filler" + i)))
                .toArray(Document[]::new);
    }

    private static void compile(Document... documents) {
        GraphCompiler.compile(tenant(documents), PLATFORM);
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
        return binding("b", role, subject, Scope.ALL, null);
    }

    /** For Alice. */
    private static RoleBindingDocument binding(String name, String role, @Nullable String when) {
        return binding(name, role, ALICE, Scope.ALL, when);
    }

    private static RoleBindingDocument within(String name, ResourcePath path) {
        return binding(
                name, "r", ALICE, new Scope(Optional.empty(), Optional.empty(), Optional.of(List.of(path))), null);
    }

    private static RoleBindingDocument binding(
            String name, String role, Subject subject, Scope scope, @Nullable String when) {
        return new RoleBindingDocument(
                metadata(SCOPE, name),
                SourcePlace.UNKNOWN,
                List.of(new SubjectPattern.Named(subject)),
                role,
                scope,
                null,
                null,
                null,
                when,
                null);
    }

    private static Metadata metadata(PolicyScope scope, String name) {
        return new Metadata(scope, name, new TreeMap<>(), null);
    }
}
