package dev.assize.server.decision;

import dev.assize.server.policy.AnyOf;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Chance, from a seed. */
final class Dice {

    private final SplittableRandom random;

    Dice(long seed) {
        random = new SplittableRandom(seed);
    }

    /** From 0 to just below. */
    int below(int bound) {
        return random.nextInt(bound);
    }

    /** Both included. */
    int between(int least, int most) {
        return random.nextInt(least, most + 1);
    }

    long longBelow(long bound) {
        return random.nextLong(bound);
    }

    boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    <T> T pick(List<T> pool) {
        return pool.get(random.nextInt(pool.size()));
    }

    /** Different ones, at least one. */
    <T> List<T> few(List<T> pool, int atMost) {
        return IntStream.range(0, 1 + random.nextInt(atMost))
                .mapToObj(i -> pick(pool))
                .distinct()
                .toList();
    }

    <T> List<T> some(List<T> pool) {
        return few(pool, pool.size());
    }

    /** As many as chance has it, also none. */
    <T> List<T> times(int atMost, Supplier<T> value) {
        return IntStream.range(0, random.nextInt(atMost + 1))
                .mapToObj(i -> value.get())
                .toList();
    }

    <T> @Nullable T maybe(int percent, Supplier<T> value) {
        return chance(percent) ? value.get() : null;
    }

    <T> AnyOf<T> anyOf(List<T> pool, int percentAll) {
        return chance(percentAll) ? new AnyOf.All<>() : new AnyOf.Listed<>(few(pool, 3));
    }
}
