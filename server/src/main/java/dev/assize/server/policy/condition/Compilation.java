package dev.assize.server.policy.condition;

import java.util.List;

/** What became of an expression: a condition, or why it is none. */
public sealed interface Compilation {

    /** It is a condition. */
    record Compiled(Condition condition) implements Compilation {}

    /** It is none. */
    record Refused(List<Fault> faults) implements Compilation {
        public Refused {
            faults = List.copyOf(faults);
        }
    }

    /**
     * One thing that is wrong, for the person who wrote it.
     *
     * @param line within the expression, from 1
     * @param column within the line, from 1
     */
    record Fault(int line, int column, String message) {}
}
