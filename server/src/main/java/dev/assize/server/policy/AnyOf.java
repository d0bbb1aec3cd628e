package dev.assize.server.policy;

import java.util.List;

/** A list of names, or `*` for all there are. `*` beside other names is all. */
public sealed interface AnyOf<T> {

    boolean contains(T value);

    /** Every one. */
    record All<T>() implements AnyOf<T> {
        @Override
        public boolean contains(T value) {
            return true;
        }
    }

    /** These, never none. */
    record Listed<T>(List<T> values) implements AnyOf<T> {
        public Listed {
            values = List.copyOf(values);
            if (values.isEmpty()) {
                throw new IllegalArgumentException("An empty list names nothing");
            }
        }

        @Override
        public boolean contains(T value) {
            return values.contains(value);
        }
    }
}
