package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Duty;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.DocumentReader.Head;
import dev.assize.server.policy.YamlNode.Mapping;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads what restrains those who have roles: separation of duty, rules of approval, freezes. */
final class RestraintReader {

    private static final List<String> DUTY_TYPES = List.of("assigned-roles", "active-roles", "performed-actions");
    private static final List<String> FREEZE_TARGETS =
            List.of("subject", "role", "action", "resource", "resourceType", "environment", "run", "tenant");

    /** Fewer cannot be kept apart. */
    private static final int LEAST_APART = 2;

    private final Problems problems;
    private final Head head;

    RestraintReader(Problems problems, Head head) {
        this.problems = problems;
        this.head = head;
    }

    Optional<Document> read(Kind kind, Mapping spec) {
        return switch (kind) {
            case SEPARATION_OF_DUTY -> separationOfDuty(spec);
            case APPROVAL_RULE -> approvalRule(spec);
            case FREEZE -> freeze(spec);
            case TENANT, RESOURCE_TYPE, ROLE, GROUP, ROLE_BINDING, SUBJECT, RESOURCE ->
                throw new IllegalArgumentException("Read elsewhere: " + kind);
        };
    }

    private Optional<Document> separationOfDuty(Mapping spec) {
        Fields fields = fields(spec, "type", "roles", "limit", "actions", "resources", "environments");
        Optional<String> type = fields.value("type", oneOfDutyTypes(), RestraintReader::dutyType);
        Optional<Duty> duty =
                type.flatMap(it -> it.equals("performed-actions") ? performed(fields, it) : roles(fields, it));
        AnyOf<Environment> environments = environments(fields);
        return duty.map(it -> new SeparationOfDutyDocument(head.metadata(), head.place(), it, environments));
    }

    private static String dutyType(String text) {
        if (!DUTY_TYPES.contains(text)) {
            throw new MalformedException(text, oneOfDutyTypes());
        }
        return text;
    }

    private static String oneOfDutyTypes() {
        return "one of " + Fields.oneOf(DUTY_TYPES);
    }

    private static Optional<Duty> roles(Fields fields, String type) {
        refuseFieldsOfOthers(fields, type, List.of("actions", "resources"));
        List<String> roles = fields.list("roles", "a list of roles", Forms::name);
        requireApart(fields, "roles", roles);
        int most = Math.max(1, roles.size() - 1);
        int limit = fields.optionalWhole("limit", 1, most).orElse(1);
        return Optional.of(
                type.equals("assigned-roles")
                        ? new Duty.AssignedRoles(roles, limit)
                        : new Duty.ActiveRoles(roles, limit));
    }

    private static Optional<Duty> performed(Fields fields, String type) {
        refuseFieldsOfOthers(fields, type, List.of("roles", "limit"));
        List<Action> actions = fields.list("actions", "a list of actions", Action::new);
        requireApart(fields, "actions", actions);
        return fields.anyOf("resources", "a list of resource types, or `[\"*\"]`", Forms::type)
                .map(resources -> new Duty.PerformedActions(actions, resources));
    }

    private static void refuseFieldsOfOthers(Fields fields, String type, List<String> others) {
        others.stream()
                .filter(fields::has)
                .forEach(other -> fields.refuse(other, other, "no such field where `type` is `" + type + "`"));
    }

    /** A list that was refused already is empty, and nothing more is said of it. */
    private static void requireApart(Fields fields, String key, List<?> values) {
        Set<Object> seen = new HashSet<>();
        for (Object value : values) {
            if (!seen.add(value)) {
                fields.refuse(key, value.toString(), "each of the " + key + " once");
                return;
            }
        }
        if (values.size() == 1) {
            fields.refuse(key, values.getFirst().toString(), "at least " + LEAST_APART + " " + key);
        }
    }

    private Optional<Document> approvalRule(Mapping spec) {
        Fields fields = fields(
                spec,
                "resources",
                "actions",
                "environments",
                "approvals",
                "approverRole",
                "approverTypes",
                "pendingTtl",
                "ttl",
                "singleUse");
        Optional<AnyOf<String>> resources =
                fields.anyOf("resources", "a list of resource types, or `[\"*\"]`", Forms::type);
        Optional<AnyOf<Action>> actions = fields.anyOf("actions", "a list of actions, or `[\"*\"]`", Action::new);
        AnyOf<Environment> environments = environments(fields);
        int approvals =
                fields.optionalWhole("approvals", 1, Forms.MAX_APPROVALS).orElse(1);
        Optional<String> approverRole = fields.value("approverRole", "the name of a role", Forms::name);
        List<String> approverTypes = fields.optionalList("approverTypes", Forms::approverType)
                .orElse(ApprovalRuleDocument.DEFAULT_APPROVERS);
        Optional<Duration> pendingTtl = fields.value("pendingTtl", Forms.DURATION_EXPECTED, Forms::duration);
        Optional<Duration> ttl = fields.value("ttl", Forms.DURATION_EXPECTED, Forms::duration);
        boolean singleUse = fields.optionalTruth("singleUse").orElse(false);
        if (resources.isEmpty()
                || actions.isEmpty()
                || approverRole.isEmpty()
                || pendingTtl.isEmpty()
                || ttl.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new ApprovalRuleDocument(
                head.metadata(),
                head.place(),
                resources.get(),
                actions.get(),
                environments,
                approvals,
                approverRole.get(),
                approverTypes,
                pendingTtl.get(),
                ttl.get(),
                singleUse));
    }

    private Optional<Document> freeze(Mapping spec) {
        Fields fields = fields(
                spec,
                "subject",
                "role",
                "action",
                "resource",
                "resourceType",
                "environment",
                "run",
                "tenant",
                "reason",
                "from",
                "until");
        FreezeTarget target = target(fields);
        Optional<String> reason = fields.value("reason", "a text that says why", Forms::text);
        Optional<Instant> from = fields.optionalValue("from", Forms::time);
        Optional<Instant> until = fields.optionalValue("until", Forms::time);
        requireOrder(fields, "from", from, "until", until);
        return reason.map(it ->
                new FreezeDocument(head.metadata(), head.place(), target, it, from.orElse(null), until.orElse(null)));
    }

    private FreezeTarget target(Fields fields) {
        if (FREEZE_TARGETS.stream().noneMatch(fields::has)) {
            fields.refuse("tenant", "", "at least one of " + Fields.oneOf(FREEZE_TARGETS));
        }
        @Nullable
        Subject subject = fields.optionalValue("subject", Forms::frozenSubject).orElse(null);
        @Nullable String role = fields.optionalValue("role", Forms::name).orElse(null);
        @Nullable Action action = fields.optionalValue("action", Action::new).orElse(null);
        @Nullable
        ResourcePath resource =
                fields.optionalValue("resource", Forms::frozenPath).orElse(null);
        @Nullable
        String type = fields.optionalValue("resourceType", Forms::type).orElse(null);
        @Nullable
        Environment environment =
                fields.optionalValue("environment", Environment::new).orElse(null);
        @Nullable String run = fields.optionalValue("run", Forms::run).orElse(null);
        Optional<Boolean> tenant = fields.optionalTruth("tenant");
        if (tenant.isPresent() && !tenant.get()) {
            fields.refuse("tenant", "false", "`true`, which stops the whole tenant, or no such field");
        }
        return new FreezeTarget(subject, role, action, resource, type, environment, run, tenant.orElse(false));
    }

    /** Refuses a time that ends before it began, or when it began. */
    static void requireOrder(
            Fields fields, String firstKey, Optional<Instant> first, String secondKey, Optional<Instant> second) {
        if (first.isPresent() && second.isPresent() && !first.get().isBefore(second.get())) {
            fields.refuse(secondKey, second.get().toString(), "a time after `" + firstKey + "`, " + first.get());
        }
    }

    private static AnyOf<Environment> environments(Fields fields) {
        return fields.optionalAnyOf("environments", Environment::new).orElseGet(AnyOf.All::new);
    }

    private Fields fields(Mapping spec, String... known) {
        return new Fields(problems, head.prefix(), spec, List.of(known), DocumentReader.NOTHING_LATER);
    }
}
