package dev.assize.server.decision.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PlainNames;
import dev.assize.server.model.Subject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
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
        List<String> ids = ofOneHash(4_096);
        Map<Subject, SubjectNode> expected = new HashMap<>();
        Map<Subject, SubjectNode> some = new HashMap<>();
        SubjectTable table = SubjectTable.EMPTY;
        for (String id : ids) {
            expected.put(user(id), node(user(id), true));
            some.put(user(id), expected.get(user(id)));
            if (some.size() == 256) {
                table = table.with(some);
                some.clear();
            }
        }
        assertThat(ids.stream().map(SubjectTableTest::hash).distinct()).hasSize(1);
        requireSame("one hash", expected, table);
        Subject gone = user(ids.get(7));
        Subject changed = user(ids.get(9));
        SubjectNode another = node(changed, true);
        table = table.with(Map.of(gone, node(gone, false), changed, another));
        expected.remove(gone);
        expected.put(changed, another);
        assertThat(found(table, gone)).isNull();
        requireSame("one hash, changed", expected, table);
    }

    @Test
    void namesOfOneHashAreToldApart() {
        List<String> ids = ofOneHash(5);
        Map<String, String> values = new HashMap<>();
        ids.subList(1, 5).forEach(id -> values.put("user:" + id, id));
        NameTable<String> table = new NameTable<>(values);
        assertThat(table.find("user:" + ids.getFirst())).isNull();
        values.forEach((name, value) -> assertThat(table.find(name)).isEqualTo(value));
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

    /**
     * Ids of users whose names have one hash, of 64 bits before it is folded: whatever eight characters come first, eight
     * others even them out, and now and then those are characters of names.
     */
    private static List<String> ofOneHash(int count) {
        SplittableRandom random = new SplittableRandom(5);
        byte[] name = "user:abc--------========".getBytes(StandardCharsets.US_ASCII);
        long begun = NameBytes.mixed(NameBytes.begun(name.length), word(name, 0));
        long evenedOut = NameBytes.mixed(begun, word(name, 8)) ^ word(name, 16);
        Set<String> ids = new LinkedHashSet<>();
        while (ids.size() < count) {
            for (int i = 8; i < 16; i++) {
                name[i] = (byte) random.nextInt('!', '~');
            }
            long last = NameBytes.mixed(begun, word(name, 8)) ^ evenedOut;
            ByteBuffer.wrap(name).order(ByteOrder.LITTLE_ENDIAN).putLong(16, last);
            if (PlainNames.isSubject(name, 0, name.length)) {
                ids.add(new String(name, 5, name.length - 5, StandardCharsets.US_ASCII));
            }
        }
        return List.copyOf(ids);
    }

    private static long word(byte[] name, int at) {
        return ByteBuffer.wrap(name).order(ByteOrder.LITTLE_ENDIAN).getLong(at);
    }

    /** Of short names more is read than they have, where there is more. */
    @Test
    void aHashIsTheSameWhereverANameStands() {
        SplittableRandom random = new SplittableRandom(3);
        byte[] message = new byte[64];
        for (int i = 0; i < 20_000; i++) {
            random.nextBytes(message);
            int offset = random.nextInt(24);
            int length = random.nextInt(40);
            byte[] alone = Arrays.copyOfRange(message, offset, offset + length);
            int hash = NameBytes.hash(alone, 0, length);
            assertThat(NameBytes.hash(message, offset, length)).isEqualTo(hash);
            if (length > 0) {
                alone[random.nextInt(length)]++;
                assertThat(NameBytes.hash(alone, 0, length)).isNotEqualTo(hash);
            }
        }
    }

    @Test
    void aHashIsAnotherOneInEveryProcess() throws Exception {
        byte[] name = "user:alice".getBytes(StandardCharsets.UTF_8);
        int again = (int) ofAnotherProcess()
                .getMethod("hash", byte[].class, int.class, int.class)
                .invoke(null, name, 0, name.length);
        int more = (int) ofAnotherProcess()
                .getMethod("hash", byte[].class, int.class, int.class)
                .invoke(null, name, 0, name.length);
        assertThat(Set.of(NameBytes.hash(name, 0, name.length)).containsAll(List.of(again, more)))
                .isFalse();
    }

    /** The class as it is begun anew. */
    private static Class<?> ofAnotherProcess() throws IOException {
        byte[] code;
        try (InputStream in = NameBytes.class.getResourceAsStream("NameBytes.class")) {
            code = Objects.requireNonNull(in).readAllBytes();
        }
        return new ClassLoader(NameBytes.class.getClassLoader()) {
            Class<?> define() {
                return defineClass(NameBytes.class.getName(), code, 0, code.length);
            }
        }.define();
    }

    private static int hash(String id) {
        byte[] name = ("user:" + id).getBytes(StandardCharsets.US_ASCII);
        return NameBytes.hash(name, 0, name.length);
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
