package dev.assize.server.decision;

import static dev.assize.server.decision.Policies.ACME;
import static dev.assize.server.decision.Policies.metadata;
import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.Explanation.BindingState;
import dev.assize.server.decision.check.Explanation.BindingTrace;
import dev.assize.server.decision.check.Explanation.PermissionState;
import dev.assize.server.decision.check.Explanation.PermissionTrace;
import dev.assize.server.decision.check.Explanation.RuleTrace;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.Explainer;
import dev.assize.server.model.Action;
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
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.SubjectPattern;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ExplainerTest {

    private static final String NOT_ASKED = "covers this, and is not asked: the request is denied before";
    private static final PolicyScope SCOPE = PolicyScope.of(ACME);
    private static final Instant NOW = Instant.parse("2026-02-22T14:02:00Z");
    private static final Environment PRODUCTION = new Environment("production");
    private static final Environment STAGING = new Environment("staging");
    private static final Subject ALICE = Subject.parse("user:alice");
    private static final Subject NOC = Subject.parse("group:noc");
    private static final Subject STAFF = Subject.parse("group:staff");

    private final List<Document> documents = new ArrayList<>(List.of(
            new TenantDocument(
                    metadata(SCOPE, "acme"), SourcePlace.UNKNOWN, List.of(PRODUCTION, STAGING), new TreeMap<>()),
            new GroupDocument(metadata(SCOPE, "noc"), SourcePlace.UNKNOWN, List.of(ALICE)),
            new GroupDocument(metadata(SCOPE, "staff"), SourcePlace.UNKNOWN, List.of(NOC)),
            Policies.role(SCOPE, "reader", Effect.ALLOW),
            inheriting("operator", "reader"),
            inheriting("lead", "operator"),
            Policies.role(SCOPE, "barred", Effect.DENY)));

    @Test
    void namesGroupsAndTheWayOfInheritance() {
        bind("nightly", "lead", Scope.ALL, null, null, STAFF);
        Explanation explanation = explain();
        assertThat(explanation.groups()).containsExactly("noc", "staff");
        BindingTrace trace = explanation.bindings().getFirst();
        assertThat(trace.matchedSubject()).isEqualTo("group:staff");
        assertThat(trace.state()).isEqualTo(BindingState.HOLDS);
        assertThat(trace.permissions().getFirst().through()).containsExactly("lead", "operator", "reader");
        assertThat(trace.detail())
                .isEqualTo("names `user:alice` as `group:staff`, holds: it has no limit in time, and its scope covers "
                        + "environment `production` and resource `doc:1`");
    }

    @Test
    void tellsEveryBindingThatNamesTheSubjectByName() {
        bind("c", "reader", Scope.ALL, null, NOW, ALICE);
        bind("a", "reader", scope(STAGING, "doc:2"), null, null, ALICE);
        bind("b", "reader", Scope.ALL, NOW.plusNanos(1), null, ALICE);
        bind("d", "reader", Scope.ALL, null, null, Subject.parse("user:bob"));
        Explanation explanation = explain();
        assertThat(explanation.answer().reason()).isEqualTo(Reason.GRANT_EXPIRED);
        assertThat(explanation.answer().decidedBy()).isEqualTo(new DecidedBy.Grant("c", "reader", 0));
        assertThat(explanation.bindings())
                .extracting(BindingTrace::state)
                .containsExactly(BindingState.OUT_OF_SCOPE, BindingState.NOT_YET_VALID, BindingState.EXPIRED);
        assertThat(explanation.bindings())
                .extracting(BindingTrace::detail)
                .containsExactly(
                        "names `user:alice` as `user:alice`, its scope has environments `staging`, not `production`; "
                                + "its scope has resources `doc:2`, and `doc:1` is under none of them",
                        "names `user:alice` as `user:alice`, begins at 2026-02-22T14:02:00.000000001Z, and it is "
                                + "2026-02-22T14:02:00Z",
                        "names `user:alice` as `user:alice`, ended at 2026-02-22T14:02:00Z, and it is "
                                + "2026-02-22T14:02:00Z");
    }

    @Test
    void showsTheDenyThatOutweighs() {
        bind("a-allow", "reader", Scope.ALL, null, null, ALICE);
        bind("b-deny", "barred", Scope.ALL, null, NOW.plusSeconds(60), NOC);
        Explanation explanation = explain();
        assertThat(explanation.answer().reason()).isEqualTo(Reason.EXPLICIT_DENY);
        assertThat(explanation.answer().decidedBy()).isEqualTo(new DecidedBy.Grant("b-deny", "barred", 0));
        assertThat(explanation.answer().validUntil()).isEqualTo(NOW.plusSeconds(60));
        assertThat(explanation.bindings().getLast().permissions())
                .extracting(Explanation.PermissionTrace::effect)
                .containsExactly(Effect.DENY);
        assertThat(explanation.bindings().getLast().detail())
                .contains("it is 2026-02-22T14:02:00Z, before 2026-02-22T14:03:00Z");
    }

    @Test
    void tellsOfRulesThatAreNotAskedBecauseTheRequestIsDeniedBefore() {
        bind("a", "barred", Scope.ALL, null, null, ALICE);
        documents.add(new SeparationOfDutyDocument(
                metadata(SCOPE, "writers-do-not-read"),
                SourcePlace.UNKNOWN,
                new Duty.PerformedActions(List.of(new Action("read"), new Action("write")), new AnyOf.All<>()),
                new AnyOf.All<>()));
        documents.add(new ApprovalRuleDocument(
                metadata(SCOPE, "four-eyes"),
                SourcePlace.UNKNOWN,
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                new AnyOf.All<>(),
                1,
                "reader",
                List.of("user"),
                Duration.ofHours(1),
                Duration.ofHours(1),
                false));
        Explanation explanation = explain();
        assertThat(explanation.answer().reason()).isEqualTo(Reason.EXPLICIT_DENY);
        assertThat(explanation.duties())
                .containsExactly(new RuleTrace("writers-do-not-read", false, NOT_ASKED, SourcePlace.UNKNOWN));
        assertThat(explanation.approvals())
                .containsExactly(new RuleTrace("four-eyes", false, NOT_ASKED, SourcePlace.UNKNOWN));
    }

    @Test
    void tellsWhatEveryFreezeStops() {
        bind("a", "lead", Scope.ALL, null, null, ALICE);
        add(freeze("b-docs", "subject: 'user:bob', resourceType: doc", ""));
        add(freeze("c-over", "subject: 'user:alice'", ", until: 2026-01-01T00:00:00Z"));
        Explanation none = explain();
        assertThat(none.answer().reason()).isEqualTo(Reason.ALLOWED);
        assertThat(none.freezes()).extracting(RuleTrace::name).containsExactly("b-docs", "c-over");
        assertThat(none.freezes()).extracting(RuleTrace::denies).containsOnly(false);
        add(freeze("a-alices", "subject: 'user:alice'", ""));
        Explanation frozen = explain();
        assertThat(frozen.answer().reason()).isEqualTo(Reason.FROZEN);
        assertThat(frozen.freezes()).extracting(RuleTrace::denies).containsExactly(true, false, false);
    }

    @Test
    void tellsOfAFrozenRoleWhichPermissionsItCutsAndWhetherThatDenies() {
        bind("a", "lead", Scope.ALL, null, null, ALICE);
        add(freeze("f", "role: operator", ""));
        Explanation cut = explain();
        assertThat(cut.answer().reason()).isEqualTo(Reason.FROZEN);
        assertThat(cut.freezes()).extracting(RuleTrace::denies).containsExactly(true);
        assertThat(cut.bindings().getFirst().permissions()).singleElement().satisfies(permission -> {
            assertThat(permission.state()).isEqualTo(PermissionState.ROLE_FROZEN);
            assertThat(permission.detail()).isEqualTo("every way to role `reader` goes through a frozen one");
        });
        bind("b", "reader", Scope.ALL, null, null, ALICE);
        Explanation around = explain();
        assertThat(around.answer().reason()).isEqualTo(Reason.ALLOWED);
        assertThat(around.freezes()).extracting(RuleTrace::denies).containsExactly(false);
        assertThat(around.bindings().getLast().permissions())
                .extracting(PermissionTrace::state)
                .containsExactly(PermissionState.HOLDS);
        bind("c", "barred", Scope.ALL, null, null, ALICE);
        add(freeze("g", "role: barred", ""));
        assertThat(explain().bindings().getLast().permissions())
                .as("denies are not cut")
                .extracting(PermissionTrace::state)
                .containsExactly(PermissionState.HOLDS);
    }

    @Test
    void tellsWhichRolesAreActiveAndOfEachRuleWhetherItDenies() {
        bind("a", "reader", Scope.ALL, null, null, ALICE);
        add(apart("b-apart", "barred, lead"));
        Explanation none = explain();
        assertThat(none.activeRoles()).containsExactly("reader");
        assertThat(none.duties())
                .singleElement()
                .isEqualTo(new RuleTrace(
                        "b-apart",
                        false,
                        "of roles `barred`, `lead` at most 1 may be active; none is",
                        none.duties().getFirst().place()));
        add(apart("a-apart", "operator, reader"));
        bind("b", "operator", Scope.ALL, null, null, ALICE);
        Explanation both = explain();
        assertThat(both.activeRoles()).containsExactly("operator", "reader");
        assertThat(both.duties()).extracting(RuleTrace::name).containsExactly("a-apart", "b-apart");
        assertThat(both.duties()).extracting(RuleTrace::denies).containsExactly(true, false);
        assertThat(both.duties().getFirst().detail()).endsWith("; active are `operator`, `reader`");
    }

    @Test
    void tellsOfABindingWhoseRoleTheRequestDoesNotName() {
        bind("a", "reader", Scope.ALL, null, null, ALICE);
        bind("b", "lead", Scope.ALL, null, null, ALICE);
        assertThat(explain(ACME, List.of("lead")).bindings())
                .extracting(BindingTrace::state)
                .containsExactly(BindingState.NOT_ACTIVE, BindingState.HOLDS);
    }

    @Test
    void tellsOfEachConditionHowItEnded() {
        add(conditional("a-true", "subject.id == 'alice'"));
        add(conditional("b-false", "subject.id == 'bob'"));
        add(conditional("c-broken", "context.limit > 1"));
        for (String role : List.of("a-true", "b-false", "c-broken")) {
            bind(role, role, Scope.ALL, null, null, ALICE);
        }
        assertThat(explain().bindings())
                .extracting(binding -> binding.permissions().getFirst().state())
                .containsExactly(
                        PermissionState.HOLDS, PermissionState.CONDITION_FALSE, PermissionState.CONDITION_ERROR);
    }

    private void add(String yaml) {
        ReadResult result = DocumentReader.read("test.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
        assertThat(result.problems()).isEmpty();
        documents.addAll(result.documents());
    }

    private static String freeze(String name, String target, String more) {
        return "{apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: " + name + "}, spec: {"
                + target + ", reason: stop" + more + "}}";
    }

    private static String apart(String name, String roles) {
        return "{apiVersion: assize.dev/v1, kind: SeparationOfDuty, metadata: {tenant: acme, name: " + name
                + "}, spec: {type: active-roles, roles: [" + roles + "], limit: 1}}";
    }

    private static String conditional(String name, String when) {
        return "{apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: " + name
                + "}, spec: {permissions: [{resources: [\"*\"], actions: [read], when: \"" + when + "\"}]}}";
    }

    @Test
    void aSubjectOfAnotherTenantIsInNoGroupHere() {
        bind("a", "reader", Scope.ALL, null, null, STAFF);
        Explanation explanation = explain(new TenantId("globex"));
        assertThat(explanation.answer().reason()).isEqualTo(Reason.NO_GRANT);
        assertThat(explanation.groups()).isEmpty();
        assertThat(explanation.bindings()).isEmpty();
    }

    private Explanation explain() {
        return explain(ACME);
    }

    private Explanation explain(TenantId home) {
        return explain(home, List.of());
    }

    private Explanation explain(TenantId home, List<String> activeRoles) {
        CheckQuery query = new CheckQuery(
                ALICE,
                ResourcePath.parse("doc:1"),
                new Action("read"),
                ACME,
                PRODUCTION,
                home,
                Map.of(),
                Map.of(),
                Map.of(),
                activeRoles,
                null,
                null);
        return Explainer.explain(
                GraphCompiler.compile(
                        PolicySet.of(SCOPE, new Revision(1), documents), PolicySet.empty(PolicyScope.PLATFORM)),
                query,
                NOW);
    }

    private void bind(
            String name,
            String role,
            Scope scope,
            @Nullable Instant notBefore,
            @Nullable Instant notAfter,
            Subject subject) {
        documents.add(new RoleBindingDocument(
                metadata(SCOPE, name),
                SourcePlace.UNKNOWN,
                List.of(new SubjectPattern.Named(subject)),
                role,
                scope,
                null,
                notBefore,
                notAfter,
                null,
                null));
    }

    private static Scope scope(Environment environment, String path) {
        return new Scope(
                Optional.of(new AnyOf.Listed<>(List.of(environment))),
                Optional.empty(),
                Optional.of(List.of(ResourcePath.parse(path))));
    }

    private static RoleDocument inheriting(String name, String inherited) {
        return new RoleDocument(metadata(SCOPE, name), SourcePlace.UNKNOWN, List.of(inherited), List.of());
    }
}
