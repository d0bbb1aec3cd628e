package dev.assize.benchmarks.peer;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** What a model's questions can be about. */
record Vocabulary(List<String> types, List<String> actions, List<String> environments) {

    /** 20 types of 20 actions in 4 environments. */
    static Vocabulary numbered() {
        return new Vocabulary(
                IntStream.range(0, 20).mapToObj(i -> "type" + i).toList(),
                IntStream.range(0, 20).mapToObj(i -> "action" + i).toList(),
                List.of("default", "test", "staging", "production"));
    }

    Permission any(SplittableRandom random) {
        return new Permission(anyOf(types, random), anyOf(actions, random), anyOf(environments, random));
    }

    private static String anyOf(List<String> names, SplittableRandom random) {
        return names.get(random.nextInt(names.size()));
    }
}
