package dev.assize.client;

import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The names that a search finds, as they arrive. At its end {@link #truncated()} says whether they are all; a part of them is
 * never taken for all, for a search that ends otherwise throws. Close it where you do not read to the end; the server
 * stops, too. Found is what a check would allow at that moment: before somebody acts, check.
 *
 * <pre>{@code
 * try (SearchResults found = assize.searchSubjects(Question.whoMay("execute", "replay:922"), "user")) {
 *     found.forEachRemaining(this::list);
 *     if (found.truncated()) {
 *         …
 *     }
 * }
 * }</pre>
 */
public final class SearchResults implements Iterator<String>, AutoCloseable {

    private final Context.CancellableContext call;
    private final Function<Duration, Iterator<Page>> search;
    private final long endNanos;
    private final Set<String> wildcards = new LinkedHashSet<>();
    private Iterator<Page> pages;
    private Iterator<String> page = Collections.emptyIterator();
    private int tries = 1;
    private @Nullable Page latest;
    private @Nullable AssizeException failure;
    private boolean ended;

    /** @param search begins it anew, within what is left of the deadline */
    SearchResults(Duration deadline, Function<Duration, Iterator<Page>> search) {
        this.call = Context.current().withCancellation();
        this.search = search;
        this.endNanos = System.nanoTime() + deadline.toNanos();
        this.pages = begun();
    }

    private Iterator<Page> begun() {
        Context before = call.attach();
        try {
            return search.apply(Duration.ofNanos(endNanos - System.nanoTime()));
        } finally {
            call.detach(before);
        }
    }

    /** @throws AssizeException when the next page cannot be had, or what came is no whole search */
    @Override
    public boolean hasNext() {
        while (!page.hasNext() && !ended) {
            if (failure != null) {
                throw failure;
            }
            try {
                advance();
            } catch (StatusRuntimeException | AssizeException broken) {
                close();
                failure = AssizeException.of(broken);
            }
        }
        return page.hasNext();
    }

    @Override
    public String next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return page.next();
    }

    /**
     * Whether there may be more than was found: the search reached its limit or its time.
     *
     * @throws IllegalStateException before {@link #hasNext()} has said that there is no more
     */
    public boolean truncated() {
        return last().truncated();
    }

    /**
     * Where to go on where it is truncated, else empty.
     *
     * @throws IllegalStateException before {@link #hasNext()} has said that there is no more
     */
    public String cursor() {
        return last().cursor();
    }

    /**
     * Of a search for subjects: `*` and `type:*` of bindings by which subjects that no document names may be allowed,
     * too.
     */
    public Set<String> wildcards() {
        return Collections.unmodifiableSet(wildcards);
    }

    /** Ends the search where it is not at its end. */
    @Override
    public void close() {
        call.cancel(null);
    }

    private void advance() {
        try {
            if (pages.hasNext()) {
                read(pages.next());
            } else {
                end();
            }
        } catch (StatusRuntimeException unanswered) {
            Optional<Duration> wait = latest == null
                    ? Retries.waitAfter(tries++, unanswered, endNanos - System.nanoTime())
                    : Optional.empty();
            Retries.pause(wait.orElseThrow(() -> unanswered));
            pages = begun();
        }
    }

    private void read(Page next) {
        if (latest != null && latest.isLast()) {
            throw AssizeException.malformed("the server sent a page behind the last one");
        }
        latest = next;
        page = next.names().iterator();
        wildcards.addAll(next.wildcards());
    }

    private void end() {
        if (latest == null || !latest.isLast()) {
            throw AssizeException.malformed("the server ended the search before its last page");
        }
        ended = true;
        close();
    }

    private Page last() {
        if (!ended || latest == null) {
            throw new IllegalStateException("Known at the end only: read on until hasNext() is false");
        }
        return latest;
    }

    /** What one message of the stream says. */
    record Page(List<String> names, List<String> wildcards, String cursor, boolean truncated) {

        /** Whether nothing follows, or not in this stream. */
        boolean isLast() {
            return truncated || cursor.isEmpty();
        }
    }
}
