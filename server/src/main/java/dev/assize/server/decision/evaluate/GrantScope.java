package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.Scope;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a grant is limited to, by names: nothing in it depends on the numbers of a graph, so that graphs which differ in
 * their types and environments share it.
 */
public final class GrantScope {

    /** Up to so many names are tried one by one; more are looked up. */
    private static final int TRIED = 8;

    private final @Nullable Names environments;
    private final @Nullable Names types;
    private final ResourcePath @Nullable [] paths;
    private final @Nullable Set<String> manyPaths;

    private GrantScope(@Nullable Names environments, @Nullable Names types, @Nullable List<ResourcePath> paths) {
        this.environments = environments;
        this.types = types;
        this.paths = paths == null ? null : paths.toArray(ResourcePath[]::new);
        this.manyPaths = paths == null || paths.size() <= TRIED ? null : new HashSet<>();
        if (paths != null && manyPaths != null) {
            paths.forEach(path -> manyPaths.add(path.value()));
        }
    }

    /** The scope of a binding; null where it limits nothing. */
    public static @Nullable GrantScope of(Scope scope) {
        Names environments = scope.environments()
                .map(names -> names(names, Environment::value))
                .orElse(null);
        Names types =
                scope.resourceTypes().map(names -> names(names, type -> type)).orElse(null);
        List<ResourcePath> paths = scope.resources().orElse(null);
        return environments == null && types == null && paths == null
                ? null
                : new GrantScope(environments, types, paths);
    }

    /** Whether each list that is present matches. */
    boolean covers(CheckQuery query) {
        return (environments == null || environments.have(query.env().value()))
                && (types == null || types.have(query.resource().type()))
                && (paths == null || coversPath(paths, query.resource()));
    }

    long weightBytes() {
        return 32
                + (environments == null ? 0 : environments.weightBytes())
                + (types == null ? 0 : types.weightBytes())
                + (paths == null ? 0 : 16 + 4L * paths.length)
                + (manyPaths == null ? 0 : 48L * manyPaths.size());
    }

    private static <T> @Nullable Names names(AnyOf<T> names, Function<T, String> text) {
        return switch (names) {
            case AnyOf.All<T>() -> null;
            case AnyOf.Listed<T>(List<T> listed) ->
                new Names(listed.stream().map(text).toArray(String[]::new));
        };
    }

    private boolean coversPath(ResourcePath[] paths, ResourcePath resource) {
        if (manyPaths != null) {
            return hasAncestor(manyPaths, resource.value());
        }
        for (ResourcePath path : paths) {
            if (resource.isUnder(path)) {
                return true;
            }
        }
        return false;
    }

    private static boolean hasAncestor(Set<String> paths, String resource) {
        for (int slash = resource.indexOf('/'); slash >= 0; slash = resource.indexOf('/', slash + 1)) {
            if (paths.contains(resource.substring(0, slash))) {
                return true;
            }
        }
        return paths.contains(resource);
    }

    /** A few names, or many. */
    private static final class Names {

        private final String[] few;
        private final @Nullable Set<String> many;

        Names(String[] names) {
            this.few = names;
            this.many = names.length <= TRIED ? null : new HashSet<>(List.of(names));
        }

        boolean have(String name) {
            if (many != null) {
                return many.contains(name);
            }
            for (String each : few) {
                if (each.equals(name)) {
                    return true;
                }
            }
            return false;
        }

        long weightBytes() {
            return 40 + 4L * few.length + (many == null ? 0 : 48L * many.size());
        }
    }
}
