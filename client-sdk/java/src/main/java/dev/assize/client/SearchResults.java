package dev.assize.client;

import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.Supplier;

/**
 * The names that a search finds, as they arrive. At its end {@link #truncated()} says whether they are all. Close it
 * where you do not read to the end; the server stops, too.
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
    private final Iterator<Page> pages;
    private Iterator<String> page = Collections.emptyIterator();
    private final Set<String> wildcards = new LinkedHashSet<>();
    private String cursor = "";
    private boolean truncated;
    private boolean ended;

    SearchResults(Supplier<Iterator<Page>> search) {
        this.call = Context.current().withCancellation();
        Context before = call.attach();
        try {
            this.pages = search.get();
        } finally {
            call.detach(before);
        }
    }

    /** @throws AssizeException when the next page cannot be had */
    @Override
    public boolean hasNext() {
        try {
            while (!page.hasNext() && !ended) {
                if (pages.hasNext()) {
                    read(pages.next());
                } else {
                    end();
                }
            }
        } catch (StatusRuntimeException failure) {
            close();
            throw AssizeException.of(failure);
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
        requireEnd();
        return truncated;
    }

    /**
     * Where to go on where it is truncated, else empty.
     *
     * @throws IllegalStateException before {@link #hasNext()} has said that there is no more
     */
    public String cursor() {
        requireEnd();
        return cursor;
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

    private void read(Page next) {
        page = next.names().iterator();
        wildcards.addAll(next.wildcards());
        cursor = next.cursor();
        truncated = next.truncated();
    }

    private void end() {
        ended = true;
        close();
    }

    private void requireEnd() {
        if (!ended) {
            throw new IllegalStateException("Known at the end only: read on until hasNext() is false");
        }
    }

    /** What one message of the stream says. */
    record Page(List<String> names, List<String> wildcards, String cursor, boolean truncated) {}
}
