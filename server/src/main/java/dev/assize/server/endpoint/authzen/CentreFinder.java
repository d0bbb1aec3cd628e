package dev.assize.server.endpoint.authzen;

import com.google.inject.Inject;
import dev.assize.server.decision.search.Search;
import dev.assize.server.endpoint.call.CentreSearches;
import dev.assize.server.endpoint.call.CentreSearches.Page;
import java.util.List;

/** Has the centre of a sidecar search: what history and approvals have a say in is known there only. */
final class CentreFinder implements Finder {

    private final CentreSearches searches;

    @Inject
    CentreFinder(CentreSearches searches) {
        this.searches = searches;
    }

    @Override
    public Found find(Search search, Paging paging) {
        if (paging.limit() == 0) {
            return new Found(List.of(), List.of(), false, paging.after());
        }
        Page page = searches.page(search, paging.limit(), paging.after());
        return new Found(page.names(), page.wildcards(), page.isWhole(), page.cursor());
    }
}
