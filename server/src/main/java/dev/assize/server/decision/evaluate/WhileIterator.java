package dev.assize.server.decision.evaluate;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The elements of another iterator up to the first that is of another kind. */
final class WhileIterator<T> implements Iterator<T> {

    private final Iterator<T> all;
    private final Predicate<? super T> isOfKind;
    private @Nullable T next;

    WhileIterator(Iterator<T> all, Predicate<? super T> isOfKind) {
        this.all = all;
        this.isOfKind = isOfKind;
        advance();
    }

    @Override
    public boolean hasNext() {
        return next != null;
    }

    @Override
    public T next() {
        T found = next;
        if (found == null) {
            throw new NoSuchElementException();
        }
        advance();
        return found;
    }

    private void advance() {
        T following = all.hasNext() ? all.next() : null;
        next = following != null && isOfKind.test(following) ? following : null;
    }
}
