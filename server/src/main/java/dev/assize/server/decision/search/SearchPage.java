package dev.assize.server.decision.search;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A part of what a search found, in the order of the bytes of the names.
 *
 * @param found those for which a check would allow
 * @param wildcards of subjects only: `*` and `type:*` of bindings by which further subjects, known to no document, may
 *     be allowed
 * @param next where to go on: the last name looked at; null where everything was looked at
 */
public record SearchPage(
        List<String> found,
        List<String> wildcards,
        @Nullable String next) {
    public SearchPage {
        found = List.copyOf(found);
        wildcards = List.copyOf(wildcards);
    }
}
