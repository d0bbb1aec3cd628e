package dev.assize.server.policy.condition;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.AttributeValue.Fields;
import dev.assize.server.model.AttributeValue.Fraction;
import dev.assize.server.model.AttributeValue.Many;
import dev.assize.server.model.AttributeValue.Text;
import dev.assize.server.model.AttributeValue.Time;
import dev.assize.server.model.AttributeValue.Truth;
import dev.assize.server.model.AttributeValue.Whole;
import dev.assize.server.policy.condition.Compilation.Compiled;
import dev.assize.server.policy.condition.Condition.Verdict;
import dev.assize.server.policy.condition.Condition.Verdict.Broken;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/**
 * Predicates without the interpreter against the interpreter. More of them with {@code -Dassize.fuzz.expressions=100000}, the same
 * again with {@code -Dassize.test.seed}.
 */
class NativeTest {

    private static final int EXPRESSIONS = Integer.getInteger("assize.fuzz.expressions", 1_000);
    private static final int INPUTS = 20;

    private static final Map<String, AttributeDeclaration> DECLARED = Map.of(
            "s", ConditionCompilerTest.declared("string"),
            "i", ConditionCompilerTest.declared("int"),
            "d", ConditionCompilerTest.declared("double"),
            "b", ConditionCompilerTest.declared("bool"),
            "t", ConditionCompilerTest.declared("timestamp"),
            "l", ConditionCompilerTest.declared("list(double)"),
            "m", ConditionCompilerTest.declared("map(string)"));

    @Test
    void meansWhatTheInterpreterMeans() {
        long seed = Long.getLong("assize.test.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        ConditionCompiler compiler = new ConditionCompiler(DECLARED);
        ConditionCompiler interpreting = new ConditionCompiler(DECLARED, true);
        int compared = 0;
        int broken = 0;
        int held = 0;
        for (int i = 0; i < EXPRESSIONS; i++) {
            String when = new Expression(random).bool(3);
            if (compiler.compile(when, DECLARED) instanceof Compiled(CompiledCondition condition)
                    && interpreting.compile(when, DECLARED) instanceof Compiled(CompiledCondition reference)
                    && condition.predicate() instanceof Native) {
                assertThat(reference.predicate()).isInstanceOf(Interpreted.class);
                for (int j = 0; j < INPUTS; j++) {
                    Asked asked = input(random);
                    Verdict expected = reference.evaluate(asked);
                    Verdict actual = condition.evaluate(asked);
                    assertThat(actual.getClass())
                            .as("seed %d: %s%n asked %s%n expected %s, was %s", seed, when, asked, expected, actual)
                            .isEqualTo(expected.getClass());
                    compared++;
                    broken += expected instanceof Broken ? 1 : 0;
                    held += expected.equals(Verdict.TRUE) ? 1 : 0;
                }
            }
        }
        assertThat(compared).isGreaterThan(EXPRESSIONS * INPUTS / 4);
        assertThat(broken).isGreaterThan(compared / 20);
        assertThat(held).isGreaterThan(compared / 20);
    }

    @Test
    void takesSimplePredicatesFromTheInterpreter() {
        ConditionCompiler compiler = new ConditionCompiler(DECLARED);
        for (String when : List.of(
                "env == 'prod'",
                "env != 'prod' && action in ['read', 'write']",
                "subject.attr.i >= 3 || !has(subject.attr.i)",
                "subject.attr.b",
                "!subject.attr.b",
                "context.mfa == true",
                "'traders' in subject.groups",
                "now < timestamp('2027-01-01T00:00:00Z') && now >= subject.attr.t",
                "subject.attr.desk == resource.attr.desk",
                "subject.attr['desk'] in ['fx']",
                "context.request.ip == '10.0.0.1'",
                "'x' in subject.attr.l2")) {
            assertThat(compiler.compile(when, DECLARED))
                    .as(when)
                    .isInstanceOfSatisfying(
                            Compiled.class,
                            compiled -> assertThat(((CompiledCondition) compiled.condition()).predicate())
                                    .isInstanceOf(Native.class));
        }
    }

    private static Asked input(SplittableRandom random) {
        return new Asked(
                new TreeSet<>(random.nextBoolean() ? List.of("a", "g") : List.of("b")),
                attributes(random),
                dev.assize.server.model.ResourcePath.parse(random.nextBoolean() ? "doc:a" : "vault:b/doc"),
                attributes(random),
                attributes(random),
                time(random));
    }

    private static Map<String, AttributeValue> attributes(SplittableRandom random) {
        Map<String, AttributeValue> attributes = new HashMap<>();
        put(attributes, random, "s", () -> text(random));
        put(attributes, random, "i", () -> whole(random));
        put(attributes, random, "d", () -> random.nextBoolean() ? fraction(random) : whole(random));
        put(attributes, random, "b", () -> new Truth(random.nextBoolean()));
        put(attributes, random, "t", () -> new Time(time(random)));
        put(attributes, random, "l", () -> new Many(List.of(fraction(random), whole(random))));
        put(attributes, random, "m", () -> fields(Map.of("a", text(random))));
        put(attributes, random, "x", () -> any(random, 2));
        put(attributes, random, "y", () -> any(random, 2));
        return attributes;
    }

    /** Mostly as declared, sometimes missing, sometimes anything. */
    private static void put(
            Map<String, AttributeValue> attributes,
            SplittableRandom random,
            String name,
            Supplier<AttributeValue> usual) {
        switch (random.nextInt(8)) {
            case 0 -> {}
            case 1 -> attributes.put(name, any(random, 2));
            default -> attributes.put(name, usual.get());
        }
    }

    private static AttributeValue any(SplittableRandom random, int depth) {
        return switch (random.nextInt(depth > 0 ? 8 : 5)) {
            case 0 -> text(random);
            case 1 -> whole(random);
            case 2 -> fraction(random);
            case 3 -> new Truth(random.nextBoolean());
            case 4 -> new Time(time(random));
            case 5 -> new Fraction(Double.NaN);
            case 6 -> new Many(List.of(any(random, depth - 1), any(random, depth - 1)));
            default -> fields(Map.of("a", any(random, depth - 1), "b", any(random, depth - 1)));
        };
    }

    private static Fields fields(Map<String, AttributeValue> values) {
        return new Fields(new TreeMap<>(values));
    }

    private static Text text(SplittableRandom random) {
        return new Text(pick(random, List.of("", "a", "b", "ab", "prod", "\uD83D\uDE00", "\uFFFD")));
    }

    private static Whole whole(SplittableRandom random) {
        return new Whole(pick(random, List.of(-1L, 0L, 1L, 2L, 9007199254740993L, Long.MAX_VALUE, Long.MIN_VALUE)));
    }

    private static Fraction fraction(SplittableRandom random) {
        return new Fraction(pick(
                random,
                List.of(
                        -0.0,
                        0.0,
                        1.0,
                        1.5,
                        2.0,
                        9007199254740992.0,
                        9.223372036854776E18,
                        1e300,
                        -1e300,
                        Double.POSITIVE_INFINITY)));
    }

    private static Instant time(SplittableRandom random) {
        return Instant.parse("2026-01-01T00:00:00Z").plusSeconds(random.nextInt(4));
    }

    private static <T> T pick(SplittableRandom random, List<T> values) {
        return values.get(random.nextInt(values.size()));
    }

    /** Expressions of the part of the language that is compiled, well-typed more often than not. */
    private record Expression(SplittableRandom random) {

        String bool(int depth) {
            return switch (random.nextInt(depth > 0 ? 12 : 7)) {
                case 0 -> equality();
                case 1, 2 -> comparison();
                case 3 -> membership();
                case 4 -> "has(" + path() + ")";
                case 5 -> place() + ".b";
                case 6 -> pick(random, List.of("true", "false", place() + ".x", "context.b"));
                case 7 -> "!(" + bool(depth - 1) + ")";
                case 8, 9 -> "(" + bool(depth - 1) + " && " + bool(depth - 1) + ")";
                default -> "(" + bool(depth - 1) + " || " + bool(depth - 1) + ")";
            };
        }

        private String equality() {
            String operator = pick(random, List.of(" == ", " != "));
            return switch (random.nextInt(3)) {
                case 0 -> path() + operator + path();
                case 1 -> path() + operator + constant();
                default -> text() + operator + pick(random, List.of("'a'", "'prod'", "'doc'", place() + ".s"));
            };
        }

        private String comparison() {
            String operator = pick(random, List.of(" < ", " <= ", " > ", " >= "));
            return switch (random.nextInt(5)) {
                case 0 ->
                    place() + ".i" + operator + pick(random, List.of("1", "1.5", "0", place() + ".d", place() + ".x"));
                case 1 ->
                    place() + ".d" + operator + pick(random, List.of("1", "-0.0", "9007199254740993", place() + ".i"));
                case 2 ->
                    pick(random, List.of("now", place() + ".t"))
                            + operator
                            + pick(random, List.of("now", place() + ".t", "timestamp('2026-01-01T00:00:02Z')"));
                case 3 -> place() + ".x" + operator + pick(random, List.of(constant(), place() + ".y"));
                default -> text() + operator + pick(random, List.of("'a'", place() + ".s"));
            };
        }

        private String membership() {
            return switch (random.nextInt(6)) {
                case 0 -> pick(random, List.of("'a'", "'g'", place() + ".s", place() + ".x")) + " in subject.groups";
                case 1 -> path() + " in " + constants();
                case 2 -> constant() + " in " + place() + pick(random, List.of(".l", ".x", ".m"));
                case 3 -> "'" + pick(random, List.of("x", "s", "nope")) + "' in " + place();
                case 4 -> place() + ".x in " + place() + pick(random, List.of(".l", ".y", ".m"));
                default -> text() + " in " + constants();
            };
        }

        private String constants() {
            List<String> constants = new ArrayList<>();
            for (int i = random.nextInt(4); i > 0; i--) {
                constants.add(constant());
            }
            return "[" + String.join(", ", constants) + "]";
        }

        private String constant() {
            return pick(
                    random,
                    List.of(
                            "'a'",
                            "''",
                            "'b'",
                            "0",
                            "1",
                            "2",
                            "-1",
                            "1.0",
                            "1.5",
                            "-0.0",
                            "0.0",
                            "9007199254740993",
                            "true",
                            "false",
                            "timestamp('2026-01-01T00:00:01Z')",
                            "1 + 1"));
        }

        private String text() {
            return pick(
                    random,
                    List.of("env", "action", "tenant", "subject.id", "subject.type", "resource.id", "resource.type"));
        }

        private String place() {
            return pick(random, List.of("subject.attr", "resource.attr", "context"));
        }

        private String path() {
            String name = pick(random, List.of("s", "i", "d", "b", "t", "l", "m", "x", "y", "none"));
            return switch (random.nextInt(6)) {
                case 0 -> place() + "." + name + "." + pick(random, List.of("a", "b", "c"));
                case 1 -> place() + "." + name;
                case 2 -> place() + ".x";
                case 3 -> place() + ".y";
                default -> place() + "." + name;
            };
        }
    }
}
