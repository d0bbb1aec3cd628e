package dev.assize.server.decision;

import dev.assize.server.model.MalformedException;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/** Some of the questions of a batch cannot be asked, and none was answered; the others can be asked without them. */
public final class MalformedItemsException extends RuntimeException {

    private final transient SortedMap<Integer, MalformedException> items;

    /**
     * At least one.
     *
     * @param items what is wrong, by the question's place in the batch, from 0
     */
    public MalformedItemsException(SortedMap<Integer, MalformedException> items) {
        super(
                items.size() + " malformed questions, the first at " + items.firstKey(),
                items.firstEntry().getValue());
        this.items = Collections.unmodifiableSortedMap(new TreeMap<>(items));
    }

    public SortedMap<Integer, MalformedException> items() {
        return items;
    }
}
