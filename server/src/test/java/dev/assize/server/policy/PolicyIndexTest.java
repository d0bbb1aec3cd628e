package dev.assize.server.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.PolicyIndex.Sort;
import dev.assize.server.policy.PolicyIndex.Uses;
import dev.assize.server.policy.RandomChanges.Change;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** An index that is kept up is one that is made anew. */
class PolicyIndexTest {

    @Test
    void keptUpIsMadeAnew() {
        long start = new SplittableRandom().nextLong();
        for (long seed = start; seed < start + 20; seed++) {
            RandomChanges changes = new RandomChanges(seed, false);
            PolicySet set = PolicySet.of(RandomChanges.ACME, new Revision(1), List.of(RandomChanges.TENANT));
            set.prepareForChange();
            for (int step = 0; step < 150; step++) {
                Change change = changes.next(set);
                set = set.with(new Revision(2), change.puts(), change.deletes());
                requireSame("seed " + seed + ", step " + step, set);
            }
        }
    }

    /** Whoever makes it, and whatever is made of the set meanwhile. */
    @Test
    void asksForNoneWhileItIsBeingMade() {
        long start = new SplittableRandom().nextLong();
        for (long seed = start; seed < start + 20; seed++) {
            RandomChanges changes = new RandomChanges(seed, false);
            PolicySet set = PolicySet.of(RandomChanges.ACME, new Revision(1), List.of(RandomChanges.TENANT));
            List<PolicySet> made = new ArrayList<>();
            try (ExecutorService threads = Executors.newCachedThreadPool()) {
                for (int step = 0; step < 100; step++) {
                    threads.execute(set::prepareForChange);
                    Change change = changes.next(set);
                    set = set.with(new Revision(2), change.puts(), change.deletes());
                    made.add(set);
                }
            }
            for (PolicySet each : made) {
                requireSame("seed " + seed, each);
            }
        }
    }

    private static void requireSame(String place, PolicySet set) {
        PolicyIndex expected = PolicyIndex.of(set.documents());
        PolicyIndex actual = set.index();
        for (Sort sort : Sort.values()) {
            assertThat(actual.targets(sort)).as("%s: %s", place, sort).isEqualTo(expected.targets(sort));
        }
        assertThat(actual.nested()).as(place).isEqualTo(expected.nested());
        for (String role : expected.targets(Sort.ROLE)) {
            assertThat(actual.ofRole(role)).as("%s: %s", place, role).containsExactlyElementsOf(expected.ofRole(role));
        }
        assertThat(actual.ofRole("none")).isEmpty();
        for (int i = 0; i < 6; i++) {
            requireSame(place, new Subject("user", "u" + i), expected, actual);
            requireSame(place, new Subject(Subject.GROUP_TYPE, "g" + i), expected, actual);
        }
    }

    private static void requireSame(String place, Subject subject, PolicyIndex expected, PolicyIndex actual) {
        Uses uses = expected.usesOf(subject);
        assertThat(actual.usesOf(subject).bindings())
                .as("%s: %s", place, subject)
                .containsExactlyElementsOf(uses.bindings());
        assertThat(new HashSet<>(actual.usesOf(subject).groups()))
                .as("%s: %s", place, subject)
                .isEqualTo(new HashSet<>(uses.groups()));
    }
}
