package dev.assize.server.decision.evaluate;

import static java.util.stream.Collectors.toMap;

import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Limits;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document.Scope;
import java.util.Collection;
import java.util.List;
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
    private final byte @Nullable [][] paths;
    private final @Nullable NameTable<ResourcePath> manyPaths;

    private GrantScope(@Nullable Names environments, @Nullable Names types, @Nullable List<ResourcePath> paths) {
        this.environments = environments;
        this.types = types;
        this.paths = paths == null
                ? null
                : paths.stream().map(path -> NameTable.utf8(path.value())).toArray(byte[][]::new);
        this.manyPaths = paths == null || paths.size() <= TRIED
                ? null
                : new NameTable<>(paths.stream().collect(toMap(ResourcePath::value, path -> path, (one, same) -> one)));
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
        return covers(CheckBytes.of(query));
    }

    /** The same, of a question's names. */
    boolean covers(CheckBytes names) {
        return (environments == null || environments.have(names.envBytes(), names.envOffset(), names.envLength()))
                && (types == null || types.have(names.bytes(), names.typeOffset(), names.typeLength()))
                && (paths == null || coversPath(paths, names));
    }

    long weightBytes() {
        return 32
                + (environments == null ? 0 : environments.weightBytes())
                + (types == null ? 0 : types.weightBytes())
                + (paths == null ? 0 : 16 + 48L * paths.length)
                + (manyPaths == null ? 0 : manyPaths.tableWeightBytes());
    }

    private static <T> @Nullable Names names(AnyOf<T> names, Function<T, String> text) {
        return switch (names) {
            case AnyOf.All<T>() -> null;
            case AnyOf.Listed<T>(List<T> listed) ->
                new Names(listed.stream().map(text).toList());
        };
    }

    private boolean coversPath(byte[][] paths, CheckBytes names) {
        if (manyPaths != null) {
            return hasAncestor(manyPaths, names);
        }
        for (byte[] path : paths) {
            if (isUnder(names, path)) {
                return true;
            }
        }
        return false;
    }

    /** Whole segments only. */
    private static boolean isUnder(CheckBytes names, byte[] path) {
        int offset = names.resourceOffset();
        int length = names.resourceLength();
        return length >= path.length
                && (length == path.length || names.bytes()[offset + path.length] == '/')
                && NameBytes.isSame(names.bytes(), offset, path, path.length);
    }

    /** Tries as many prefixes as a path has segments, however many slashes there are in what is none. */
    private static boolean hasAncestor(NameTable<ResourcePath> paths, CheckBytes names) {
        byte[] bytes = names.bytes();
        int start = names.resourceOffset();
        int end = start + names.resourceLength();
        int at = start;
        for (int segments = 1; segments <= Limits.PATH_SEGMENTS; segments++) {
            while (at < end && bytes[at] != '/') {
                at++;
            }
            if (paths.find(bytes, start, at - start) != null) {
                return true;
            }
            if (at++ == end) {
                return false;
            }
        }
        return false;
    }

    /** A few names, or many. */
    private static final class Names {

        private final byte[][] few;
        private final @Nullable NameTable<String> many;

        Names(Collection<String> names) {
            this.few = names.stream().map(NameTable::utf8).toArray(byte[][]::new);
            this.many = few.length <= TRIED
                    ? null
                    : new NameTable<>(names.stream().collect(toMap(name -> name, name -> name, (one, same) -> one)));
        }

        boolean have(byte[] bytes, int offset, int length) {
            if (many != null) {
                return many.find(bytes, offset, length) != null;
            }
            for (byte[] each : few) {
                if (NameBytes.isSame(bytes, offset, length, each)) {
                    return true;
                }
            }
            return false;
        }

        long weightBytes() {
            return 40 + 40L * few.length + (many == null ? 0 : many.tableWeightBytes());
        }
    }
}
