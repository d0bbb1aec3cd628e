package dev.assize.server.cli.policytest;

import dev.assize.server.cli.policytest.TestSuite.Facts;
import dev.assize.server.cli.policytest.TestSuite.TestCheck;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.model.Action;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.AttributeReader;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.Fields;
import dev.assize.server.policy.Forms;
import dev.assize.server.policy.Problems;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.YamlNode;
import dev.assize.server.policy.YamlNode.Mapping;
import dev.assize.server.policy.YamlSource;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads test suites, documents of kind `PolicyTest`, as strictly as policy is read. */
final class SuiteReader {

    /** Checks of one case, once subjects, resources, actions and environments are multiplied. */
    static final int MAX_CHECKS = 100_000;

    private static final List<String> NOTHING_LATER = List.of();
    private static final String A_MAPPING = "a mapping";

    private final Problems problems;

    SuiteReader(Problems problems) {
        this.problems = problems;
    }

    /** The suites of a file; what is wrong goes to the problems. */
    List<TestSuite> read(String file, byte[] yaml) {
        List<TestSuite> suites = new ArrayList<>();
        for (YamlSource.Root root : YamlSource.read(file, 1, yaml, problems)) {
            Fields.mapping(problems, "document", root.node(), A_MAPPING)
                    .flatMap(this::suite)
                    .ifPresent(suites::add);
        }
        return suites;
    }

    private Optional<TestSuite> suite(Mapping root) {
        Fields fields = fields("", root, "apiVersion", "kind", "metadata", "spec");
        fields.value("apiVersion", "`" + DocumentReader.API_VERSION + "`", only(DocumentReader.API_VERSION));
        fields.value("kind", "`PolicyTest`", only("PolicyTest"));
        Optional<Fields> metadata = mapping(fields, "metadata", "name", "tenant");
        Optional<String> name = metadata.flatMap(m -> m.value("name", "a name", Forms::name));
        Optional<TenantId> tenant = metadata.flatMap(m -> m.value("tenant", "a tenant", TenantId::new));
        Optional<Fields> spec =
                mapping(fields, "spec", "now", "environments", "subjectTenant", "history", "approvals", "cases");
        Optional<Instant> now = spec.flatMap(s -> s.value("now", "the time of the checks", Forms::time));
        if (spec.isEmpty() || name.isEmpty() || tenant.isEmpty() || now.isEmpty()) {
            return Optional.empty();
        }
        List<Environment> environments =
                spec.get().optionalList("environments", Environment::new).orElse(List.of(Environment.DEFAULT));
        TenantId home = spec.get().optionalValue("subjectTenant", TenantId::new).orElse(tenant.get());
        Facts facts = new FactsReader(problems, tenant.get()).read(spec.get(), Facts.NONE);
        Defaults defaults = new Defaults(tenant.get(), now.get(), environments, home, facts);
        return Optional.of(new TestSuite(name.get(), cases(spec.get(), defaults)));
    }

    private List<TestCheck> cases(Fields spec, Defaults defaults) {
        List<TestCheck> checks = new ArrayList<>();
        spec.node("cases", "a list of cases").ifPresent(node -> {
            int index = 0;
            for (YamlNode item : spec.items("cases", node, "a list with at least one case")) {
                String field = spec.nameOf("cases") + "[" + index++ + "]";
                Fields.mapping(problems, field, item, A_MAPPING)
                        .ifPresent(mapping -> addCase(field + ".", mapping, defaults, checks));
            }
        });
        return List.copyOf(checks);
    }

    private void addCase(String prefix, Mapping node, Defaults suite, List<TestCheck> checks) {
        Fields fields = fields(
                prefix,
                node,
                "name",
                "subjects",
                "environments",
                "subjectTenant",
                "now",
                "history",
                "approvals",
                "activeRoles",
                "onBehalfOf",
                "onBehalfOfTenant",
                "run",
                "subjectAttributes",
                "resourceAttributes",
                "context",
                "resources",
                "actions",
                "expect",
                "except",
                "table",
                "obligations");
        String title =
                fields.value("name", "what the case shows", SuiteReader::title).orElse("");
        List<Subject> subjects = fields.list("subjects", "a list of subjects", Subject::parseOfRequest);
        Defaults defaults = new Defaults(
                suite.tenant,
                fields.optionalValue("now", Forms::time).orElse(suite.now),
                fields.optionalList("environments", Environment::new).orElse(suite.environments),
                fields.optionalValue("subjectTenant", TenantId::new).orElse(suite.home),
                new FactsReader(problems, suite.tenant).read(fields, suite.facts));
        Optional<Set<String>> obligations = fields.optionalNode("obligations").map(list -> obligations(fields, list));
        Case context = new Case(title, subjects, defaults, asking(fields, suite.tenant), obligations);
        if (!fields.has("table")) {
            addMatrix(fields, context, checks);
            return;
        }
        for (String other : List.of("resources", "actions", "expect", "except")) {
            if (fields.has(other)) {
                fields.refuse(other, other, "either `table` or `resources`, `actions` and `expect`");
            }
        }
        addTable(fields, context, checks);
    }

    /** The ids that an answer must carry; an empty list says that it carries none. */
    private Set<String> obligations(Fields fields, YamlNode node) {
        return node instanceof YamlNode.Sequence(SourcePlace _, List<YamlNode> items) && items.isEmpty()
                ? Set.of()
                : Set.copyOf(fields.list("obligations", "a list of obligations' ids", Forms::key));
    }

    private Asking asking(Fields fields, TenantId tenant) {
        TenantId delegatorHome =
                fields.optionalValue("onBehalfOfTenant", TenantId::new).orElse(tenant);
        return new Asking(
                fields.optionalList("activeRoles", Forms::name).orElse(List.of()),
                fields.optionalValue("onBehalfOf", Subject::parseOfRequest)
                        .map(delegator -> new Delegator(delegator, delegatorHome))
                        .orElse(null),
                fields.optionalValue("run", Forms::text).orElse(null),
                attributes(fields, "subjectAttributes"),
                attributes(fields, "resourceAttributes"),
                attributes(fields, "context"));
    }

    private Map<String, AttributeValue> attributes(Fields fields, String key) {
        return fields.optionalNode(key)
                .map(node -> (Map<String, AttributeValue>) new AttributeReader(problems).read(fields.nameOf(key), node))
                .orElse(Map.of());
    }

    /** Every subject on every resource with every action in every environment. */
    private void addMatrix(Fields fields, Case context, List<TestCheck> checks) {
        List<ResourcePath> resources = fields.list("resources", "a list of resource paths", ResourcePath::parse);
        List<Action> actions = fields.list("actions", "a list of actions", Action::new);
        Optional<Expectation> expected = fields.value("expect", Expectation.EXPECTED, Expectation::parse);
        List<Exemption> exemptions = exemptions(fields);
        if (expected.isEmpty() || isTooLarge(fields, (long) context.width() * resources.size() * actions.size())) {
            return;
        }
        Exemption otherwise = new Exemption(fields.placeOf("expect"), Filter.ALL, expected.get());
        for (ResourcePath resource : resources) {
            for (Action action : actions) {
                context.forEach(resource, action, query -> {
                    Exemption rule = exemptions.stream()
                            .filter(exemption -> exemption.filter.covers(query))
                            .findFirst()
                            .orElse(otherwise);
                    checks.add(context.check(rule.place, query, rule.expected));
                });
            }
        }
    }

    private List<Exemption> exemptions(Fields fields) {
        List<Exemption> exemptions = new ArrayList<>();
        fields.optionalNode("except").ifPresent(node -> {
            int index = 0;
            for (YamlNode item : fields.items("except", node, "a list with at least one entry")) {
                String field = fields.nameOf("except") + "[" + index++ + "]";
                Fields.mapping(problems, field, item, A_MAPPING)
                        .flatMap(mapping -> exemption(field + ".", mapping))
                        .ifPresent(exemptions::add);
            }
        });
        return exemptions;
    }

    private Optional<Exemption> exemption(String prefix, Mapping node) {
        Fields fields = fields(prefix, node, "subjects", "resources", "actions", "environments", "expect");
        Filter filter = new Filter(
                fields.optionalList("subjects", Subject::parseOfRequest),
                fields.optionalList("resources", ResourcePath::parse),
                fields.optionalList("actions", Action::new),
                fields.optionalList("environments", Environment::new));
        return fields.value("expect", Expectation.EXPECTED, Expectation::parse)
                .map(expected -> new Exemption(fields.placeOf("expect"), filter, expected));
    }

    /** A row for each resource, in it an expectation for each action. */
    private void addTable(Fields fields, Case context, List<TestCheck> checks) {
        String expected = "a mapping from resource paths to mappings from actions to expectations";
        Optional<Mapping> table = fields.node("table", expected)
                .flatMap(node -> Fields.mapping(problems, fields.nameOf("table"), node, expected));
        for (YamlNode.Entry row : table.map(Mapping::entries).orElse(List.of())) {
            String field = fields.nameOf("table") + "." + MalformedException.shown(row.key());
            Optional<ResourcePath> resource = parse(row, field, ResourcePath::parse);
            Optional<Fields> cells = Fields.ofAnyKeys(problems, field, row.value(), expected);
            if (resource.isPresent() && cells.isPresent() && !isTooLarge(fields, context.width())) {
                cells.get().entries(Action::new, Expectation::parse).forEach((action, cell) -> {
                    SourcePlace place = cells.get().placeOf(action.value());
                    context.forEach(resource.get(), action, query -> checks.add(context.check(place, query, cell)));
                });
            }
        }
    }

    private boolean isTooLarge(Fields fields, long checks) {
        if (checks > MAX_CHECKS) {
            fields.refuse("subjects", checks + " checks", "at most " + MAX_CHECKS + " checks in a case");
        }
        return checks > MAX_CHECKS;
    }

    private <T> Optional<T> parse(YamlNode.Entry entry, String field, Function<String, T> form) {
        try {
            return Optional.of(form.apply(entry.key()));
        } catch (MalformedException e) {
            problems.add(entry.place(), field, entry.key(), e.expected());
            return Optional.empty();
        }
    }

    private Optional<Fields> mapping(Fields parent, String key, String... known) {
        return parent.node(key, A_MAPPING)
                .flatMap(node -> Fields.mapping(problems, key, node, A_MAPPING))
                .map(mapping -> fields(key + ".", mapping, known));
    }

    private Fields fields(String prefix, Mapping mapping, String... known) {
        return new Fields(problems, prefix, mapping, List.of(known), NOTHING_LATER);
    }

    private static Function<String, String> only(String expected) {
        return text -> {
            if (!text.equals(expected)) {
                throw new MalformedException(text, "`" + expected + "`");
            }
            return text;
        };
    }

    private static String title(String text) {
        if (text.isBlank()) {
            throw new MalformedException(text, "what the case shows");
        }
        return MalformedException.shown(text);
    }

    private record Defaults(TenantId tenant, Instant now, List<Environment> environments, TenantId home, Facts facts) {}

    /** What the questions of a case say beside their subject, resource, action and environment. */
    private record Asking(
            List<String> activeRoles,
            @Nullable Delegator onBehalfOf,
            @Nullable String run,
            Map<String, AttributeValue> subjectAttributes,
            Map<String, AttributeValue> resourceAttributes,
            Map<String, AttributeValue> context) {}

    /** Takes one question. */
    private interface Asked {
        void accept(CheckQuery query);
    }

    /** What the checks of a case share. */
    private record Case(
            String title, List<Subject> subjects, Defaults defaults, Asking asking, Optional<Set<String>> obligations) {

        int width() {
            return subjects.size() * defaults.environments.size();
        }

        void forEach(ResourcePath resource, Action action, Asked asked) {
            for (Subject subject : subjects) {
                for (Environment environment : defaults.environments) {
                    asked.accept(new CheckQuery(
                            subject,
                            resource,
                            action,
                            defaults.tenant,
                            environment,
                            defaults.home,
                            asking.subjectAttributes,
                            asking.resourceAttributes,
                            asking.context,
                            asking.activeRoles,
                            asking.onBehalfOf,
                            asking.run));
                }
            }
        }

        TestCheck check(SourcePlace place, CheckQuery query, Expectation expected) {
            return new TestCheck(place, title, query, defaults.now, defaults.facts, expected, obligations);
        }
    }

    /** Part of a matrix that expects something else. */
    private record Exemption(SourcePlace place, Filter filter, Expectation expected) {}

    /** Each list that is present must have the query's value. */
    private record Filter(
            Optional<List<Subject>> subjects,
            Optional<List<ResourcePath>> resources,
            Optional<List<Action>> actions,
            Optional<List<Environment>> environments) {

        private static final Filter ALL =
                new Filter(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

        boolean covers(CheckQuery query) {
            return subjects.map(list -> list.contains(query.subject())).orElse(true)
                    && resources.map(list -> list.contains(query.resource())).orElse(true)
                    && actions.map(list -> list.contains(query.action())).orElse(true)
                    && environments.map(list -> list.contains(query.env())).orElse(true);
        }
    }
}
