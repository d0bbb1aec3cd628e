package dev.assize.server.endpoint.authzen;

import dev.assize.server.decision.search.Search;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds what a search is after, a page at a time: here, or at the centre of a sidecar. */
interface Finder {

    /** A full page, or what was found when the time was up. */
    Found find(Search search, Paging paging);

    /**
     * What a page has.
     *
     * @param isWhole whether there is nothing behind it
     * @param last what the next page begins behind; null where that is the first page still
     */
    record Found(
            List<String> names,
            List<String> wildcards,
            boolean isWhole,
            @Nullable String last) {

        static final Found NOTHING = new Found(List.of(), List.of(), true, null);
    }
}
