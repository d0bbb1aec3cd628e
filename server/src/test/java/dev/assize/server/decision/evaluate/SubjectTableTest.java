package dev.assize.server.decision.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.Subject;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Finds what was put and nothing else, through all of its growth. */
class SubjectTableTest {

    @Test
    void findsWhatWasPutAndNotDeleted() {
        long seed = new SplittableRandom().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        Map<Subject, SubjectNode> expected = new HashMap<>();
        SubjectTable table = SubjectTable.EMPTY;
        for (int step = 0; step < 30_000; step++) {
            Subject subject = user("u" + random.nextInt(step < 20_000 ? 30_000 : 3_000));
            SubjectNode node = node(subject, step < 20_000 || random.nextInt(3) == 0);
            table = table.with(Map.of(subject, node));
            var _ = node.isEmpty() ? expected.remove(subject) : expected.put(subject, node);
            if (step % 5_000 == 0) {
                requireSame("seed " + seed + ", step " + step, expected, table);
            }
        }
        requireSame("seed " + seed, expected, table);
        requireSame("seed " + seed + ", made at once", expected, SubjectTable.of(expected.values()));
    }

    @Test
    void growsByManyAtOnce() {
        Map<Subject, SubjectNode> expected = new HashMap<>();
        SubjectTable table = SubjectTable.of(List.of(node(user("first"), true)));
        expected.put(user("first"), found(table, user("first")));
        for (int batch = 0; batch < 4; batch++) {
            Map<Subject, SubjectNode> changes = new HashMap<>();
            for (int i = 0; i < 20_000; i++) {
                Subject subject = user(batch + "-" + i);
                changes.put(subject, node(subject, true));
            }
            table = table.with(changes);
            expected.putAll(changes);
            requireSame("batch " + batch, expected, table);
        }
    }

    @Test
    void subjectsOfOneHashAreToldApart() {
        // More than the most pages of a section hold, and no bit tells any of them from the others.
        Map<Subject, SubjectNode> expected = new HashMap<>();
        SubjectTable table = SubjectTable.EMPTY;
        for (String id : ofOneHash(12)) {
            SubjectNode node = node(user(id), true);
            table = table.with(Map.of(user(id), node));
            expected.put(user(id), node);
        }
        assertThat(expected.keySet().stream().map(Subject::hashCode).distinct()).hasSize(1);
        requireSame("one hash", expected, table);
        Subject gone = user("AaBB".repeat(6));
        Subject changed = user("BBAa".repeat(6));
        SubjectNode another = node(changed, true);
        table = table.with(Map.of(gone, node(gone, false), changed, another));
        expected.remove(gone);
        expected.put(changed, another);
        assertThat(found(table, gone)).isNull();
        requireSame("one hash, changed", expected, table);
    }

    @Test
    void anOlderTableStaysAsItWas() {
        Map<Subject, SubjectNode> expected = new HashMap<>();
        for (int i = 0; i < 10_000; i++) {
            expected.put(user("u" + i), node(user("u" + i), true));
        }
        SubjectTable old = SubjectTable.of(expected.values());
        SubjectTable table = old;
        for (int i = 0; i < 20_000; i++) {
            Subject subject = user("u" + i);
            table = table.with(Map.of(subject, node(subject, i % 2 == 0)));
        }
        assertThat(table.size()).isEqualTo(10_000);
        requireSame("old", expected, old);
    }

    private static void requireSame(String place, Map<Subject, SubjectNode> expected, SubjectTable table) {
        assertThat(table.size()).as(place).isEqualTo(expected.size());
        expected.forEach((subject, node) ->
                assertThat(found(table, subject)).as("%s, %s", place, subject).isSameAs(node));
        assertThat(found(table, user("nobody"))).as(place).isNull();
        assertThat(found(table, new Subject("service", "u1"))).as(place).isNull();
    }

    /** All words of so many syllables, each of which is one of two with the same hash. */
    private static Collection<String> ofOneHash(int syllables) {
        List<String> words = List.of("");
        for (int i = 0; i < syllables; i++) {
            List<String> longer = new ArrayList<>();
            for (String word : words) {
                longer.add(word + "Aa");
                longer.add(word + "BB");
            }
            words = longer;
        }
        return words;
    }

    private static @Nullable SubjectNode found(SubjectTable table, Subject subject) {
        return table.find(subject.type(), subject.id());
    }

    private static Subject user(String id) {
        return new Subject("user", id);
    }

    private static SubjectNode node(Subject subject, boolean isThere) {
        return new SubjectNode(subject, GrantList.NONE, List.of(), isThere);
    }
}
