package dev.assize.benchmarks.peer;

import java.util.List;
import java.util.function.IntPredicate;

/** An engine that holds a {@link RoleModel} and answers questions about it. */
public interface Peer {

    /**
     * Makes each question what the engine itself takes, which is not timed.
     *
     * @return the answer to the question of an index
     */
    IntPredicate asked(List<Question> questions);
}
