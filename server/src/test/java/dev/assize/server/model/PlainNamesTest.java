package dev.assize.server.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Knows of every text of ASCII whether it is a name, as the types of this room do. */
class PlainNamesTest {

    /** What makes a text another one near it. */
    private static final int MOST_CHANGES = 3;

    private static final String ALPHABET = "azAZ09-_.:/%25F {}~\u0000\u001f\u007f";

    private interface Form {
        boolean isName(byte[] bytes, int offset, int length);
    }

    @Test
    void agreesWithTheTypesOnEveryTextOfAscii() {
        requireSame(PlainNames::isTenant, TenantId::new, "acme.eu-1");
        requireSame(PlainNames::isTenant, Environment::new, "production");
        requireSame(PlainNames::isAction, Action::new, "doc:read.all");
        requireSame(PlainNames::isSubject, Subject::parse, "user:alice:1");
        requireSame(PlainNames::isSubject, Subject::parse, "service:someone@example.com");
        requireSame(PlainNames::isPath, ResourcePath::parse, "vault:v/doc:1%2F2");
    }

    @Test
    void boundsTheirLengths() {
        requireSame(PlainNames::isTenant, TenantId::new, "a".repeat(63));
        requireSame(PlainNames::isTenant, TenantId::new, "a".repeat(64));
        requireSame(PlainNames::isAction, Action::new, "a".repeat(128));
        requireSame(PlainNames::isAction, Action::new, "a".repeat(129));
        requireSame(PlainNames::isSubject, Subject::parse, "a".repeat(32) + ":" + "b".repeat(256));
        requireSame(PlainNames::isSubject, Subject::parse, "a".repeat(33) + ":b");
        requireSame(PlainNames::isSubject, Subject::parse, "a:" + "b".repeat(257));
        requireSame(PlainNames::isPath, ResourcePath::parse, "a:" + "b".repeat(256));
        requireSame(PlainNames::isPath, ResourcePath::parse, "a:" + "b".repeat(257));
        for (int segments : new int[] {Limits.PATH_SEGMENTS, Limits.PATH_SEGMENTS + 1}) {
            requireSame(PlainNames::isPath, ResourcePath::parse, "a:b/".repeat(segments - 1) + "a");
        }
        String many = ("a:" + "b".repeat(250) + "/").repeat(Limits.PATH_BYTES / 253);
        int last = Limits.PATH_BYTES - many.length() - "a:".length();
        for (int more = 1; more < 253; more++) {
            String path = many + "a:" + "b".repeat(more);
            requireSame(
                    PlainNames::isPath, ResourcePath::parse, path, Math.abs(more - last) <= MOST_CHANGES ? 3_000 : 30);
        }
    }

    @Test
    void takesNothingBeyondAsciiForPlain() {
        byte[] name = "user:ålice".getBytes(StandardCharsets.UTF_8);
        assertThat(PlainNames.isSubject(name, 0, name.length)).isFalse();
        assertThat(PlainNames.isPath(name, 0, name.length)).isFalse();
    }

    /** Words of eight bytes are looked at together, the last of which may begin anywhere. */
    @Test
    void findsEachByteThatIsNotCleanWhereverItStands() {
        byte[] name = "user:abcdefghijklmnopqrstuvwxyz".getBytes(StandardCharsets.US_ASCII);
        for (int length = "user:".length() + 1; length <= name.length; length++) {
            for (int at = "user:".length(); at < length; at++) {
                for (int value = Byte.MIN_VALUE; value <= Byte.MAX_VALUE; value++) {
                    byte[] changed = name.clone();
                    changed[at] = (byte) value;
                    assertThat(PlainNames.isSubject(changed, 0, length))
                            .as("%d of %d is %d", at, length, value)
                            .isEqualTo(value >= ' ' && value < 0x7F);
                }
            }
        }
    }

    /** Of the text itself, and of texts near it, among other bytes. */
    private static void requireSame(Form form, Consumer<String> type, String text) {
        requireSame(form, type, text, 3_000);
    }

    private static void requireSame(Form form, Consumer<String> type, String text, int texts) {
        long seed = new SplittableRandom().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < texts; i++) {
            StringBuilder near = new StringBuilder(text);
            for (int change = i == 0 ? 0 : random.nextInt(1, MOST_CHANGES + 1); change > 0; change--) {
                change(near, random);
            }
            byte[] bytes = (":" + near + "/").getBytes(StandardCharsets.US_ASCII);
            assertThat(form.isName(bytes, 1, bytes.length - 2))
                    .as("`%s`, seed %d", near, seed)
                    .isEqualTo(isName(type, near.toString()));
        }
    }

    private static void change(StringBuilder text, SplittableRandom random) {
        char c = ALPHABET.charAt(random.nextInt(ALPHABET.length()));
        int at = random.nextInt(text.length() + 1);
        if (at == text.length() || random.nextInt(3) == 0) {
            text.insert(at, c);
        } else if (random.nextBoolean()) {
            text.setCharAt(at, c);
        } else {
            text.deleteCharAt(at);
        }
    }

    private static boolean isName(Consumer<String> type, String text) {
        try {
            type.accept(text);
            return true;
        } catch (MalformedException refused) {
            return false;
        }
    }
}
