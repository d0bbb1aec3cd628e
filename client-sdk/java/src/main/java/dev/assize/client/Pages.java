package dev.assize.client;

import io.grpc.StatusRuntimeException;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What a list has, fetched page by page while iterating. */
final class Pages<T> implements Iterator<T> {

    private final Function<String, Page<T>> fetch;
    private Iterator<T> page = Collections.emptyIterator();
    private @Nullable String next = "";

    /** @param fetch gives the page behind a token; the first page is behind an empty one */
    Pages(Function<String, Page<T>> fetch) {
        this.fetch = fetch;
    }

    /**
     * A part of a list.
     *
     * @param next token of the next page; empty on the last one
     */
    record Page<T>(List<T> items, String next) {}

    @Override
    public boolean hasNext() {
        while (!page.hasNext() && next != null) {
            Page<T> fetched = fetch(next);
            page = fetched.items().iterator();
            next = fetched.next().isEmpty() ? null : fetched.next();
        }
        return page.hasNext();
    }

    @Override
    public T next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return page.next();
    }

    private Page<T> fetch(String token) {
        try {
            return fetch.apply(token);
        } catch (StatusRuntimeException failure) {
            throw AssizeException.of(failure);
        }
    }
}
