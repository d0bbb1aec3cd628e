package dev.assize.server.administration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.administration.ChangeResult.Accepted;
import dev.assize.server.administration.ChangeResult.Compared;
import dev.assize.server.administration.ChangeResult.SelfEscalation;
import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.impact.Impact;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.Kind;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Nobody gives themselves anything, by whatever kind of document; and a dry run says what it would give to whom. */
final class SelfEscalationTest {

    private static final PolicyScope ACME = PolicyScope.of(new TenantId("acme"));
    private static final Recorder ALICE = new Recorder(Subject.parse("user:alice"), new TenantId("acme"));
    private static final Recorder BOB = new Recorder(Subject.parse("user:bob"), TenantId.ASSIZE);

    private static final String WORLD = """
        {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [default, prod],
          subjectAttributes: {level: {type: int, source: stored}, site: {type: string, source: request}}}}
        ---
        {apiVersion: assize.dev/v1, kind: ResourceType, metadata: {tenant: acme, name: doc},
          spec: {actions: [read, write, sign, admin], implies: {admin: [write]}}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: reader},
          spec: {permissions: [{resources: [doc], actions: [read], environments: [default]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: writer},
          spec: {permissions: [{resources: [doc], actions: [write]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: signer},
          spec: {permissions: [{resources: [doc], actions: [sign], when: "subject.attr.level > 3"}]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: visitor},
          spec: {permissions: [{resources: [doc], actions: [admin], when: "subject.attr.site == 'here'"},
            {effect: deny, resources: [doc], actions: [sign]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: Group, metadata: {tenant: acme, name: writers}, spec: {members: ["user:carol"]}}
        ---
        {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: writers},
          spec: {subjects: ["group:writers"], role: writer}}
        ---
        {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: alice},
          spec: {subjects: ["user:alice"], role: reader}}
        ---
        {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: alice-signs},
          spec: {subjects: ["user:alice"], role: signer}}
        ---
        {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: alice-visits},
          spec: {subjects: ["user:alice"], role: visitor}}
        ---
        {apiVersion: assize.dev/v1, kind: Subject, metadata: {tenant: acme, name: "user:alice"},
          spec: {attributes: {level: 1}}}
        ---
        {apiVersion: assize.dev/v1, kind: Freeze, metadata: {tenant: acme, name: stop},
          spec: {resource: "doc:1", reason: stop}}
        ---
        {apiVersion: assize.dev/v1, kind: ApprovalRule, metadata: {tenant: acme, name: two}, spec: {resources: [doc],
          actions: [read], environments: [default], approvals: 2, approverRole: writer, pendingTtl: 1h, ttl: 1h}}
        """;

    /** Nobody here may do anything; alice approves as a clerk what others ask for. */
    private static final String APPROVED = """
        {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [default]}}
        ---
        {apiVersion: assize.dev/v1, kind: ResourceType, metadata: {tenant: acme, name: doc},
          spec: {actions: [read, write, sign, admin, list]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: checker},
          spec: {permissions: [{effect: deny, resources: [doc], actions: [admin]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: clerk},
          spec: {permissions: [{effect: deny, resources: [doc], actions: [admin]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: partial},
          spec: {permissions: [{effect: deny, resources: [doc], actions: [admin]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: other},
          spec: {permissions: [{effect: deny, resources: [doc], actions: [admin]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: Group, metadata: {tenant: acme, name: checkers}, spec: {members: ["user:zoe"]}}
        ---
        {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: checkers},
          spec: {subjects: ["group:checkers"], role: checker}}
        ---
        {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: clerks},
          spec: {subjects: ["user:alice"], role: clerk}}
        ---
        {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: part},
          spec: {subjects: ["user:alice"], role: partial, scope: {resources: ["doc:1", "doc:2"]}}}
        ---
        {apiVersion: assize.dev/v1, kind: ApprovalRule, metadata: {tenant: acme, name: check}, spec: {resources: [doc],
          actions: [sign], approvals: 2, approverRole: checker, pendingTtl: 1h, ttl: 1h}}
        ---
        {apiVersion: assize.dev/v1, kind: ApprovalRule, metadata: {tenant: acme, name: watch}, spec: {resources: [doc],
          actions: [write], approvals: 2, approverRole: clerk, approverTypes: [service], pendingTtl: 1h, ttl: 1h}}
        ---
        {apiVersion: assize.dev/v1, kind: ApprovalRule, metadata: {tenant: acme, name: own}, spec: {resources: [doc],
          actions: [read], approvals: 2, approverRole: clerk, pendingTtl: 1h, ttl: 1h}}
        ---
        {apiVersion: assize.dev/v1, kind: ApprovalRule, metadata: {tenant: acme, name: beside}, spec: {resources: [doc],
          actions: [read], approvals: 1, approverRole: checker, pendingTtl: 1h, ttl: 1h}}
        ---
        {apiVersion: assize.dev/v1, kind: ApprovalRule, metadata: {tenant: acme, name: parts}, spec: {resources: [doc],
          actions: [list], approvals: 1, approverRole: partial, pendingTtl: 1h, ttl: 1h}}
        """;

    private static final Recorder CAROL = new Recorder(Subject.parse("user:carol"), TenantId.ASSIZE);

    /** What alice does hangs on a condition, and on facts that she may change. */
    private static final String SWITCHES = """
        {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: acme}, spec: {environments: [default],
          subjectAttributes: {limit: {type: int, source: stored}}}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: worker},
          spec: {permissions: [{resources: [svc], actions: [rest]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: alice},
          spec: {subjects: ["user:alice"], role: worker}}
        ---
        {apiVersion: assize.dev/v1, kind: Group, metadata: {tenant: acme, name: oncall}, spec: {members: ["user:zoe"]}}
        ---
        {apiVersion: assize.dev/v1, kind: Resource, metadata: {tenant: acme, name: "svc:1"},
          spec: {attributes: {open: false}}}
        ---
        {apiVersion: assize.dev/v1, kind: Subject, metadata: {tenant: acme, name: "user:alice"},
          spec: {attributes: {limit: 1, title: Ms}}}
        """;

    private static final String RAISES =
            "{kind: Subject, metadata: {name: 'user:alice'}, spec: {attributes: {limit: 9, title: Ms}}}";
    private static final String RENAMES =
            "{kind: Subject, metadata: {name: 'user:alice'}, spec: {attributes: {limit: 1, title: Dr}}}";
    private static final String JOINS =
            "{kind: Group, metadata: {name: oncall}, spec: {members: ['user:zoe', 'user:alice']}}";
    private static final String OPENS = "{kind: Resource, metadata: {name: 'svc:1'}, spec: {attributes: {open: true}}}";

    private static final String GUARDED = """
        {apiVersion: assize.dev/v1, kind: Tenant, metadata: {name: assize}, spec: {environments: [default]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: assize, name: writer},
          spec: {permissions: [{resources: [policy], actions: [apply]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: assize, name: reads},
          spec: {permissions: [{resources: [ledger], actions: [export]}]}}
        ---
        {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: assize, name: carol},
          spec: {subjects: ["user:carol"], role: writer, scope: {resources: ["tenant:assize"]}}}
        ---
        {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: assize, name: dora},
          spec: {subjects: ["user:dora"], role: writer}}
        ---
        {apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: assize, name: carol-reads},
          spec: {subjects: ["user:carol"], role: reads}}
        """;

    private final InstantSource clock = InstantSource.fixed(Instant.parse("2026-03-01T12:00:00Z"));
    private final InMemoryPolicyRepository repository =
            new InMemoryPolicyRepository(new InMemoryLedgerStore(clock, new AuditCodec()));
    private final PolicyAdministration administration =
            new PolicyAdministration(repository, new ForgetfulDecisions(), clock);

    @ParameterizedTest
    @ValueSource(
            strings = {
                // A binding, also one that begins later, is for one run or a pattern.
                "{kind: RoleBinding, metadata: {name: new}, spec: {subjects: ['user:alice'], role: writer}}",
                "{kind: RoleBinding, metadata: {name: new}, spec: {subjects: ['user:*'], role: writer}}",
                "{kind: RoleBinding, metadata: {name: new}, spec: {subjects: ['user:alice'], role: writer, notBefore:"
                        + " 2027-01-01T00:00:00Z}}",
                "{kind: RoleBinding, metadata: {name: new}, spec: {subjects: ['user:alice'], role: writer, scope:"
                        + " {resources: ['doc:7']}}}",
                "{kind: RoleBinding, metadata: {name: new}, spec: {subjects: ['user:alice'], role: writer, when:"
                        + " \"subject.attr.site == 'here'\"}}",
                // Groups and what they are in.
                "{kind: Group, metadata: {name: writers}, spec: {members: ['user:carol', 'user:alice']}}",
                // What a role says, or inherits.
                "{kind: Role, metadata: {name: reader}, spec: {permissions: [{resources: [doc], actions: [read]}]}}",
                "{kind: Role, metadata: {name: reader}, spec: {inherits: [writer], permissions: [{resources: [doc],"
                        + " actions: [read], environments: [default]}]}}",
                // A condition that is another.
                "{kind: Role, metadata: {name: visitor}, spec: {permissions: [{resources: [doc], actions: [admin],"
                        + " when: \"subject.attr.site != 'there'\"}, {effect: deny, resources: [doc], actions:"
                        + " [sign]}]}}",
                // What an allowed action implies.
                "{kind: ResourceType, metadata: {name: doc}, spec: {actions: [read, write, sign, admin], implies:"
                        + " {read: [write]}}}",
                // An environment in which a grant holds already.
                "{kind: Tenant, metadata: {name: acme}, spec: {environments: [default, prod, staging],"
                        + " subjectAttributes: {level: {type: int, source: stored}, site: {type: string, source:"
                        + " request}}}}",
                // A freeze that ends.
                "{kind: Freeze, metadata: {name: stop}, spec: {resource: 'doc:1', reason: stop, until:"
                        + " 2027-01-01T00:00:00Z}}",
                // Fewer approvals.
                "{kind: ApprovalRule, metadata: {name: two}, spec: {resources: [doc], actions: [read], environments:"
                        + " [default], approvals: 1, approverRole: writer, pendingTtl: 1h, ttl: 1h}}",
            })
    void refusesWhatGivesItsAuthorAnything(String document) {
        begin();
        String yaml = withTenant(document);

        assertThat(apply(ALICE, yaml, List.of(), false)).isInstanceOf(SelfEscalation.class);
        Compared dry = (Compared) apply(ALICE, yaml, List.of(), true);
        assertThat(dry.gains()).hasSize(1);
        assertThat(dry.gains().getFirst().message()).contains("`user:alice` could `");
        assertThat(apply(BOB, yaml, List.of(), false)).isInstanceOf(Accepted.class);
    }

    @Test
    void saysFromWhenOnAndInWhichRun() {
        begin();
        String later = withTenant("{kind: RoleBinding, metadata: {name: new}, spec: {subjects: ['user:alice'], role:"
                + " writer, notBefore: 2027-01-01T00:00:00Z}}");
        assertThat(((Compared) apply(ALICE, later, List.of(), true)).gains())
                .singleElement()
                .extracting(gain -> gain.message())
                .asString()
                .endsWith(", from 2027-01-01T00:00:00Z on, and cannot now");

        accept(BOB, withTenant("{kind: Freeze, metadata: {name: seven}, spec: {run: '7', reason: stop}}"));
        accept(
                BOB,
                withTenant("{kind: RoleBinding, metadata: {name: writes}, spec: {subjects: ['user:alice'], role:"
                        + " writer}}"));
        assertThat(((Compared) apply(ALICE, "", List.of(key(Kind.FREEZE, "seven")), true)).gains())
                .singleElement()
                .extracting(gain -> gain.message())
                .asString()
                .endsWith(", run `7`, and cannot now");
    }

    @Test
    void refusesToTakeAwayWhatStopsItsAuthor() {
        begin();
        accept(
                BOB,
                withTenant("{kind: RoleBinding, metadata: {name: alice-writes}, spec: {subjects: ['user:alice'], role:"
                        + " writer}}"));

        assertThat(apply(ALICE, "", List.of(key(Kind.FREEZE, "stop")), false)).isInstanceOf(SelfEscalation.class);
        assertThat(apply(ALICE, "", List.of(key(Kind.APPROVAL_RULE, "two")), false))
                .isInstanceOf(SelfEscalation.class);
        // By the deny in it; and by the attribute that is missing then.
        accept(BOB, withTenant("{kind: Subject, metadata: {name: 'user:alice'}, spec: {attributes: {level: 5}}}"));
        assertThat(apply(ALICE, "", List.of(key(Kind.ROLE_BINDING, "alice-visits")), false))
                .isInstanceOf(SelfEscalation.class);
    }

    @Test
    void refusesAnAttributeByWhichItsAuthorIsAllowedMore() {
        begin();
        accept(BOB, "", key(Kind.ROLE_BINDING, "alice-visits"));
        String promoted = withTenant("{kind: Subject, metadata: {name: 'user:alice'}, spec: {attributes: {level: 5}}}");

        assertThat(apply(ALICE, promoted, List.of(), false)).isInstanceOf(SelfEscalation.class);
        assertThat(apply(BOB, promoted, List.of(), false)).isInstanceOf(Accepted.class);
    }

    /** Without a request at hand, evaluation may stop before it sees what changed. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "context.amount <= subject.attr.limit",
                "subject.attr.limit >= context.amount",
                "has(context.ticket) && subject.attr.limit >= 3",
                "context.mode == 'x' ? subject.attr.limit > 3 : false",
                "context.items.exists(i, i < subject.attr.limit)",
                "context.items.all(i, subject.attr['limit'] > i)",
                "resource.attr.cost <= subject.attr.limit",
                "now > timestamp('2027-01-01T00:00:00Z') && subject.attr.limit > 3",
                "has(context.ticket) && 'oncall' in subject.groups",
                "context.group in subject.groups",
                "has(context.ticket) && resource.attr.open",
                "!(has(context.ticket) && subject.attr.limit < 3)",
            })
    void refusesWhatAConditionOnlySeesWithARequest(String when) {
        accept(BOB, SWITCHES);
        for (String given : List.of(
                "{kind: Role, metadata: {name: worker}, spec: {permissions: [{resources: [svc], actions: [run], when: \""
                        + when + "\"}]}}",
                "{kind: Role, metadata: {name: worker}, spec: {permissions: [{resources: [svc], actions: [run]},"
                        + " {effect: deny, resources: [svc], actions: [run], when: \"!(" + when + ")\"}]}}")) {
            accept(BOB, SWITCHES);
            accept(BOB, withTenant(given));

            boolean ofGroup = when.contains("groups");
            boolean ofResource = when.contains(".open");
            String change = ofGroup ? JOINS : ofResource ? OPENS : RAISES;
            assertThat(apply(ALICE, withTenant(change), List.of(), false))
                    .as(given)
                    .isInstanceOf(SelfEscalation.class);
            Compared dry = (Compared) apply(BOB, withTenant(change), List.of(), true);
            assertThat(dry.impacts().getFirst().lines())
                    .as("an answer that may change is a line")
                    .extracting(line -> line.subject() + " " + line.action())
                    .contains("user:alice run");
            // What the condition does not name changes nothing.
            accept(ALICE, withTenant(RENAMES));
        }
    }

    /** An administrator's own right stays an ordinary one. */
    @Test
    void whoMayAnywayGainsNothingByAnAttribute() {
        accept(BOB, SWITCHES);
        accept(
                BOB,
                withTenant("{kind: Role, metadata: {name: worker}, spec: {permissions: [{resources: [svc], actions:"
                        + " [run]}, {resources: [svc], actions: [run], when: \"context.amount <="
                        + " subject.attr.limit\"}]}}"));

        accept(ALICE, withTenant(RAISES));
        accept(ALICE, withTenant(JOINS));
        accept(ALICE, withTenant(OPENS));
    }

    /** Assize knows no obligations: what carries one denies. So whoever may put one on an answer hides nothing by it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{resources: ['*'], actions: ['*']}",
                "{resources: ['*'], actions: ['*']}, {resources: ['*'], actions: ['*'], when: 'has(context.never)',"
                        + " obligations: [{id: o, type: t}]}",
                "{resources: ['*'], actions: ['*'], when: 'subject.attr.x == 1'}, {resources: ['*'], actions: ['*'], when:"
                        + " 'has(context.never)', obligations: [{id: o, type: t}]}",
                "{resources: ['*'], actions: ['*']}, {resources: ['*'], actions: ['*'], when: 'now >"
                        + " timestamp(\"2030-01-01T00:00:00Z\")', obligations: [{id: o, type: t}]}",
            })
    void inTenantAssizeAnObligationThatMayComeIsNoDeny(String permissions) {
        accept(BOB, GUARDED);
        String sneak = ofAssize("{kind: Role, metadata: {name: sneak}, spec: {permissions: [" + permissions + "]}}")
                + "---\n"
                + ofAssize(
                        "{kind: RoleBinding, metadata: {name: sneak}, spec: {subjects: ['user:carol'], role: sneak}}");

        assertThat(apply(CAROL, sneak, List.of(), false)).isInstanceOf(SelfEscalation.class);
        assertThat(apply(BOB, sneak, List.of(), false)).isInstanceOf(Accepted.class);
    }

    @Test
    void inTenantAssizeWhatStopsCarryingAnObligationIsGiven() {
        accept(BOB, GUARDED);
        String obliged = "{resources: [ledger], actions: [query], obligations: [{id: o, type: t}]}";
        String obligedAtTimes =
                "{resources: [ledger], actions: [query], when: 'has(context.never)', obligations: [{id: o, type: t}]}";
        String plain = "{resources: [ledger], actions: [query]}";
        accept(BOB, reads(plain + ", " + obliged));

        assertThat(apply(CAROL, reads(plain), List.of(), false)).isInstanceOf(SelfEscalation.class);
        assertThat(apply(CAROL, reads(plain + ", " + obligedAtTimes), List.of(), false))
                .isInstanceOf(SelfEscalation.class);
        accept(CAROL, reads(obliged));
        accept(BOB, reads(plain + ", " + obligedAtTimes));
        assertThat(apply(CAROL, reads(plain), List.of(), false)).isInstanceOf(SelfEscalation.class);
        accept(CAROL, reads(plain + ", " + obliged));
    }

    private static String reads(String permissions) {
        return ofAssize("{kind: Role, metadata: {name: reads}, spec: {permissions: [" + permissions + "]}}");
    }

    private static String ofAssize(String document) {
        return document.replaceFirst("\\{kind", "{apiVersion: assize.dev/v1, kind")
                        .replaceFirst("metadata: \\{", "metadata: {tenant: assize, ")
                + "\n";
    }

    /** What others ask for is theirs; but who approves it may do so for the price of another's name. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{kind: RoleBinding, metadata: {name: new}, spec: {subjects: ['user:alice'], role: checker}}",
                "{kind: RoleBinding, metadata: {name: new}, spec: {subjects: ['user:*'], role: checker}}",
                "{kind: RoleBinding, metadata: {name: new}, spec: {subjects: ['user:alice'], role: checker, notBefore:"
                        + " 2027-01-01T00:00:00Z}}",
                "{kind: Group, metadata: {name: checkers}, spec: {members: ['user:zoe', 'user:alice']}}",
                "{kind: Role, metadata: {name: clerk}, spec: {inherits: [checker]}}",
                "{kind: ApprovalRule, metadata: {name: check}, spec: {resources: [doc], actions: [sign], approvals: 2,"
                        + " approverRole: clerk, pendingTtl: 1h, ttl: 1h}}",
                "{kind: ApprovalRule, metadata: {name: watch}, spec: {resources: [doc], actions: [write], approvals: 2,"
                        + " approverRole: clerk, approverTypes: [user], pendingTtl: 1h, ttl: 1h}}",
                "{kind: ApprovalRule, metadata: {name: own}, spec: {resources: [doc], actions: [read], approvals: 1,"
                        + " approverRole: clerk, pendingTtl: 1h, ttl: 1h}}",
                "{kind: RoleBinding, metadata: {name: part}, spec: {subjects: ['user:alice'], role: partial}}",
            })
    void refusesWhatMakesItsAuthorAnApprover(String document) {
        accept(BOB, APPROVED);
        String yaml = withTenant(document);

        assertThat(apply(ALICE, yaml, List.of(), false)).isInstanceOf(SelfEscalation.class);
        Compared dry = (Compared) apply(ALICE, yaml, List.of(), true);
        assertThat(dry.gains().getFirst().message()).contains("`user:alice` could approve ");
        assertThat(apply(BOB, yaml, List.of(), false)).isInstanceOf(Accepted.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{kind: RoleBinding, metadata: {name: new}, spec: {subjects: ['user:zoe'], role: checker}}",
                "{kind: Group, metadata: {name: checkers}, spec: {members: ['user:zoe', 'user:dave']}}",
                // What it approves already, by another binding to as much, with more others, or of less.
                "{kind: RoleBinding, metadata: {name: new}, spec: {subjects: ['user:alice'], role: clerk, scope:"
                        + " {resources: ['doc:1']}}}",
                "{kind: RoleBinding, metadata: {name: part}, spec: {subjects: ['user:alice'], role: partial, scope:"
                        + " {resources: ['doc:1']}}}",
                "{kind: ApprovalRule, metadata: {name: own}, spec: {resources: [doc], actions: [read], approvals: 3,"
                        + " approverRole: clerk, pendingTtl: 1h, ttl: 1h}}",
                // What needed nobody's approval.
                "{kind: ApprovalRule, metadata: {name: new}, spec: {resources: [doc], actions: [admin], approvals: 1,"
                        + " approverRole: clerk, pendingTtl: 1h, ttl: 1h}}",
                // What has nothing to do with it, beside a rule that others approve.
                "{kind: Role, metadata: {name: other}, spec: {inherits: [checker]}}",
            })
    void acceptsWhatMakesItsAuthorNoApprover(String document) {
        accept(BOB, APPROVED);

        accept(ALICE, withTenant(document));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{kind: Freeze, metadata: {name: stop}, spec: {subject: 'user:bob', reason: stop}}",
                "{kind: Freeze, metadata: {name: stop}, spec: {subject: 'user:alice', action: write, reason: stop}}",
                "{kind: Freeze, metadata: {name: stop}, spec: {subject: 'user:alice', reason: stop, until:"
                        + " 2027-01-01T00:00:00Z}}",
                "{kind: Freeze, metadata: {name: held}, spec: {subject: 'group:checkers', action: write, reason: stop}}",
                "{kind: Group, metadata: {name: frozen}, spec: {members: ['user:zoe']}}",
            })
    void refusesWhatLetsItsAuthorApproveAgain(String document) {
        accept(BOB, APPROVED);
        accept(BOB, withTenant("{kind: Group, metadata: {name: frozen}, spec: {members: ['user:zoe', 'user:alice']}}"));
        accept(BOB, withTenant("{kind: Freeze, metadata: {name: stop}, spec: {subject: 'user:alice', reason: stop}}"));
        accept(
                BOB,
                withTenant("{kind: Freeze, metadata: {name: held}, spec: {subject: 'group:frozen', role: clerk,"
                        + " reason: stop}}"));
        accept(BOB, withTenant("{kind: Freeze, metadata: {name: other}, spec: {subject: 'user:zoe', reason: stop}}"));

        assertThat(apply(ALICE, withTenant(document), List.of(), false)).isInstanceOf(SelfEscalation.class);
        assertThat(apply(ALICE, "", List.of(key(Kind.FREEZE, "stop")), false)).isInstanceOf(SelfEscalation.class);
        accept(ALICE, "", key(Kind.FREEZE, "other"));
        accept(BOB, withTenant(document));
    }

    @Test
    void acceptsWhatGivesToOthersOrTakesAway() {
        begin();

        accept(
                ALICE,
                withTenant("{kind: RoleBinding, metadata: {name: dave}, spec: {subjects: ['user:dave'], role:"
                        + " writer}}"));
        accept(ALICE, withTenant("{kind: Group, metadata: {name: writers}, spec: {members: ['user:dave']}}"));
        accept(ALICE, withTenant("{kind: Freeze, metadata: {name: more}, spec: {tenant: true, reason: all}}"));
        accept(ALICE, "", key(Kind.ROLE_BINDING, "alice"));
        accept(
                ALICE,
                withTenant("{kind: Role, metadata: {name: visitor}, spec: {permissions: [{resources: [doc],"
                        + " actions: [admin], when: \"subject.attr.site == 'here'\"}, {effect: deny, resources: [doc],"
                        + " actions: [sign, read]}]}}"));
    }

    @Test
    void aDryRunTellsWhoseAnswersChangeAndWhatIsWithoutEffect() {
        begin();
        String yaml = withTenant("{kind: RoleBinding, metadata: {name: dave}, spec: {subjects: ['user:dave'], role:"
                        + " writer, scope: {resources: ['doc:7']}}}")
                + "---\n"
                + withTenant("{kind: Role, metadata: {name: unused}, spec: {permissions: [{resources: [doc], actions:"
                        + " [sign]}]}}");

        Impact impact = ((Compared) apply(BOB, yaml, List.of(), true)).impacts().getFirst();

        assertThat(impact.complete()).isTrue();
        assertThat(impact.lines())
                .extracting(line -> line.subject() + " " + line.action() + " " + line.resource() + " " + line.env()
                        + " " + line.from().effect() + " " + line.to().effect())
                .containsExactly(
                        "user:dave write doc:7 default DENY ALLOW",
                        "user:dave write doc:7/doc default DENY ALLOW",
                        "user:dave write doc:7 prod DENY ALLOW",
                        "user:dave write doc:7/doc prod DENY ALLOW");
        assertThat(impact.findings())
                .as("alice has a document, and dave has none")
                .extracting(Impact.Finding::type)
                .containsExactly(Impact.Type.ROLE_UNREACHED, Impact.Type.BINDING_TO_NOBODY);
        assertThat(administration.export(ACME).find(key(Kind.ROLE, "unused"))).isEmpty();
    }

    private void begin() {
        accept(BOB, WORLD);
    }

    private void accept(Recorder author, String yaml, DocumentKey... deletes) {
        assertThat(apply(author, yaml, List.of(deletes), false)).isInstanceOf(Accepted.class);
    }

    private ChangeResult apply(Recorder author, String yaml, List<DocumentKey> deletes, boolean dryRun) {
        ChangeSet change = new ChangeSet(read(yaml), deletes, List.of(), dryRun, false, null);
        return administration.apply(change, author, tenant -> true, tenant -> true);
    }

    private static DocumentKey key(Kind kind, String name) {
        return new DocumentKey(ACME, kind, name);
    }

    private static String withTenant(String document) {
        String tenant = document.contains("kind: Tenant,") ? "" : "tenant: acme, ";
        return document.replaceFirst("\\{kind", "{apiVersion: assize.dev/v1, kind")
                        .replaceFirst("metadata: \\{", "metadata: {" + tenant)
                + "\n";
    }

    private static List<Document> read(String yaml) {
        if (yaml.isEmpty()) {
            return List.of();
        }
        ReadResult result = DocumentReader.read("test.yaml", 1, yaml.getBytes(StandardCharsets.UTF_8));
        assertThat(result.problems()).isEmpty();
        return result.documents();
    }
}
