package dev.assize.server.decision;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.AttributeValue.Text;
import dev.assize.server.model.AttributeValue.Truth;
import dev.assize.server.model.AttributeValue.Whole;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.DocumentReader.ReadResult;
import dev.assize.server.policy.PolicySet;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Small policies whose answer hangs on what policy knows and on what a request brings, in one condition and in whatever
 * order; changes of one document; and requests that are half of what the condition wants.
 */
public final class DirectedChange {

    private static final TenantId ACME = new TenantId("acme");
    private static final Subject ALICE = Subject.parse("user:alice");
    private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
    private static final List<String> OF_POLICY = List.of(
            "subject.attr.level >= 2",
            "subject.attr.grade < 2",
            "has(subject.attr.grade)",
            "'oncall' in subject.groups",
            "resource.attr.open",
            "resource.attr.tier == 1");
    private static final List<String> OF_BOTH = List.of(
            "context.amount <= subject.attr.level",
            "subject.attr.level >= context.amount",
            "resource.attr.cost <= subject.attr.level",
            "context.group in subject.groups",
            "subject.attr.grade == context.amount",
            "context.amount > resource.attr.tier");
    private static final List<String> OF_REQUEST = List.of(
            "has(context.ticket)",
            "context.mode == 'x'",
            "subject.attr.site == 'here'",
            "resource.attr.cost < 2",
            "now >= timestamp('2026-03-01T12:00:00Z')",
            "context.flag");

    private final Dice dice;

    private DirectedChange(long seed) {
        dice = new Dice(seed);
    }

    /** So many of them, with so many requests each. */
    public static void each(long firstSeed, int count, int queries, Consumer<RandomChange> each) {
        for (long seed = firstSeed; seed < firstSeed + count; seed++) {
            each.accept(new DirectedChange(seed).change(seed, queries));
        }
    }

    private RandomChange change(long seed, int queries) {
        Map<String, String> world = world();
        Map<String, String> changed = new HashMap<>(world);
        String name = dice.pick(List.of(
                "Subject",
                "Subject",
                "Subject",
                "Group",
                "Group",
                "Group",
                "Group",
                "Resource",
                "Resource",
                "Tenant",
                "ResourceType",
                "Role",
                "RoleBinding",
                "Freeze",
                "ApprovalRule",
                "ApprovalRule",
                "SeparationOfDuty"));
        boolean goes = Set.of("Freeze", "ApprovalRule", "SeparationOfDuty").contains(name)
                ? dice.chance(50)
                : dice.chance(15) && !Set.of("Tenant", "ResourceType", "Role").contains(name);
        String other = goes ? "" : document(name);
        changed.put(name, other);
        PolicySet before = set(1, world);
        PolicySet after = set(2, changed);
        Set<DocumentKey> differing = new HashSet<>();
        RandomChange.differing(before, after, differing);
        PolicySet platform = PolicySet.of(PolicyScope.PLATFORM, new Revision(1), List.of());
        List<CheckQuery> asked = new ArrayList<>();
        for (int i = 0; i < queries; i++) {
            asked.add(query());
        }
        return new RandomChange(seed, before, platform, after, platform, differing, NOW, asked, WorldRecords.NONE);
    }

    private Map<String, String> world() {
        Map<String, String> world = new HashMap<>();
        for (String kind : List.of("Tenant", "ResourceType", "Subject", "Group", "Resource", "Role", "RoleBinding")) {
            world.put(kind, document(kind));
        }
        for (String kind : List.of("Freeze", "ApprovalRule", "SeparationOfDuty")) {
            if (dice.chance(40)) {
                world.put(kind, document(kind));
            }
        }
        return world;
    }

    private String document(String kind) {
        return switch (kind) {
            case "Tenant" ->
                "name: acme}, spec: {environments: [default" + (dice.chance(30) ? "" : ", prod")
                        + "], subjectAttributes: {" + (dice.chance(60) ? "level: {type: int, source: stored}, " : "")
                        + "site: {type: string, source: request}}}}";
            case "ResourceType" ->
                named("svc") + "{actions: [run, rest, stay], " + (dice.chance(50) ? "" : "implies: {rest: [run]}, ")
                        + "attributes: {open: {type: bool, source: " + source() + "}, tier: {type: int, source: "
                        + source() + "}, cost: {type: int, source: request}}}}";
            case "Subject" ->
                named("'user:alice'") + "{attributes: {title: " + dice.pick(List.of("Ms", "Dr")) + ", level: "
                        + dice.below(4) + (dice.chance(50) ? "" : ", grade: " + dice.below(4)) + "}}}";
            case "Group" ->
                named("oncall") + "{members: ['user:zoe'" + (dice.chance(50) ? "" : ", 'user:alice'") + "]}}";
            case "Resource" ->
                named("'svc:1'") + "{attributes: {note: " + dice.pick(List.of("a", "b"))
                        + (dice.chance(70) ? ", open: " + dice.chance(50) : "")
                        + (dice.chance(70) ? ", tier: " + dice.below(3) : "") + "}}}";
            case "Role" ->
                named("worker") + "{permissions: [" + permission("allow")
                        + (dice.chance(50) ? "" : ", " + permission("deny"))
                        + (dice.chance(60) ? "" : ", " + permission("allow")) + "]}}";
            case "RoleBinding" ->
                named("alice") + "{subjects: ["
                        + dice.pick(
                                List.of("'user:alice'", "'user:*'", "'group:oncall'", "'user:alice', 'group:oncall'"))
                        + "], role: worker" + (dice.chance(60) ? "" : ", when: \"" + condition() + "\"")
                        + (dice.chance(70) ? "" : ", scope: {resources: ['svc:1']}") + "}}";
            case "Freeze" ->
                named("stop") + "{"
                        + dice.pick(
                                List.of("subject: 'user:alice'", "resource: 'svc:1'", "role: worker", "action: run"))
                        + ", reason: x" + (dice.chance(50) ? "" : ", until: '2026-02-01T00:00:00Z'") + "}}";
            case "ApprovalRule" ->
                named("two") + "{resources: [svc], actions: [" + dice.pick(List.of("run", "rest"))
                        + "], approvals: 1, approverRole: worker, pendingTtl: 1h, ttl: 1h}}";
            case "SeparationOfDuty" -> named("apart") + "{type: active-roles, roles: [worker, other], limit: 1}}";
            default -> throw new IllegalArgumentException(kind);
        };
    }

    private String source() {
        return dice.pick(List.of("stored", "either"));
    }

    private static String named(String name) {
        return "tenant: acme, name: " + name + "}, spec: ";
    }

    private String permission(String effect) {
        return "{effect: " + effect + ", resources: [svc], actions: [" + dice.pick(List.of("run", "run", "rest")) + "]"
                + (dice.chance(15) ? "" : ", when: \"" + condition() + "\"") + "}";
    }

    private String condition() {
        String known = dice.pick(OF_POLICY);
        String both = dice.pick(OF_BOTH);
        String brought = dice.pick(OF_REQUEST);
        return switch (dice.below(8)) {
            case 0 -> both;
            case 1 -> "!(" + both + ")";
            case 2 -> brought + " && " + known;
            case 3 -> known + " && " + brought;
            case 4 -> brought + " && " + both;
            case 5 -> "!(" + brought + ") || " + known;
            case 6 -> "!(" + brought + " && " + known + ")";
            default -> "(" + brought + " || " + both + ") && " + known;
        };
    }

    private CheckQuery query() {
        Map<String, AttributeValue> context = new HashMap<>();
        put(context, "ticket", new Text("t"));
        put(context, "mode", new Text(dice.pick(List.of("x", "y"))));
        put(context, "flag", new Truth(dice.chance(60)));
        put(context, "amount", new Whole(dice.below(4)));
        put(context, "group", new Text(dice.pick(List.of("oncall", "other"))));
        Map<String, AttributeValue> ofSubject = new HashMap<>();
        put(ofSubject, "site", new Text(dice.pick(List.of("here", "there"))));
        Map<String, AttributeValue> ofResource = new HashMap<>();
        put(ofResource, "cost", new Whole(dice.below(4)));
        return new CheckQuery(
                ALICE,
                ResourcePath.parse(dice.pick(List.of("svc:1", "svc:1", "svc:2", "svc"))),
                new Action(dice.pick(List.of("run", "run", "rest"))),
                ACME,
                new Environment(dice.pick(List.of("default", "default", "prod"))),
                ACME,
                ofSubject,
                ofResource,
                context,
                List.of(),
                null,
                null);
    }

    private void put(Map<String, AttributeValue> attributes, String name, AttributeValue value) {
        if (dice.chance(70)) {
            attributes.put(name, value);
        }
    }

    private static PolicySet set(long revision, Map<String, String> world) {
        StringBuilder yaml =
                new StringBuilder("{apiVersion: assize.dev/v1, kind: Role, metadata: {tenant: acme, name: other},"
                        + " spec: {permissions: [{resources: [svc], actions: [stay]}]}}\n---\n"
                        + "{apiVersion: assize.dev/v1, kind: RoleBinding, metadata: {tenant: acme, name: alice-other}, spec:"
                        + " {subjects: ['user:alice'], role: other}}\n");
        world.forEach((kind, document) -> {
            if (!document.isEmpty()) {
                yaml.append("---\n{apiVersion: assize.dev/v1, kind: ")
                        .append(kind)
                        .append(", metadata: {")
                        .append(document)
                        .append('\n');
            }
        });
        ReadResult result = DocumentReader.read("world.yaml", 1, yaml.toString().getBytes(StandardCharsets.UTF_8));
        assertThat(result.problems()).isEmpty();
        List<Document> documents = result.documents();
        return PolicySet.of(PolicyScope.of(ACME), new Revision(revision), documents);
    }
}
