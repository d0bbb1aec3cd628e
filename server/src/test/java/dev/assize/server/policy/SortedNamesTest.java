package dev.assize.server.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NavigableSet;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Is what a set of the library's is, and leaves older ones as they were. */
class SortedNamesTest {

    private static final Comparator<Integer> ORDER = Comparator.naturalOrder();

    @Test
    void isWhatATreeSetIs() {
        long start = new SplittableRandom().nextLong();
        for (long seed = start; seed < start + 10; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            int range = random.nextInt(1, 60_000);
            NavigableSet<Integer> expected = new TreeSet<>();
            for (int i = random.nextInt(20_000); i > 0; i--) {
                expected.add(random.nextInt(range));
            }
            SortedNames<Integer> names = SortedNames.of(ORDER, List.copyOf(expected));
            requireSame("seed " + seed, expected, names, random.nextInt(range));
            // Mostly more, then mostly fewer, down to nothing.
            for (int step = 0; step < 20_000; step++) {
                Integer element = random.nextInt(range);
                boolean adds = random.nextInt(20_000) > step;
                names = adds ? names.with(element) : names.without(element);
                var _ = adds ? expected.add(element) : expected.remove(element);
                if (step % 4_000 == 0) {
                    requireSame("seed " + seed + ", step " + step, expected, names, random.nextInt(range));
                }
            }
            for (Integer element : List.copyOf(expected)) {
                names = names.without(element);
            }
            assertThat(names.isEmpty()).isTrue();
            assertThat(names.with(1)).containsExactly(1);
        }
    }

    @Test
    void anOlderSetStaysAsItWas() {
        SortedNames<Integer> none = SortedNames.of(ORDER, List.of());
        SortedNames<Integer> some = none;
        List<Integer> expected = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            some = some.with(i);
            expected.add(i);
        }
        SortedNames<Integer> before = some;
        for (int i = 0; i < 1_000; i += 2) {
            some = some.without(i).with(i + 5_000);
        }
        assertThat(none).isEmpty();
        assertThat(before).containsExactlyElementsOf(expected);
    }

    private static void requireSame(
            String place, NavigableSet<Integer> expected, SortedNames<Integer> names, int middle) {
        assertThat(names).as(place).containsExactlyElementsOf(expected);
        assertThat(names.size()).as(place).isEqualTo(expected.size());
        assertThat(names.find(middle)).as(place).isEqualTo(expected.contains(middle) ? middle : null);
        List<Integer> behind = new ArrayList<>();
        Iterator<Integer> from = names.from(element -> element <= middle);
        from.forEachRemaining(behind::add);
        assertThat(behind).as(place).containsExactlyElementsOf(expected.tailSet(middle, false));
    }
}
