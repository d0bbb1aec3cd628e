package dev.assize.server.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.RandomChanges.Change;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What is said of a change is what would be said of all. In more worlds with {@code -Dassize.fuzz.worlds=2000}. */
class PolicyChangeValidationTest {

    private static final int WORLDS = Integer.getInteger("assize.fuzz.worlds", 8);
    private static final int CHANGES = 120;
    private static final PolicySet NO_PLATFORM = PolicySet.empty(PolicyScope.PLATFORM);

    @Test
    void saysOfAChangeWhatItSaysOfTheWhole() {
        long start = new SplittableRandom().nextLong();
        int refused = 0;
        int accepted = 0;
        for (long seed = start; seed < start + WORLDS; seed++) {
            RandomChanges changes = new RandomChanges(seed, false);
            PolicySet set = PolicySet.of(RandomChanges.ACME, new Revision(1), List.of(RandomChanges.TENANT));
            for (int i = 0; i < CHANGES; i++) {
                Change change = changes.next(set);
                PolicySet next = set.with(new Revision(2), change.puts(), change.deletes());
                List<Problem> whole = PolicyValidator.validate(next, NO_PLATFORM);

                assertThat(PolicyValidator.validate(next, NO_PLATFORM, keys(change)))
                        .as("seed %d, step %d: %s", seed, i, change)
                        .isEqualTo(whole);

                set = whole.isEmpty() ? next : set;
                refused += whole.isEmpty() ? 0 : 1;
                accepted += whole.isEmpty() ? 1 : 0;
            }
        }
        assertThat(refused).isGreaterThan(WORLDS * CHANGES / 15);
        assertThat(accepted).isGreaterThan(WORLDS * CHANGES / 15);
    }

    static Set<DocumentKey> keys(Change change) {
        Set<DocumentKey> keys = new HashSet<>(change.deletes());
        change.puts().forEach(document -> keys.add(document.key()));
        return keys;
    }
}
