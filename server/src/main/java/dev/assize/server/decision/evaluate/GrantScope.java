package dev.assize.server.decision.evaluate;

import dev.assize.server.model.ResourcePath;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a grant is limited to: environments and types as sets of their indexes in the graph, resources as paths. */
public final class GrantScope {

    /** Up to so many paths are tried one by one; more are looked up, one ancestor of the resource after the other. */
    private static final int PATHS_TRIED = 8;

    private final @Nullable BitSet environments;
    private final @Nullable BitSet types;
    private final ResourcePath @Nullable [] paths;
    private final Set<String> manyPaths;

    /** A scope; a null list limits nothing. */
    public GrantScope(@Nullable BitSet environments, @Nullable BitSet types, @Nullable List<ResourcePath> resources) {
        this.environments = environments;
        this.types = types;
        this.paths = resources == null ? null : resources.toArray(ResourcePath[]::new);
        this.manyPaths = new HashSet<>();
        if (resources != null && resources.size() > PATHS_TRIED) {
            resources.forEach(path -> manyPaths.add(path.value()));
        }
    }

    /** Whether each list that is present matches. */
    boolean covers(int environment, int type, ResourcePath resource) {
        return (environments == null || environments.get(environment))
                && (types == null || types.get(type))
                && (paths == null || coversPath(paths, resource));
    }

    long weightBytes() {
        return 120 + (paths == null ? 0 : 8L * paths.length) + 64L * manyPaths.size();
    }

    private boolean coversPath(ResourcePath[] paths, ResourcePath resource) {
        if (!manyPaths.isEmpty()) {
            return hasAncestor(resource.value());
        }
        for (ResourcePath path : paths) {
            if (resource.isUnder(path)) {
                return true;
            }
        }
        return false;
    }

    private boolean hasAncestor(String resource) {
        for (int slash = resource.indexOf('/'); slash >= 0; slash = resource.indexOf('/', slash + 1)) {
            if (manyPaths.contains(resource.substring(0, slash))) {
                return true;
            }
        }
        return manyPaths.contains(resource);
    }
}
