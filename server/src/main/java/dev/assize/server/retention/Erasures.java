package dev.assize.server.retention;

import com.google.inject.Inject;
import dev.assize.server.retention.Erasure.Result;

/** The front desk of erasing: has values erased, and counts them. */
public final class Erasures {

    private final RetentionRepository repository;
    private final RetentionMetrics metrics;

    @Inject
    Erasures(RetentionRepository repository, RetentionMetrics metrics) {
        this.repository = repository;
        this.metrics = metrics;
    }

    /** Erases values and records it; blocks. */
    public Result erase(Erasure erasure) {
        Result result = repository.erase(erasure);
        switch (result) {
            case Result.Done done ->
                metrics.erased(done.entries().stream()
                        .mapToInt(entry -> entry.parts().size())
                        .sum());
            case Result.Held _ -> metrics.held();
            case Result.NoSuchEntry _, Result.NotErasable _, Result.Lost _ -> {}
        }
        return result;
    }
}
