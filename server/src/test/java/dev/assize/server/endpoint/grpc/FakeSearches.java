package dev.assize.server.endpoint.grpc;

import dev.assize.server.decision.SearchService;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.search.Search;
import dev.assize.server.decision.search.SearchPage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A search that finds every name there is but those that begin with `no`; looks at a few names at a time. */
public final class FakeSearches implements SearchService {

    public final AtomicInteger calls = new AtomicInteger();
    private List<String> names = List.of();
    private int step = Integer.MAX_VALUE;
    private @Nullable RuntimeException failure;
    private @Nullable Search last;

    public synchronized void names(int count) {
        names = IntStream.range(0, count)
                .mapToObj(i -> String.format("user:u%06d", i))
                .toList();
    }

    public synchronized void names(List<String> sorted) {
        names = sorted;
    }

    /** How many names are looked at in one call; with 0 it never ends. */
    public synchronized void step(int names) {
        step = names;
    }

    public synchronized void fail(RuntimeException newFailure) {
        failure = newFailure;
    }

    public synchronized Search last() {
        return Objects.requireNonNull(last);
    }

    @Override
    public synchronized SearchPage search(
            Search search, PointInTime at, @Nullable String after, int limit, Duration timeout) {
        calls.incrementAndGet();
        last = search;
        if (failure != null) {
            throw failure;
        }
        int begin = after == null ? 0 : names.indexOf(after) + 1;
        List<String> found = new ArrayList<>();
        int i = begin;
        while (i < names.size() && i < (long) begin + step && found.size() < limit) {
            if (!names.get(i).startsWith("no")) {
                found.add(names.get(i));
            }
            i++;
        }
        return new SearchPage(found, List.of("user:*"), i == names.size() ? null : names.get(Math.max(0, i - 1)));
    }
}
