package dev.assize.server.decision.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.SourcePlace;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Keeps its grants by name, however many they are and however they came. */
class GrantListTest {

    @Test
    void aChangedListIsOneThatIsMadeAtOnce() {
        long start = new SplittableRandom().nextLong();
        for (long seed = start; seed < start + 20; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            int names = random.nextInt(1, 3_000);
            TreeMap<String, Grant> expected = new TreeMap<>();
            GrantList list = GrantList.NONE;
            for (int step = 0; step < 300; step++) {
                Set<String> removed = new HashSet<>();
                Map<String, Grant> added = new TreeMap<>();
                for (int i = random.nextInt(step % 50 == 0 ? 1_000 : 4); i >= 0; i--) {
                    String name = "b" + random.nextInt(names);
                    removed.add(name);
                    if (random.nextInt(200) > step) {
                        added.put(name, grant(name, random.nextInt(200)));
                    }
                }
                list = list.with(removed, added.values());
                expected.keySet().removeAll(removed);
                expected.putAll(added);

                assertThat(list.size()).as("seed %d, step %d", seed, step).isEqualTo(expected.size());
                if (step % 20 == 0) {
                    requireSame("seed " + seed + ", step " + step, List.copyOf(expected.values()), list);
                }
            }
            requireSame("seed " + seed, List.copyOf(expected.values()), list);
            requireSame("seed " + seed, List.copyOf(expected.values()), GrantList.of(expected.values()));
            assertThat(list.with(expected.keySet(), List.of()).size()).isZero();
        }
    }

    @Test
    void aUnionHasAllGrantsOfItsLists() {
        for (int size : new int[] {3, 200, 2_000}) {
            List<Grant> some = grants(0, size);
            List<Grant> others = grants(size / 2, size);
            Set<String> expected = new HashSet<>();
            some.forEach(grant -> expected.add(grant.name()));
            others.forEach(grant -> expected.add(grant.name()));
            GrantList union = GrantList.union(List.of(GrantList.of(some), GrantList.of(others)));
            List<String> names = union.asList().stream().map(Grant::name).toList();
            assertThat(new HashSet<>(names)).isEqualTo(expected);
            assertThat(names).hasSizeBetween(expected.size(), union.isInParts() ? 2 * size : expected.size());
        }
    }

    private static void requireSame(String place, List<Grant> expected, GrantList list) {
        assertThat(list.asList()).as(place).isEqualTo(expected);
        List<Grant> inParts = new ArrayList<>();
        for (GrantList part : list.parts()) {
            assertThat(part.isInParts()).as(place).isFalse();
            for (int i = 0; i < part.size(); i++) {
                inParts.add(new Grant(part.binding(i), part.role(i), part.terms(i)));
            }
        }
        assertThat(inParts).as(place).isEqualTo(expected);
    }

    private static List<Grant> grants(int from, int count) {
        List<Grant> grants = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            grants.add(grant("b" + i, i % 100));
        }
        return grants;
    }

    private static Grant grant(String name, int role) {
        return new Grant(
                new RoleBindingDocument(
                        new Metadata(PolicyScope.of(new TenantId("acme")), name, new TreeMap<>(), null),
                        SourcePlace.UNKNOWN,
                        List.of(),
                        "r" + role,
                        Scope.ALL,
                        null,
                        null,
                        null,
                        null,
                        null),
                role,
                null);
    }
}
