package dev.assize.server.endpoint.authzen;

import com.google.inject.Inject;
import dev.assize.server.decision.SearchService;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.search.Search;
import dev.assize.server.decision.search.SearchPage;
import dev.assize.server.endpoint.call.SearchSlots;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Searches here, in stretches, so that others have their turn. */
final class LocalFinder implements Finder {

    private final SearchService searches;
    private final SearchSlots slots;
    private final Patience patience;

    @Inject
    LocalFinder(SearchService searches, SearchSlots slots, Patience patience) {
        this.searches = searches;
        this.slots = slots;
        this.patience = patience;
    }

    @Override
    public Found find(Search search, Paging paging) {
        long end = System.nanoTime() + patience.page.toNanos();
        List<String> names = new ArrayList<>();
        Set<String> wildcards = new LinkedHashSet<>();
        String last = paging.after();
        while (names.size() < paging.limit()) {
            String from = last;
            int left = paging.limit() - names.size();
            SearchPage part = slots.run(
                    patience.page, () -> searches.search(search, PointInTime.NOW, from, left, patience.stretch));
            names.addAll(part.found());
            wildcards.addAll(part.wildcards());
            last = part.next();
            if (last == null || System.nanoTime() - end >= 0) {
                return new Found(names, List.copyOf(wildcards), last == null, last);
            }
        }
        return new Found(names, List.copyOf(wildcards), false, last);
    }

    /**
     * How long is sought.
     *
     * @param page at most; what was found by then is the page
     * @param stretch of work, after which others have their turn
     */
    record Patience(Duration page, Duration stretch) {
        static final Patience DEFAULT = new Patience(Duration.ofSeconds(5), Duration.ofMillis(250));
    }
}
