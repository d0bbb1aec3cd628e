package dev.assize.server.decision;

import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.search.Search;
import dev.assize.server.decision.search.SearchPage;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The front desk for searches: says yes exactly where a check would allow. Throws what {@link DecisionService} throws.
 */
public interface SearchService {

    /**
     * The next part of what a search finds, all of it judged by one policy revision and at one moment.
     *
     * @param after the name to go on behind, as {@link SearchPage#next} gave it; null to begin
     * @param limit of names found, from 1; fewer are given where the time is up
     * @param timeout after which what was found so far is given, with a place to go on
     */
    SearchPage search(Search search, PointInTime at, @Nullable String after, int limit, Duration timeout);
}
