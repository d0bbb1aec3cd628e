package dev.assize.server.policy;

import dev.assize.server.model.PolicyScope;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * What every document says of itself.
 *
 * @param scope the tenant it belongs to (a Tenant belongs to itself), or the platform
 * @param labels free, for people and tools
 * @param manager who keeps it, for pruning; null where nobody said
 */
public record Metadata(
        PolicyScope scope,
        String name,
        SortedMap<String, String> labels,
        @Nullable String manager) {}
