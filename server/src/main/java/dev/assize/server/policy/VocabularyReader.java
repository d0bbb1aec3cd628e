package dev.assize.server.policy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PiiPattern;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentReader.Head;
import dev.assize.server.policy.YamlNode.Mapping;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.AttributeDeclaration.Source;
import dev.assize.server.policy.condition.AttributeType;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Reads what says which things there are: tenants, types of resources, and what is known of subjects and resources. */
final class VocabularyReader {

    private static final List<String> AUDIT = List.of("retention", "piiPatterns", "pseudonyms", "decisionLog");
    private static final String AUDIT_FIELDS = "`retention`, `piiPatterns`, `pseudonyms` and `decisionLog`";

    private static final List<String> LIMITS = List.of("documents", "keys");

    private static final String LOG_MODES = "`none`, `denies` or `all`";

    private final Problems problems;
    private final Head head;

    VocabularyReader(Problems problems, Head head) {
        this.problems = problems;
        this.head = head;
    }

    Optional<Document> read(Kind kind, Mapping spec) {
        return switch (kind) {
            case TENANT -> tenant(spec);
            case RESOURCE_TYPE -> resourceType(spec);
            case SUBJECT -> subject(spec);
            case RESOURCE -> resource(spec);
            case ROLE, GROUP, ROLE_BINDING, SEPARATION_OF_DUTY, APPROVAL_RULE, FREEZE ->
                throw new IllegalArgumentException("Read elsewhere: " + kind);
        };
    }

    private Optional<Document> tenant(Mapping spec) {
        Fields fields = new Fields(
                problems,
                head.prefix(),
                spec,
                List.of("environments", "subjectAttributes", "audit", "changeApprovals", "plan", "limits"),
                DocumentReader.NOTHING_LATER);
        List<Environment> environments = fields.list("environments", "a list of environment names", Environment::new);
        SortedMap<String, AttributeDeclaration> attributes = declarations(fields, "subjectAttributes");
        int changeApprovals =
                fields.optionalWhole("changeApprovals", 1, Forms.MAX_APPROVALS).orElse(0);
        return Optional.of(new TenantDocument(
                head.metadata(),
                head.place(),
                environments,
                attributes,
                audit(fields),
                changeApprovals,
                terms(fields)));
    }

    /** What the tenant may have. */
    private TenantTerms terms(Fields fields) {
        String plan = fields.optionalValue("plan", Forms::name).orElse(null);
        Optional<Mapping> node = fields.optionalNode("limits")
                .flatMap(it ->
                        Fields.mapping(problems, fields.nameOf("limits"), it, "a mapping with `documents` and `keys`"));
        if (node.isEmpty()) {
            return new TenantTerms(plan, null, null);
        }
        Fields limits =
                new Fields(problems, fields.nameOf("limits") + ".", node.get(), LIMITS, DocumentReader.NOTHING_LATER);
        if (node.get().entries().isEmpty()) {
            problems.add(node.get().place(), fields.nameOf("limits"), "{}", "at least one of `documents` and `keys`");
        }
        return new TenantTerms(
                plan,
                limits.optionalWhole("documents", 1, TenantTerms.MOST).orElse(null),
                limits.optionalWhole("keys", 0, TenantTerms.MOST).orElse(null));
    }

    /** How the tenant's ledger is kept. */
    private TenantAudit audit(Fields fields) {
        Optional<Mapping> node = fields.optionalNode("audit")
                .flatMap(it -> Fields.mapping(problems, fields.nameOf("audit"), it, "a mapping with " + AUDIT_FIELDS));
        if (node.isEmpty()) {
            return TenantAudit.NONE;
        }
        Fields audit = new Fields(problems, fields.nameOf("audit") + ".", node.get(), AUDIT, List.of("destinations"));
        if (node.get().entries().isEmpty()) {
            problems.add(node.get().place(), fields.nameOf("audit"), "{}", "at least one of " + AUDIT_FIELDS);
        }
        Optional<Duration> retention = audit.optionalValue("retention", Forms::retention);
        List<PiiPattern> patterns =
                audit.optionalList("piiPatterns", PiiPattern::new).orElse(List.of());
        if (patterns.size() > PiiPattern.MAX_PATTERNS) {
            audit.refuse("piiPatterns", patterns.size() + " entries", "at most " + PiiPattern.MAX_PATTERNS);
        }
        if (patterns.stream().mapToInt(PiiPattern::steps).sum() > PiiPattern.MAX_STEPS) {
            audit.refuse("piiPatterns", patterns.size() + " entries", "patterns that are smaller when taken together");
        }
        List<String> pseudonyms =
                audit.optionalList("pseudonyms", Subject::pseudonymousType).orElse(List.of());
        if (pseudonyms.size() > TenantAudit.MAX_PSEUDONYMS) {
            audit.refuse("pseudonyms", pseudonyms.size() + " entries", "at most " + TenantAudit.MAX_PSEUDONYMS);
        }
        return new TenantAudit(retention.orElse(null), patterns, pseudonyms, decisionLog(audit));
    }

    /** Which decisions go on record: the mode by itself, or a mapping that also says when an answer may be given. */
    private DecisionLog decisionLog(Fields audit) {
        Optional<YamlNode> node = audit.optionalNode("decisionLog");
        if (node.isPresent() && node.get() instanceof Mapping mapping) {
            Fields fields = new Fields(
                    problems,
                    audit.nameOf("decisionLog") + ".",
                    mapping,
                    List.of("mode", "acknowledge"),
                    DocumentReader.NOTHING_LATER);
            Optional<DecisionLog.Mode> mode = fields.value("mode", LOG_MODES, VocabularyReader::logMode);
            Optional<DecisionLog.Acknowledge> acknowledge =
                    fields.optionalValue("acknowledge", VocabularyReader::acknowledge);
            return new DecisionLog(
                    mode.orElse(DecisionLog.Mode.NONE), acknowledge.orElse(DecisionLog.Acknowledge.BEFORE));
        }
        return audit.optionalValue("decisionLog", VocabularyReader::logMode)
                .map(mode -> new DecisionLog(mode, DecisionLog.Acknowledge.BEFORE))
                .orElse(DecisionLog.NONE);
    }

    private static DecisionLog.Mode logMode(String text) {
        return switch (text) {
            case "none" -> DecisionLog.Mode.NONE;
            case "denies" -> DecisionLog.Mode.DENIES;
            case "all" -> DecisionLog.Mode.ALL;
            default -> throw new MalformedException(text, LOG_MODES);
        };
    }

    private static DecisionLog.Acknowledge acknowledge(String text) {
        return switch (text) {
            case "before" -> DecisionLog.Acknowledge.BEFORE;
            case "after" -> DecisionLog.Acknowledge.AFTER;
            default -> throw new MalformedException(text, "`before` or `after` the answer");
        };
    }

    private Optional<Document> resourceType(Mapping spec) {
        Fields fields = fields(spec, "actions", "implies", "attributes");
        List<Action> actions = fields.list("actions", "a list of actions", Action::new);
        SortedMap<Action, AnyOf<Action>> implies = fields.optionalNode("implies")
                .flatMap(node -> Fields.ofAnyKeys(
                        problems, fields.nameOf("implies"), node, "a mapping from an action to a list of actions"))
                .map(entries -> entries.anyOfEntries(Action::new, Action::new))
                .orElseGet(Collections::emptySortedMap);
        SortedMap<String, AttributeDeclaration> attributes = declarations(fields, "attributes");
        return Optional.of(new ResourceTypeDocument(
                head.metadata(), head.place(), actions, Collections.unmodifiableSortedMap(implies), attributes));
    }

    private SortedMap<String, AttributeDeclaration> declarations(Fields fields, String key) {
        Optional<Fields> entries = fields.optionalNode(key)
                .flatMap(node -> Fields.ofAnyKeys(
                        problems, fields.nameOf(key), node, "a mapping from an attribute's name to its `type`"));
        if (entries.isEmpty() || !entries.get().isBounded(fields.nameOf(key), Limits.ATTRIBUTES)) {
            return Collections.emptySortedMap();
        }
        SortedMap<String, AttributeDeclaration> read = new TreeMap<>();
        entries.get()
                .forEach(
                        Forms::attributeName,
                        (name, field, node) -> Fields.mapping(problems, field, node, "a mapping with a `type`")
                                .flatMap(mapping -> declaration(field + ".", mapping))
                                .ifPresent(declaration -> read.put(name, declaration)));
        return Collections.unmodifiableSortedMap(read);
    }

    private Optional<AttributeDeclaration> declaration(String prefix, Mapping node) {
        Fields fields = new Fields(problems, prefix, node, List.of("type", "source"), DocumentReader.NOTHING_LATER);
        Optional<AttributeType> type = fields.value("type", AttributeType.EXPECTED, AttributeType::parse);
        Optional<Source> source = fields.optionalValue("source", VocabularyReader::source);
        return type.map(it -> new AttributeDeclaration(it, source.orElse(Source.EITHER)));
    }

    private static Source source(String text) {
        return switch (text) {
            case "stored" -> Source.STORED;
            case "request" -> Source.REQUEST;
            case "either" -> Source.EITHER;
            default -> throw new MalformedException(text, "`stored`, `request` or `either`");
        };
    }

    private Optional<Document> subject(Mapping spec) {
        var attributes = fields(spec, "attributes").attributes("attributes");
        return named().map(name -> new SubjectDocument(head.metadata(), head.place(), Subject.parse(name), attributes));
    }

    private Optional<Document> resource(Mapping spec) {
        var attributes = fields(spec, "attributes").attributes("attributes");
        return named().map(name ->
                new ResourceDocument(head.metadata(), head.place(), ResourcePath.parse(name), attributes));
    }

    /** The document's name, unless it was refused already. */
    private Optional<String> named() {
        return Optional.of(head.metadata().name()).filter(name -> !name.isEmpty());
    }

    private Fields fields(Mapping spec, String... known) {
        return new Fields(problems, head.prefix(), spec, List.of(known), DocumentReader.NOTHING_LATER);
    }
}
