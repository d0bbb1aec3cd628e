package dev.assize.server.endpoint.envoy;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Fields;
import dev.assize.server.policy.Forms;
import dev.assize.server.policy.Problem;
import dev.assize.server.policy.Problems;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.YamlNode;
import dev.assize.server.policy.YamlSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads the mapping file as strictly as policy is read, and finds what is wrong all at once. */
final class MappingReader {

    static final int MAX_ROUTES = 1_000;

    private static final int SHOWN_PROBLEMS = 20;
    private static final String HOST_EXPECTED = "a host name without a port, such as `shop.example.com`";
    private static final String METHOD_EXPECTED = "an HTTP method in capitals, such as `GET`";
    private static final String REALM_EXPECTED = "up to 64 of `[A-Za-z0-9 ._-]`";
    private static final Pattern HOST = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?");
    private static final Pattern METHOD = Pattern.compile("[A-Z]{1,32}");
    private static final Pattern REALM = Pattern.compile("[A-Za-z0-9 ._-]{1,64}");

    private final Problems problems;

    private MappingReader(Problems problems) {
        this.problems = problems;
    }

    static Mapping read(Path file) {
        Problems problems = new Problems();
        List<YamlSource.Root> documents = YamlSource.read(file.toString(), 1, bytes(file), problems);
        if (documents.size() != 1) {
            problems.add(
                    new SourcePlace(file.toString(), 1, 1), "mapping", documents.size() + " documents", "exactly one");
        }
        Optional<Mapping> mapping =
                documents.stream().findFirst().flatMap(root -> new MappingReader(problems).mapping(root.node()));
        if (problems.found() > 0 || mapping.isEmpty()) {
            throw new MappingException(message(problems));
        }
        return mapping.get();
    }

    private static byte[] bytes(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException unreadable) {
            throw new MappingException(
                    "envoy.mappingFile: cannot read " + file + " ("
                            + unreadable.getClass().getSimpleName() + ")",
                    unreadable);
        }
    }

    private static String message(Problems problems) {
        String shown = problems.toList().stream()
                .limit(SHOWN_PROBLEMS)
                .map(Problem::message)
                .collect(Collectors.joining("\n"));
        int left = problems.found() - SHOWN_PROBLEMS;
        return left > 0 ? shown + "\nand " + left + " more problems" : shown;
    }

    private Optional<Mapping> mapping(YamlNode node) {
        return Fields.mapping(problems, "mapping", node, "a mapping with `subjects` and `routes`")
                .map(this::mapping);
    }

    private Mapping mapping(YamlNode.Mapping node) {
        Fields fields = new Fields(
                problems,
                "",
                node,
                List.of("tenant", "environment", "realm", "subjects", "context", "headers", "obligations", "routes"),
                List.of());
        TenantId tenant = fields.optionalValue("tenant", TenantId::new).orElse(null);
        Environment env = fields.optionalValue("environment", Environment::new).orElse(Environment.DEFAULT);
        String realm = fields.optionalValue("realm", MappingReader::realm).orElse("assize");
        Sources sources = new Sources(
                fields.node("subjects", "at least one source of subjects")
                        .map(listed -> new SourcesReader(problems).subjects(fields, listed))
                        .orElse(List.of()),
                new SourcesReader(problems).context(fields).orElse(Map.of()));
        return new Mapping(
                tenant,
                env,
                realm,
                sources,
                headers(fields),
                Set.copyOf(
                        fields.optionalList("obligations", SourcesReader::text).orElse(List.of())),
                routes(fields, new Defaults(tenant, env, sources)));
    }

    private HeaderRules headers(Fields fields) {
        return fields.optionalNode("headers")
                .flatMap(node -> Fields.mapping(problems, "headers", node, "a mapping"))
                .map(this::headers)
                .orElse(HeaderRules.DEFAULT);
    }

    private HeaderRules headers(YamlNode.Mapping node) {
        Fields fields = new Fields(problems, "headers.", node, List.of("subject", "decisionId", "remove"), List.of());
        HeaderRules rules = new HeaderRules(
                fields.optionalValue("subject", HeaderRules::name).orElse(HeaderRules.DEFAULT.subject()),
                fields.optionalValue("decisionId", HeaderRules::name).orElse(HeaderRules.DEFAULT.decisionId()),
                Set.copyOf(fields.optionalList("remove", HeaderRules::name).orElse(List.of())));
        if (rules.subject().equals(rules.decisionId())) {
            fields.refuse("decisionId", rules.decisionId(), "another header than `subject`");
        }
        if (rules.removed().contains(rules.subject()) || rules.removed().contains(rules.decisionId())) {
            fields.refuse(
                    "remove", rules.subject(), "headers that the server does not set itself: it overwrites those");
        }
        return rules;
    }

    private List<Route> routes(Fields fields, Defaults defaults) {
        List<Route> routes = new ArrayList<>();
        Optional<YamlNode> node = fields.optionalNode("routes");
        if (node.isEmpty()) {
            return routes;
        }
        List<YamlNode> items = fields.items("routes", node.get(), "a list with at least one route");
        if (items.size() > MAX_ROUTES) {
            fields.refuse("routes", items.size() + " routes", "at most " + MAX_ROUTES);
            return routes;
        }
        Set<String> names = new HashSet<>();
        for (int i = 0; i < items.size(); i++) {
            YamlNode item = items.get(i);
            String field = "routes[" + i + "]";
            Fields.mapping(problems, field, item, "a mapping with `name`, `path`, `actions` and `resource`")
                    .flatMap(mapping -> route(field + ".", mapping, defaults))
                    .ifPresent(route -> add(routes, names, field, item.place(), route));
        }
        return routes;
    }

    /** A route that no request could come to says something that its author does not mean. */
    private void add(List<Route> routes, Set<String> names, String field, SourcePlace place, Route route) {
        if (!names.add(route.name())) {
            problems.add(place, field + ".name", route.name(), "a name that no route before it has");
        }
        routes.stream()
                .filter(earlier -> earlier.covers(route))
                .findFirst()
                .ifPresent(earlier -> problems.add(
                        place,
                        field,
                        route.name(),
                        "requests that route `" + earlier.name() + "` before it leaves: it takes all of them"));
        routes.add(route);
    }

    private Optional<Route> route(String prefix, YamlNode.Mapping node, Defaults defaults) {
        Fields fields = new Fields(
                problems,
                prefix,
                node,
                List.of("name", "hosts", "path", "actions", "resource", "tenant", "environment", "subjects", "context"),
                List.of());
        Optional<String> name = fields.value("name", "a name for logs and metadata", Forms::name);
        Set<String> hosts =
                Set.copyOf(fields.optionalList("hosts", MappingReader::host).orElse(List.of()));
        Optional<PathTemplate> path = fields.value("path", "the shape of a path", PathTemplate::parse);
        Map<String, Action> actions = actions(fields);
        Optional<ResourceTemplate> resource = fields.value("resource", "a resource path", ResourceTemplate::parse);
        Optional<TenantId> tenant =
                fields.optionalValue("tenant", TenantId::new).or(() -> Optional.ofNullable(defaults.tenant));
        Environment env = fields.optionalValue("environment", Environment::new).orElse(defaults.env);
        SourcesReader reader = new SourcesReader(problems);
        Sources sources = new Sources(
                fields.optionalNode("subjects")
                        .map(listed -> reader.subjects(fields, listed))
                        .orElse(defaults.sources.subjects()),
                reader.context(fields).orElse(defaults.sources.context()));
        if (tenant.isEmpty() && !fields.has("tenant")) {
            fields.refuse("tenant", "", "a tenant, here or for the whole file");
        }
        if (path.isPresent() && resource.isPresent()) {
            requireValues(fields, path.get(), resource.get());
        }
        return name.isEmpty() || path.isEmpty() || resource.isEmpty() || tenant.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new Route(name.get(), hosts, path.get(), actions, resource.get(), tenant.get(), env, sources));
    }

    private static void requireValues(Fields fields, PathTemplate path, ResourceTemplate resource) {
        if (!path.names().containsAll(resource.names())) {
            fields.refuse("resource", resource.text(), "values that `path` has: " + sorted(path.names()));
        }
    }

    private Map<String, Action> actions(Fields fields) {
        Optional<YamlNode> node = fields.node("actions", "an action for each method, such as `{GET: read}`");
        if (node.isEmpty()) {
            return Map.of();
        }
        Map<String, Action> actions = Fields.ofAnyKeys(
                        problems, fields.nameOf("actions"), node.get(), "a mapping from methods to actions")
                .<Map<String, Action>>map(read -> read.entries(MappingReader::method, Action::new))
                .orElseGet(Map::of);
        if (node.get() instanceof YamlNode.Mapping mapping && mapping.entries().isEmpty()) {
            fields.refuse("actions", mapping.shown(), "at least one method");
        }
        return actions;
    }

    private static String host(String text) {
        return matching(HOST, text.toLowerCase(Locale.ROOT), HOST_EXPECTED);
    }

    private static String method(String text) {
        return matching(METHOD, text, METHOD_EXPECTED);
    }

    private static String realm(String text) {
        return matching(REALM, text, REALM_EXPECTED);
    }

    private static String matching(Pattern form, String text, String expected) {
        if (!form.matcher(text).matches()) {
            throw new MalformedException(text, expected);
        }
        return text;
    }

    private static List<String> sorted(Set<String> names) {
        return names.stream().sorted().toList();
    }

    /** What a route takes that does not say it itself. */
    private record Defaults(@Nullable TenantId tenant, Environment env, Sources sources) {}
}
