package dev.assize.server.policy;

import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.YamlNode.Mapping;
import dev.assize.server.policy.YamlNode.Scalar;
import dev.assize.server.policy.YamlNode.ScalarType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
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

    /** Fields of the language that this version does not support yet: none, in most places. */
    static final List<String> NOTHING_LATER = List.of();

    private static final List<String> KINDS =
            Arrays.stream(Kind.values()).map(Kind::text).toList();
    private static final String ONE_OF_KINDS = "one of " + Fields.oneOf(KINDS);
    private static final Set<Kind> PLATFORM_KINDS = EnumSet.of(Kind.RESOURCE_TYPE, Kind.ROLE, Kind.SEPARATION_OF_DUTY);

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
    static ReadResult readTrusted(String yaml) {
        Problems problems = new Problems();
        return read(
                CanonicalYaml.read(yaml)
                        .map(root -> List.of(new YamlSource.Root(root, true)))
                        .orElseGet(() -> YamlSource.readUnbounded(yaml.getBytes(StandardCharsets.UTF_8), problems)),
                problems);
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
        Optional<Kind> kind = fields.value("kind", ONE_OF_KINDS, DocumentReader::kind);
        Optional<Mapping> metadataNode = fields.node("metadata", "a mapping with a `name`")
                .flatMap(node -> Fields.mapping(problems, title + "metadata", node, "a mapping with a `name`"));
        Optional<Mapping> specNode = fields.node("spec", "a mapping")
                .flatMap(node -> Fields.mapping(problems, title + "spec", node, "a mapping"));
        if (kind.isEmpty()) {
            return Optional.empty();
        }
        Optional<Metadata> metadata = metadataNode.flatMap(node -> metadata(kind.get(), title + "metadata.", node));
        Head head = new Head(
                metadata.orElseGet(() -> new Metadata(PolicyScope.PLATFORM, "", Collections.emptySortedMap(), null)),
                placeOf(root),
                title + "spec.");
        Optional<Document> document = specNode.flatMap(spec -> spec(kind.get(), head, spec));
        return metadata.isPresent() ? document : Optional.empty();
    }

    private Optional<Document> spec(Kind kind, Head head, Mapping spec) {
        return switch (kind) {
            case TENANT, RESOURCE_TYPE, SUBJECT, RESOURCE -> new VocabularyReader(problems, head).read(kind, spec);
            case ROLE, GROUP, ROLE_BINDING -> new GrantReader(problems, head).read(kind, spec);
            case SEPARATION_OF_DUTY, APPROVAL_RULE, FREEZE -> new RestraintReader(problems, head).read(kind, spec);
        };
    }

    private Optional<Metadata> metadata(Kind kind, String prefix, Mapping node) {
        Fields fields =
                new Fields(problems, prefix, node, List.of("tenant", "name", "labels", "manager"), NOTHING_LATER);
        Optional<String> name = fields.value("name", "a name", nameForm(kind));
        Optional<TenantId> tenant = fields.optionalValue("tenant", TenantId::new);
        Optional<String> manager = fields.optionalValue("manager", Forms::name);
        SortedMap<String, String> labels = fields.texts("labels");
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
        if (!PLATFORM_KINDS.contains(kind)) {
            fields.refuse(
                    "tenant",
                    "",
                    "a tenant: of the platform there are only kinds `ResourceType`, `Role` and `SeparationOfDuty`");
        }
        return Optional.of(PolicyScope.PLATFORM);
    }

    private static Function<String, String> nameForm(Kind kind) {
        return switch (kind) {
            case TENANT -> text -> new TenantId(text).value();
            case RESOURCE_TYPE -> Forms::type;
            case ROLE, GROUP, ROLE_BINDING, SEPARATION_OF_DUTY, APPROVAL_RULE, FREEZE -> Forms::name;
            case SUBJECT -> text -> Forms.describedSubject(text).toString();
            case RESOURCE -> text -> ResourcePath.parse(text).value();
        };
    }

    private static Kind kind(String text) {
        return Kind.ofText(text).orElseThrow(() -> new MalformedException(text, ONE_OF_KINDS));
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
        if (kind.isEmpty() || name.isEmpty()) {
            return "";
        }
        String title = kind.get() + "/" + name.get();
        return (Fields.isHarmless(title) ? title : MalformedException.shown(title)) + ": ";
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
    static SourcePlace placeOf(YamlNode node) {
        return new SourcePlace(node.place().file(), node.place().line(), 0);
    }

    /**
     * What is known of a document before its spec is read.
     *
     * @param prefix of its fields in messages, for example `Role/viewer: spec.`
     */
    record Head(Metadata metadata, SourcePlace place, String prefix) {}
}
