package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.Effect;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.YamlNode.Mapping;
import dev.assize.server.policy.YamlNode.Scalar;
import dev.assize.server.policy.YamlNode.ScalarType;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Reads documents from YAML and refuses whatever is not exactly of their form, everything that is wrong at once.
 *
 * <p>What it lets through is well-formed by itself. Whether roles, groups and types exist is a question to the
 * set a document joins, see {@link PolicyValidator}.
 */
public final class DocumentReader {

    /** What each document begins with. */
    public static final String API_VERSION = "assize.dev/v1";

    private static final List<String> LATER_KINDS =
            List.of("Subject", "Resource", "SeparationOfDuty", "ApprovalRule", "Freeze");
    private static final List<String> KINDS = List.of("Tenant", "ResourceType", "Role", "RoleBinding", "Group");
    private static final List<String> NOTHING_LATER = List.of();
    private static final String LIST = "a list with at least one entry";

    private final Problems problems;

    private DocumentReader(Problems problems) {
        this.problems = problems;
    }

    /** What came of reading; documents with problems are left out. */
    public record ReadResult(List<Document> documents, List<Problem> problems) {}

    /**
     * Reads all documents of a source.
     *
     * @param file named in problems and kept in the documents' places
     * @param firstLine the line of the file at which the bytes begin, from 1
     */
    public static ReadResult read(String file, int firstLine, byte[] yaml) {
        Problems problems = new Problems();
        return read(YamlSource.read(file, firstLine, yaml, problems), problems);
    }

    /** Reads what was stored, which in its canonical layout may be longer than what was once read. */
    static ReadResult readTrusted(byte[] yaml) {
        Problems problems = new Problems();
        return read(YamlSource.readUnbounded(yaml, problems), problems);
    }

    private static ReadResult read(List<YamlSource.Root> roots, Problems problems) {
        DocumentReader reader = new DocumentReader(problems);
        List<Document> documents = new ArrayList<>();
        for (YamlSource.Root root : roots) {
            int before = problems.found();
            Optional<Document> document = reader.document(root.node());
            if (document.isPresent() && root.sound() && problems.found() == before) {
                documents.add(document.get());
            }
        }
        return new ReadResult(List.copyOf(documents), problems.toList());
    }

    /** A problem for each document whose name another one of the same change already has. */
    public static List<Problem> findRepeated(Collection<? extends Document> documents) {
        Problems problems = new Problems();
        Map<DocumentKey, Document> first = new HashMap<>();
        for (Document document : documents) {
            Document earlier = first.putIfAbsent(document.key(), document);
            if (earlier != null) {
                problems.add(
                        document.place(),
                        document.key() + ": metadata.name",
                        document.name(),
                        "each name once in a change"
                                + (earlier.place().line() == 0 ? "" : ", and " + earlier.place() + " has it already"));
            }
        }
        return problems.toList();
    }

    private Optional<Document> document(YamlNode root) {
        Optional<Mapping> mapping = Fields.mapping(
                problems, "document", root, "a mapping with `apiVersion`, `kind`, `metadata` and `spec`");
        return mapping.flatMap(this::document);
    }

    private Optional<Document> document(Mapping root) {
        String title = title(root);
        Fields fields =
                new Fields(problems, title, root, List.of("apiVersion", "kind", "metadata", "spec"), NOTHING_LATER);
        fields.value("apiVersion", "`" + API_VERSION + "`", text -> same(text, API_VERSION));
        Optional<Kind> kind = fields.value("kind", "one of " + Fields.oneOf(KINDS), DocumentReader::kind);
        Optional<Mapping> metadataNode = fields.node("metadata", "a mapping with a `name`")
                .flatMap(node -> Fields.mapping(problems, title + "metadata", node, "a mapping with a `name`"));
        Optional<Mapping> specNode = fields.node("spec", "a mapping")
                .flatMap(node -> Fields.mapping(problems, title + "spec", node, "a mapping"));
        if (kind.isEmpty()) {
            return Optional.empty();
        }
        Optional<Metadata> metadata = metadataNode.flatMap(node -> metadata(kind.get(), title + "metadata.", node));
        Head head = new Head(
                metadata.orElseGet(() -> new Metadata(PolicyScope.PLATFORM, "", new TreeMap<>(), null)), placeOf(root));
        Optional<Document> document = specNode.flatMap(spec -> spec(kind.get(), head, title + "spec.", spec));
        return metadata.isPresent() ? document : Optional.empty();
    }

    private Optional<Document> spec(Kind kind, Head head, String prefix, Mapping spec) {
        return switch (kind) {
            case TENANT -> tenant(head, prefix, spec);
            case RESOURCE_TYPE -> resourceType(head, prefix, spec);
            case ROLE -> role(head, prefix, spec);
            case GROUP -> group(head, prefix, spec);
            case ROLE_BINDING -> roleBinding(head, prefix, spec);
            case SUBJECT, RESOURCE, SEPARATION_OF_DUTY, APPROVAL_RULE, FREEZE ->
                throw new IllegalStateException("Refused as a kind: " + kind);
        };
    }

    private Optional<Metadata> metadata(Kind kind, String prefix, Mapping node) {
        Fields fields =
                new Fields(problems, prefix, node, List.of("tenant", "name", "labels", "manager"), NOTHING_LATER);
        Optional<String> name = fields.value("name", "a name", nameForm(kind));
        Optional<TenantId> tenant = fields.optionalValue("tenant", TenantId::new);
        Optional<String> manager = fields.optionalValue("manager", Forms::name);
        SortedMap<String, String> labels = fields.optionalNode("labels")
                .map(labelsNode -> texts(fields.nameOf("labels"), labelsNode))
                .orElseGet(Collections::emptySortedMap);
        if (name.isEmpty()) {
            return Optional.empty();
        }
        Optional<PolicyScope> scope =
                kind == Kind.TENANT ? ownScope(fields, new TenantId(name.get()), tenant) : scope(kind, fields, tenant);
        return scope.map(s -> new Metadata(s, name.get(), labels, manager.orElse(null)));
    }

    private static Optional<PolicyScope> ownScope(Fields fields, TenantId name, Optional<TenantId> tenant) {
        if (tenant.isPresent() && !tenant.get().equals(name)) {
            fields.refuse("tenant", tenant.get().value(), "`" + name + "`, as in `metadata.name`, or nothing");
        }
        return Optional.of(PolicyScope.of(name));
    }

    private static Optional<PolicyScope> scope(Kind kind, Fields fields, Optional<TenantId> tenant) {
        if (tenant.isPresent()) {
            return Optional.of(PolicyScope.of(tenant.get()));
        }
        if (fields.has("tenant")) {
            return Optional.empty();
        }
        if (kind != Kind.RESOURCE_TYPE && kind != Kind.ROLE) {
            fields.refuse("tenant", "", "a tenant: of the platform there are only kinds `ResourceType` and `Role`");
        }
        return Optional.of(PolicyScope.PLATFORM);
    }

    private Optional<Document> tenant(Head head, String prefix, Mapping spec) {
        Fields fields = new Fields(
                problems,
                prefix,
                spec,
                List.of("environments"),
                List.of("subjectAttributes", "changeApprovals", "audit", "plan", "limits"));
        List<Environment> environments = fields.list("environments", "a list of environment names", Environment::new);
        return Optional.of(new TenantDocument(head.metadata, head.place, environments, new TreeMap<>()));
    }

    private Optional<Document> resourceType(Head head, String prefix, Mapping spec) {
        Fields fields = new Fields(problems, prefix, spec, List.of("actions", "implies"), List.of("attributes"));
        List<Action> actions = fields.list("actions", "a list of actions", Action::new);
        SortedMap<Action, AnyOf<Action>> implies = fields.optionalNode("implies")
                .flatMap(node -> Fields.ofAnyKeys(
                        problems, fields.nameOf("implies"), node, "a mapping from an action to a list of actions"))
                .map(entries -> entries.anyOfEntries(Action::new, Action::new))
                .orElseGet(Collections::emptySortedMap);
        return Optional.of(new ResourceTypeDocument(
                head.metadata, head.place, actions, Collections.unmodifiableSortedMap(implies), new TreeMap<>()));
    }

    private Optional<Document> role(Head head, String prefix, Mapping spec) {
        Fields fields = new Fields(problems, prefix, spec, List.of("inherits", "permissions"), NOTHING_LATER);
        if (!fields.has("inherits") && !fields.has("permissions")) {
            fields.refuse("permissions", "", "a list of permissions, or a list of roles in `inherits`");
        }
        List<String> inherits = fields.optionalList("inherits", Forms::name).orElse(List.of());
        List<Permission> permissions = new ArrayList<>();
        fields.optionalNode("permissions").ifPresent(node -> {
            int index = 0;
            for (YamlNode item : fields.items("permissions", node, LIST)) {
                String field = fields.nameOf("permissions") + "[" + index++ + "]";
                Fields.mapping(problems, field, item, "a permission with `resources` and `actions`")
                        .flatMap(mapping -> permission(field + ".", mapping))
                        .ifPresent(permissions::add);
            }
        });
        return Optional.of(new RoleDocument(head.metadata, head.place, inherits, List.copyOf(permissions)));
    }

    private Optional<Permission> permission(String prefix, Mapping node) {
        Fields fields = new Fields(
                problems,
                prefix,
                node,
                List.of("effect", "resources", "actions", "environments", "obligations"),
                List.of("when"));
        Optional<Effect> effect = fields.optionalValue("effect", DocumentReader::effect);
        Optional<AnyOf<String>> resources =
                fields.anyOf("resources", "a list of resource types, or `[\"*\"]`", Forms::type);
        Optional<AnyOf<Action>> actions = fields.anyOf("actions", "a list of actions, or `[\"*\"]`", Action::new);
        Optional<AnyOf<Environment>> environments = fields.optionalAnyOf("environments", Environment::new);
        List<Obligation> obligations = obligations(fields);
        if (resources.isEmpty() || actions.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Permission(
                placeOf(node),
                effect.orElse(Effect.ALLOW),
                resources.get(),
                actions.get(),
                environments.orElseGet(AnyOf.All::new),
                null,
                obligations));
    }

    private List<Obligation> obligations(Fields fields) {
        List<Obligation> obligations = new ArrayList<>();
        fields.optionalNode("obligations").ifPresent(node -> {
            int index = 0;
            for (YamlNode item : fields.items("obligations", node, LIST)) {
                String field = fields.nameOf("obligations") + "[" + index++ + "]";
                Fields.mapping(problems, field, item, "an obligation with `id` and `type`")
                        .flatMap(mapping -> obligation(field + ".", mapping))
                        .ifPresent(obligations::add);
            }
        });
        return List.copyOf(obligations);
    }

    private Optional<Obligation> obligation(String prefix, Mapping node) {
        Fields fields = new Fields(problems, prefix, node, List.of("id", "type", "properties"), NOTHING_LATER);
        Optional<String> id = fields.value("id", "a key", Forms::key);
        Optional<String> type = fields.value("type", "a key", Forms::key);
        SortedMap<String, String> properties = fields.optionalNode("properties")
                .map(propertiesNode -> texts(fields.nameOf("properties"), propertiesNode))
                .orElseGet(Collections::emptySortedMap);
        return id.isEmpty() || type.isEmpty()
                ? Optional.empty()
                : Optional.of(new Obligation(id.get(), type.get(), properties));
    }

    private Optional<Document> group(Head head, String prefix, Mapping spec) {
        Fields fields = new Fields(problems, prefix, spec, List.of("members"), NOTHING_LATER);
        return Optional.of(new GroupDocument(
                head.metadata, head.place, fields.list("members", "a list of subjects and groups", Forms::member)));
    }

    private Optional<Document> roleBinding(Head head, String prefix, Mapping spec) {
        Fields fields = new Fields(
                problems,
                prefix,
                spec,
                List.of("subjects", "role", "scope", "fromTenant", "notBefore", "notAfter", "reason"),
                List.of("when"));
        List<SubjectPattern> subjects = fields.list("subjects", "a list of subjects and groups", Forms::pattern);
        Optional<String> role = fields.value("role", "the name of a role", Forms::name);
        Scope scope = fields.optionalNode("scope")
                .flatMap(node -> Fields.mapping(problems, fields.nameOf("scope"), node, SCOPE_EXPECTED))
                .map(node -> scope(fields, node))
                .orElse(Scope.ALL);
        Optional<TenantId> fromTenant = fields.optionalValue("fromTenant", TenantId::new);
        Optional<Instant> notBefore = fields.optionalValue("notBefore", Forms::time);
        Optional<Instant> notAfter = fields.optionalValue("notAfter", Forms::time);
        Optional<String> reason = fields.optionalValue("reason", Forms::text);
        if (notBefore.isPresent() && notAfter.isPresent() && !notBefore.get().isBefore(notAfter.get())) {
            fields.refuse("notAfter", notAfter.get().toString(), "a time after `notBefore`, " + notBefore.get());
        }
        return role.map(name -> new RoleBindingDocument(
                head.metadata,
                head.place,
                subjects,
                name,
                scope,
                fromTenant.orElse(null),
                notBefore.orElse(null),
                notAfter.orElse(null),
                null,
                reason.orElse(null)));
    }

    private static final String SCOPE_EXPECTED =
            "a mapping with at least one of `environments`, `resourceTypes`, `resources`";

    private Scope scope(Fields binding, Mapping node) {
        Fields fields = new Fields(
                problems,
                binding.nameOf("scope") + ".",
                node,
                List.of("environments", "resourceTypes", "resources"),
                NOTHING_LATER);
        // An empty scope would read like a narrow one and be the widest.
        if (node.entries().isEmpty()) {
            binding.refuse("scope", node.shown(), SCOPE_EXPECTED);
        }
        Optional<AnyOf<Environment>> environments = fields.optionalAnyOf("environments", Environment::new);
        Optional<AnyOf<String>> resourceTypes = fields.optionalAnyOf("resourceTypes", Forms::type);
        Optional<List<ResourcePath>> resources = fields.optionalList("resources", Forms::coveringPath);
        return new Scope(environments, resourceTypes, resources);
    }

    private SortedMap<String, String> texts(String field, YamlNode node) {
        Optional<Fields> entries = Fields.ofAnyKeys(problems, field, node, "a mapping from keys to strings");
        if (node instanceof Mapping mapping && mapping.entries().size() > Forms.MAX_ENTRIES) {
            problems.add(node.place(), field, mapping.entries().size() + " entries", "at most " + Forms.MAX_ENTRIES);
            return Collections.emptySortedMap();
        }
        return entries.map(fields -> Collections.unmodifiableSortedMap(fields.entries(Forms::key, Forms::text)))
                .orElseGet(Collections::emptySortedMap);
    }

    private static Function<String, String> nameForm(Kind kind) {
        return switch (kind) {
            case TENANT -> text -> new TenantId(text).value();
            case RESOURCE_TYPE -> Forms::type;
            case ROLE, GROUP, ROLE_BINDING, SEPARATION_OF_DUTY, APPROVAL_RULE, FREEZE -> Forms::name;
            case SUBJECT -> text -> Subject.parse(text).toString();
            case RESOURCE -> text -> ResourcePath.parse(text).value();
        };
    }

    private static Kind kind(String text) {
        if (LATER_KINDS.contains(text)) {
            throw new MalformedException(
                    text, "one of " + Fields.oneOf(KINDS) + ": this version does not support `" + text + "` yet");
        }
        return Kind.ofText(text).orElseThrow(() -> new MalformedException(text, "one of " + Fields.oneOf(KINDS)));
    }

    private static Effect effect(String text) {
        return switch (text) {
            case "allow" -> Effect.ALLOW;
            case "deny" -> Effect.DENY;
            default -> throw new MalformedException(text, "`allow` or `deny`");
        };
    }

    private static String same(String text, String expected) {
        if (!text.equals(expected)) {
            throw new MalformedException(text, "`" + expected + "`");
        }
        return text;
    }

    /** `RoleBinding/noc: `, as far as the document says so. */
    private static String title(Mapping root) {
        Optional<String> kind = text(root, "kind");
        Optional<String> name = find(root, "metadata")
                .filter(Mapping.class::isInstance)
                .flatMap(metadata -> text((Mapping) metadata, "name"));
        return kind.isEmpty() || name.isEmpty() ? "" : MalformedException.shown(kind.get() + "/" + name.get()) + ": ";
    }

    private static Optional<String> text(Mapping mapping, String key) {
        return find(mapping, key)
                .filter(node -> node instanceof Scalar scalar && scalar.type() == ScalarType.STRING)
                .map(node -> ((Scalar) node).text());
    }

    private static Optional<YamlNode> find(Mapping mapping, String key) {
        return mapping.entries().stream()
                .filter(entry -> entry.key().equals(key))
                .map(YamlNode.Entry::value)
                .findFirst();
    }

    /** Documents and permissions keep their line only: that is what survives storing them. */
    private static SourcePlace placeOf(YamlNode node) {
        return new SourcePlace(node.place().file(), node.place().line(), 0);
    }

    private record Head(Metadata metadata, SourcePlace place) {}
}
