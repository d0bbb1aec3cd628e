package dev.assize.server.decision.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.approval.ApproverStanding;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.SubjectPattern;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RoleHoldingTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId PARTNER = new TenantId("partner");
    private static final PolicyScope SCOPE = PolicyScope.of(ACME);
    private static final Environment PRODUCTION = new Environment("production");
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
    private static final Subject BOB = new Subject("user", "bob");
    private static final ProposedAction PAY =
            new ProposedAction(ACME, new Action("pay"), ResourcePath.parse("book:main/invoice:7"), PRODUCTION);

    private final List<Document> documents = new ArrayList<>(List.of(
            new TenantDocument(
                    metadata("acme"), SourcePlace.UNKNOWN, List.of(Environment.DEFAULT, PRODUCTION), new TreeMap<>()),
            role("approver"),
            role("controller", "approver"),
            role("chief", "controller")));

    @Test
    void holdsNothingWithoutABinding() {
        assertThat(held(BOB, ACME)).isEmpty();
    }

    @Test
    void holdsARoleByABinding() {
        documents.add(binding("b", "approver", named("user:bob")));
        assertThat(held(BOB, ACME)).containsExactly("approver");
    }

    @Test
    void holdsARoleThatABoundRoleInherits() {
        documents.add(binding("b", "chief", named("user:bob")));
        assertThat(held(BOB, ACME)).containsExactlyInAnyOrder("approver", "controller", "chief");
    }

    @Test
    void holdsARoleThroughGroupsInGroups() {
        documents.add(group("leads", "user:bob"));
        documents.add(group("finance", "group:leads"));
        documents.add(binding("b", "approver", named("group:finance")));
        assertThat(held(BOB, ACME)).containsExactly("approver");
        assertThat(held(BOB, PARTNER))
                .as("another home's bob is in no group here")
                .isEmpty();
    }

    @Test
    void holdsARoleGivenToAllOfAType() {
        documents.add(binding("b", "approver", new SubjectPattern.AnyOfType("user")));
        assertThat(held(BOB, ACME)).containsExactly("approver");
        assertThat(held(new Subject("service", "bob"), ACME)).isEmpty();
    }

    @Test
    void holdsNoRoleGivenToAnotherHome() {
        documents.add(binding("b", "approver", named("user:bob")));
        assertThat(held(BOB, PARTNER)).isEmpty();
        documents.add(new RoleBindingDocument(
                metadata("guest"),
                SourcePlace.UNKNOWN,
                List.of(named("user:bob")),
                "chief",
                Scope.ALL,
                PARTNER,
                null,
                null,
                null,
                null));
        assertThat(held(BOB, PARTNER)).contains("approver");
        assertThat(held(BOB, ACME)).containsExactly("approver");
    }

    @Test
    void holdsARoleWithinItsTimeOnly() {
        documents.add(timed("past", null, NOW));
        assertThat(held(BOB, ACME)).isEmpty();
        documents.add(timed("future", NOW.plusNanos(1_000), null));
        assertThat(held(BOB, ACME)).isEmpty();
        documents.add(timed("present", NOW, NOW.plusNanos(1_000)));
        assertThat(held(BOB, ACME)).containsExactly("approver");
    }

    @Test
    void holdsARoleWithinItsScopeOnly() {
        documents.add(scoped("env", List.of(Environment.DEFAULT), null, null));
        documents.add(scoped("type", null, List.of("book"), null));
        documents.add(scoped("path", null, null, "book:main/invoice:70"));
        documents.add(scoped("both", List.of(PRODUCTION), List.of("book"), null));
        assertThat(held(BOB, ACME)).isEmpty();
        documents.add(scoped("fits", List.of(PRODUCTION), List.of("invoice"), "book:main"));
        assertThat(held(BOB, ACME)).containsExactly("approver");
    }

    @Test
    void holdsARoleWhereItsConditionIsTrueOfWhatIsStored() {
        documents.add(conditional("subject.attr.level >= 3"));
        assertThat(held(BOB, ACME)).as("an attribute that is not stored").isEmpty();
        documents.add(new SubjectDocument(
                metadata("user:bob"),
                SourcePlace.UNKNOWN,
                BOB,
                new TreeMap<String, AttributeValue>(Map.of("level", new AttributeValue.Whole(3)))));
        assertThat(held(BOB, ACME)).containsExactly("approver");
        documents.removeIf(RoleBindingDocument.class::isInstance);
        documents.add(conditional("subject.attr.level > 3"));
        assertThat(held(BOB, ACME)).isEmpty();
    }

    @Test
    void holdsNoRoleThroughOneThatIsCut() {
        documents.add(binding("b", "chief", named("user:bob")));
        documents.add(freeze("cut", target(null, "controller")));
        assertThat(held(BOB, ACME)).containsExactly("chief");
        documents.add(binding("c", "approver", named("user:bob")));
        assertThat(held(BOB, ACME)).containsExactlyInAnyOrder("approver", "chief");
        assertThat(standing(BOB, ACME).frozenBy()).isNull();
    }

    @Test
    void isFrozenByAFreezeOfTheSubject() {
        documents.add(freeze("b", target("user:bob", null)));
        documents.add(freeze("a", target("user:bob", null)));
        assertThat(standing(BOB, ACME).frozenBy()).isEqualTo("a");
        assertThat(standing(BOB, PARTNER).frozenBy()).as("whatever its home").isEqualTo("a");
        assertThat(standing(new Subject("user", "carol"), ACME).frozenBy()).isNull();
    }

    @Test
    void isFrozenByAFreezeOfAGroupOfItsTenant() {
        documents.add(group("leads", "user:bob"));
        documents.add(freeze("a", target("group:leads", null)));
        assertThat(standing(BOB, ACME).frozenBy()).isEqualTo("a");
        assertThat(standing(BOB, PARTNER).frozenBy()).isNull();
    }

    @Test
    void isFrozenWhereEveryNamedFieldMatches() {
        Action pay = new Action("pay");
        ResourcePath book = ResourcePath.parse("book:main");
        assertThat(isFrozenBy(new FreezeTarget(BOB, null, pay, book, "invoice", PRODUCTION, null, false)))
                .isTrue();
        assertThat(isFrozenBy(new FreezeTarget(null, null, null, null, null, null, null, true)))
                .isTrue();
        assertThat(isFrozenBy(new FreezeTarget(BOB, null, new Action("read"), null, null, null, null, false)))
                .isFalse();
        assertThat(isFrozenBy(
                        new FreezeTarget(BOB, null, null, ResourcePath.parse("book:other"), null, null, null, false)))
                .isFalse();
        assertThat(isFrozenBy(new FreezeTarget(BOB, null, null, null, "book", null, null, false)))
                .isFalse();
        assertThat(isFrozenBy(new FreezeTarget(BOB, null, null, null, null, Environment.DEFAULT, null, false)))
                .isFalse();
        assertThat(isFrozenBy(new FreezeTarget(BOB, null, null, null, null, null, "run-1", false)))
                .isFalse();
    }

    @Test
    void isFrozenWithinTheTimeOfTheFreezeOnly() {
        FreezeTarget bob = target("user:bob", null);
        documents.add(freeze("past", bob, null, NOW));
        documents.add(freeze("future", bob, NOW.plusNanos(1_000), null));
        assertThat(standing(BOB, ACME).frozenBy()).isNull();
        documents.add(freeze("present", bob, NOW, NOW.plusNanos(1_000)));
        assertThat(standing(BOB, ACME).frozenBy()).isEqualTo("present");
    }

    @Test
    void findsTheRulesThatCoverAnAction() {
        documents.add(rule("type", "book", "pay", "production"));
        documents.add(rule("action", "invoice", "read", "production"));
        documents.add(rule("env", "invoice", "pay", "default"));
        assertThat(covering()).isEmpty();
        documents.add(rule("b", "invoice", "pay", "production"));
        documents.add(rule("a", "invoice", "pay", "production"));
        assertThat(covering()).extracting(ApprovalRuleDocument::name).containsExactly("a", "b");
    }

    private boolean isFrozenBy(FreezeTarget target) {
        Document freeze = freeze("only", target);
        documents.add(freeze);
        try {
            return standing(BOB, ACME).frozenBy() != null;
        } finally {
            documents.remove(freeze);
        }
    }

    private Set<String> held(Subject subject, TenantId home) {
        return standing(subject, home).held();
    }

    private ApproverStanding standing(Subject subject, TenantId home) {
        return RoleHolding.standing(
                graph(), subject, home, PAY, Set.of("approver", "controller", "chief", "other"), NOW);
    }

    private List<ApprovalRuleDocument> covering() {
        return RoleHolding.covering(graph(), PAY);
    }

    private DecisionGraph graph() {
        return GraphCompiler.compile(
                PolicySet.of(SCOPE, new Revision(1), documents), PolicySet.empty(PolicyScope.PLATFORM));
    }

    private static Metadata metadata(String name) {
        return new Metadata(SCOPE, name, new TreeMap<>(), null);
    }

    private static SubjectPattern named(String subject) {
        return new SubjectPattern.Named(Subject.parse(subject));
    }

    private static RoleDocument role(String name, String... inherits) {
        return new RoleDocument(metadata(name), SourcePlace.UNKNOWN, List.of(inherits), List.of());
    }

    private static GroupDocument group(String name, String member) {
        return new GroupDocument(metadata(name), SourcePlace.UNKNOWN, List.of(Subject.parse(member)));
    }

    private static RoleBindingDocument binding(String name, String role, SubjectPattern subject) {
        return new RoleBindingDocument(
                metadata(name), SourcePlace.UNKNOWN, List.of(subject), role, Scope.ALL, null, null, null, null, null);
    }

    private static RoleBindingDocument conditional(String when) {
        return new RoleBindingDocument(
                metadata("when"),
                SourcePlace.UNKNOWN,
                List.of(named("user:bob")),
                "approver",
                Scope.ALL,
                null,
                null,
                null,
                when,
                null);
    }

    private static RoleBindingDocument timed(String name, @Nullable Instant notBefore, @Nullable Instant notAfter) {
        return new RoleBindingDocument(
                metadata(name),
                SourcePlace.UNKNOWN,
                List.of(named("user:bob")),
                "approver",
                Scope.ALL,
                null,
                notBefore,
                notAfter,
                null,
                null);
    }

    private static RoleBindingDocument scoped(
            String name, @Nullable List<Environment> envs, @Nullable List<String> types, @Nullable String path) {
        Scope scope = new Scope(
                Optional.ofNullable(envs).map(AnyOf.Listed::new),
                Optional.ofNullable(types).map(AnyOf.Listed::new),
                Optional.ofNullable(path).map(text -> List.of(ResourcePath.parse(text))));
        return new RoleBindingDocument(
                metadata(name),
                SourcePlace.UNKNOWN,
                List.of(named("user:bob")),
                "approver",
                scope,
                null,
                null,
                null,
                null,
                null);
    }

    private static FreezeTarget target(@Nullable String subject, @Nullable String role) {
        return new FreezeTarget(
                subject == null ? null : Subject.parse(subject), role, null, null, null, null, null, false);
    }

    private static FreezeDocument freeze(String name, FreezeTarget target) {
        return freeze(name, target, null, null);
    }

    private static FreezeDocument freeze(
            String name, FreezeTarget target, @Nullable Instant from, @Nullable Instant until) {
        return new FreezeDocument(metadata(name), SourcePlace.UNKNOWN, target, "for the test", from, until);
    }

    private static ApprovalRuleDocument rule(String name, String type, String action, String env) {
        return new ApprovalRuleDocument(
                metadata(name),
                SourcePlace.UNKNOWN,
                new AnyOf.Listed<>(List.of(type)),
                new AnyOf.Listed<>(List.of(new Action(action))),
                new AnyOf.Listed<>(List.of(new Environment(env))),
                1,
                "approver",
                List.of("user"),
                Duration.ofHours(1),
                Duration.ofHours(1),
                false);
    }
}
