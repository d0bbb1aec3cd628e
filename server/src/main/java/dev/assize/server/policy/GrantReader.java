package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.DocumentReader.Head;
import dev.assize.server.policy.YamlNode.Mapping;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/** Reads what says who may do what: roles, groups and bindings. */
final class GrantReader {

    private static final String SCOPE_EXPECTED =
            "a mapping with at least one of `environments`, `resourceTypes`, `resources`";

    private final Problems problems;
    private final Head head;

    GrantReader(Problems problems, Head head) {
        this.problems = problems;
        this.head = head;
    }

    Optional<Document> read(Kind kind, Mapping spec) {
        return switch (kind) {
            case ROLE -> role(spec);
            case GROUP -> group(spec);
            case ROLE_BINDING -> roleBinding(spec);
            case TENANT, RESOURCE_TYPE, SUBJECT, RESOURCE, SEPARATION_OF_DUTY, APPROVAL_RULE, FREEZE ->
                throw new IllegalArgumentException("Read elsewhere: " + kind);
        };
    }

    private Optional<Document> role(Mapping spec) {
        Fields fields = fields(head.prefix(), spec, "inherits", "permissions");
        if (!fields.has("inherits") && !fields.has("permissions")) {
            fields.refuse("permissions", "", "a list of permissions, or a list of roles in `inherits`");
        }
        List<String> inherits = fields.optionalList("inherits", Forms::name).orElse(List.of());
        List<Permission> permissions = new ArrayList<>();
        fields.forEachMapping(
                "permissions",
                "a permission with `resources` and `actions`",
                (prefix, mapping) -> permission(prefix, mapping).ifPresent(permissions::add));
        return Optional.of(new RoleDocument(head.metadata(), head.place(), inherits, List.copyOf(permissions)));
    }

    private Optional<Permission> permission(String prefix, Mapping node) {
        Fields fields = fields(prefix, node, "effect", "resources", "actions", "environments", "when", "obligations");
        Optional<Effect> effect = fields.optionalValue("effect", GrantReader::effect);
        Optional<AnyOf<String>> resources =
                fields.anyOf("resources", "a list of resource types, or `[\"*\"]`", Forms::type);
        Optional<AnyOf<Action>> actions = fields.anyOf("actions", "a list of actions, or `[\"*\"]`", Action::new);
        Optional<AnyOf<Environment>> environments = fields.optionalAnyOf("environments", Environment::new);
        Optional<String> when = fields.optionalValue("when", Forms::condition);
        List<Obligation> obligations = new ArrayList<>();
        fields.forEachMapping(
                "obligations",
                "an obligation with `id` and `type`",
                (at, mapping) -> obligation(at, mapping).ifPresent(obligations::add));
        if (resources.isEmpty() || actions.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Permission(
                DocumentReader.placeOf(node),
                effect.orElse(Effect.ALLOW),
                resources.get(),
                actions.get(),
                environments.orElseGet(AnyOf.All::new),
                when.orElse(null),
                List.copyOf(obligations)));
    }

    private static Effect effect(String text) {
        return switch (text) {
            case "allow" -> Effect.ALLOW;
            case "deny" -> Effect.DENY;
            default -> throw new MalformedException(text, "`allow` or `deny`");
        };
    }

    private Optional<Obligation> obligation(String prefix, Mapping node) {
        Fields fields = fields(prefix, node, "id", "type", "properties");
        Optional<String> id = fields.value("id", "a key", Forms::key);
        Optional<String> type = fields.value("type", "a key", Forms::key);
        SortedMap<String, String> properties = fields.texts("properties");
        return id.isEmpty() || type.isEmpty()
                ? Optional.empty()
                : Optional.of(new Obligation(id.get(), type.get(), properties));
    }

    private Optional<Document> group(Mapping spec) {
        Fields fields = fields(head.prefix(), spec, "members");
        return Optional.of(new GroupDocument(
                head.metadata(), head.place(), fields.list("members", "a list of subjects and groups", Forms::member)));
    }

    private Optional<Document> roleBinding(Mapping spec) {
        Fields fields = fields(
                head.prefix(),
                spec,
                "subjects",
                "role",
                "scope",
                "fromTenant",
                "notBefore",
                "notAfter",
                "when",
                "reason");
        List<SubjectPattern> subjects = fields.list("subjects", "a list of subjects and groups", Forms::pattern);
        Optional<String> role = fields.value("role", "the name of a role", Forms::name);
        Scope scope = fields.optionalNode("scope")
                .flatMap(node -> Fields.mapping(problems, fields.nameOf("scope"), node, SCOPE_EXPECTED))
                .map(node -> scope(fields, node))
                .orElse(Scope.ALL);
        Optional<TenantId> fromTenant = fields.optionalValue("fromTenant", TenantId::new);
        Optional<Instant> notBefore = fields.optionalValue("notBefore", Forms::time);
        Optional<Instant> notAfter = fields.optionalValue("notAfter", Forms::time);
        Optional<String> when = fields.optionalValue("when", Forms::condition);
        Optional<String> reason = fields.optionalValue("reason", Forms::text);
        RestraintReader.requireOrder(fields, "notBefore", notBefore, "notAfter", notAfter);
        return role.map(name -> new RoleBindingDocument(
                head.metadata(),
                head.place(),
                subjects,
                name,
                scope,
                fromTenant.orElse(null),
                notBefore.orElse(null),
                notAfter.orElse(null),
                when.orElse(null),
                reason.orElse(null)));
    }

    private Scope scope(Fields binding, Mapping node) {
        Fields fields = fields(binding.nameOf("scope") + ".", node, "environments", "resourceTypes", "resources");
        // An empty scope would read like a narrow one and be the widest.
        if (node.entries().isEmpty()) {
            binding.refuse("scope", node.shown(), SCOPE_EXPECTED);
        }
        Optional<AnyOf<Environment>> environments = fields.optionalAnyOf("environments", Environment::new);
        Optional<AnyOf<String>> resourceTypes = fields.optionalAnyOf("resourceTypes", Forms::type);
        Optional<List<ResourcePath>> resources = fields.optionalList("resources", Forms::coveringPath);
        return new Scope(environments, resourceTypes, resources);
    }

    private Fields fields(String prefix, Mapping node, String... known) {
        return new Fields(problems, prefix, node, List.of(known), DocumentReader.NOTHING_LATER);
    }
}
