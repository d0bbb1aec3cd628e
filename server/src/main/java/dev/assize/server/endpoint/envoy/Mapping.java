package dev.assize.server.endpoint.envoy;

import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.server.endpoint.call.RefusedException;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.TenantId;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What HTTP requests ask for. The constants of Envoy's route come first, then the routes of the file, the first that fits;
 * what neither maps asks for nothing, and is denied.
 *
 * @param tenant of requests for which nobody names another; null where there is none
 * @param realm what a client without a subject is told to be known in
 * @param obligations types of obligations that somebody behind Envoy fulfils
 */
public record Mapping(
        @Nullable TenantId tenant,
        Environment env,
        String realm,
        Sources sources,
        HeaderRules headers,
        Set<String> obligations,
        List<Route> routes) {

    /** What is ours among the constants of Envoy's routes. */
    static final String PREFIX = "assize.";

    static final String BY_EXTENSIONS = "context_extensions";

    private static final Set<String> EXTENSIONS = Set.of("resource", "action", "path", "tenant", "environment");

    public Mapping {
        obligations = Set.copyOf(obligations);
        routes = List.copyOf(routes);
    }

    /**
     * Reads a file.
     *
     * @throws MappingException where it is none; the message names every problem by its line
     */
    public static Mapping read(Path file) {
        return MappingReader.read(file);
    }

    /** What a request asks for. */
    Asked asked(AttributeContext request) {
        Target target = Target.of(request.getRequest().getHttp());
        Map<String, String> extensions = extensions(request.getContextExtensionsMap());
        return extensions.containsKey("resource") || extensions.containsKey("action") || extensions.containsKey("path")
                ? byExtensions(extensions, target)
                : byRoutes(target, extensions);
    }

    private Asked byExtensions(Map<String, String> extensions, Target target) {
        ResourceTemplate resource = extension(extensions, "resource", ResourceTemplate::parse)
                .orElseThrow(() -> misconfigured("resource", "a resource beside the action"));
        Action action = extension(extensions, "action", Action::new)
                .orElseThrow(() -> misconfigured("action", "an action beside the resource"));
        Map<String, String> values = extension(extensions, "path", PathTemplate::parse)
                .map(template -> template.match(target.path())
                        .orElseThrow(() -> unmapped("the path is not of the shape `" + template.text() + "`")))
                .orElseGet(Map::of);
        if (!values.keySet().containsAll(resource.names())) {
            throw misconfigured("resource", "values that `assize.path` has");
        }
        TenantId in = extension(extensions, "tenant", TenantId::new)
                .or(() -> Optional.ofNullable(tenant))
                .orElseThrow(() -> misconfigured("tenant", "a tenant there or in the file"));
        Environment about =
                extension(extensions, "environment", Environment::new).orElse(env);
        return new Asked(BY_EXTENSIONS, target, filled(resource, values), action, in, about, sources);
    }

    private static ResourcePath filled(ResourceTemplate resource, Map<String, String> values) {
        try {
            return resource.fill(values);
        } catch (MalformedException tooLong) {
            throw RefusedException.invalid("path", tooLong);
        }
    }

    private Asked byRoutes(Target target, Map<String, String> extensions) {
        Optional<TenantId> in = extension(extensions, "tenant", TenantId::new);
        Optional<Environment> about = extension(extensions, "environment", Environment::new);
        for (Route route : routes) {
            Optional<Asked> asked = match(route, target);
            if (asked.isPresent()) {
                Asked found = asked.get();
                return new Asked(
                        found.route(),
                        target,
                        found.resource(),
                        found.action(),
                        in.orElse(found.tenant()),
                        about.orElse(found.env()),
                        found.sources());
            }
        }
        throw unmapped("no route has this host, method and path");
    }

    private static Optional<Asked> match(Route route, Target target) {
        try {
            return route.match(target);
        } catch (MalformedException tooLong) {
            throw RefusedException.invalid("path", tooLong);
        }
    }

    private static Map<String, String> extensions(Map<String, String> all) {
        Map<String, String> ours = new HashMap<>();
        all.forEach((key, value) -> {
            if (key.startsWith(PREFIX)) {
                String name = key.substring(PREFIX.length());
                if (!EXTENSIONS.contains(name)) {
                    throw misconfigured(
                            name, "one of " + EXTENSIONS.stream().sorted().toList());
                }
                ours.put(name, value);
            }
        });
        return ours;
    }

    private static <T> Optional<T> extension(Map<String, String> extensions, String name, Function<String, T> form) {
        try {
            return Optional.ofNullable(extensions.get(name)).map(form);
        } catch (MalformedException e) {
            throw misconfigured(name, e.expected());
        }
    }

    private static NotAskedException unmapped(String detail) {
        return new NotAskedException(Refusal.ROUTE_UNMAPPED, detail);
    }

    /** Not a mistake of whoever makes the request. */
    private static NotAskedException misconfigured(String name, String expected) {
        return new NotAskedException(
                Refusal.ROUTE_MISCONFIGURED, "context_extensions: " + PREFIX + name + ": expected " + expected);
    }
}
