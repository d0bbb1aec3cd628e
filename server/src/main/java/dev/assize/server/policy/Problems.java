package dev.assize.server.policy;

import dev.assize.server.model.MalformedException;
import java.util.ArrayList;
import java.util.List;

/** Collects what is wrong, up to a bound: whoever is told of a thousand problems has enough to begin with. */
public final class Problems {

    /** How many are kept. */
    public static final int MAX = 1_000;

    private final List<Problem> kept = new ArrayList<>();
    private int found;

    public void add(SourcePlace place, String field, String value, String expected) {
        add(new Problem(place, field, MalformedException.shown(value), expected));
    }

    public void add(Problem problem) {
        found++;
        if (kept.size() < MAX) {
            kept.add(problem);
        }
    }

    /** How many were found, those beyond the bound included. */
    public int found() {
        return found;
    }

    /** In the order in which they were found; the last one says so where some were left out. */
    public List<Problem> toList() {
        if (found <= MAX) {
            return List.copyOf(kept);
        }
        List<Problem> all = new ArrayList<>(kept);
        all.add(new Problem(
                SourcePlace.UNKNOWN,
                "problems",
                (found - MAX) + " more problems",
                "the first " + MAX + " to be mended first"));
        return List.copyOf(all);
    }
}
