package dev.assize.server.policy.condition;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.AttributeValue.Fields;
import dev.assize.server.model.AttributeValue.Many;
import dev.assize.server.model.AttributeValue.Text;
import dev.assize.server.policy.condition.Compilation.Compiled;
import dev.assize.server.policy.condition.Compilation.Refused;
import dev.assize.server.policy.condition.Condition.Verdict;
import dev.assize.server.policy.condition.Condition.Verdict.Broken;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each bound of a condition at its edge: the last that is taken, and the first that is not. */
@Timeout(60)
class ConditionLimitsTest {

    private final ConditionCompiler compiler = new ConditionCompiler(Map.of());
    private final ConditionCompiler interpreting = new ConditionCompiler(Map.of(), true);

    @Test
    void refusesALongExpression() {
        String most = "env == '" + "ä".repeat((ConditionLimits.EXPRESSION_BYTES - 10) / 2) + "'";
        assertThat(most.getBytes(java.nio.charset.StandardCharsets.UTF_8))
                .hasSizeBetween(ConditionLimits.EXPRESSION_BYTES - 1, ConditionLimits.EXPRESSION_BYTES);
        assertTaken(most);
        assertRefused(most + "  ", "longer than");
    }

    @Test
    void refusesADeepExpression() {
        int terms = ConditionLimits.NESTING - 1;
        assertTaken("1" + " + 1".repeat(terms - 1) + " > 0");
        assertRefused("1" + " + 1".repeat(terms) + " > 0", "nested deeper than 32 levels");
    }

    @Test
    void refusesDeepParenthesesLongBeforeTheStackEnds() {
        assertTaken("(".repeat(ConditionLimits.NESTING) + "true" + ")".repeat(ConditionLimits.NESTING));
        assertRefused("(".repeat(1_000) + "true" + ")".repeat(1_000), "nested too deeply");
        assertRefused("[".repeat(2_000), "");
        assertRefused("!".repeat(4_000) + "true", "");
        assertRefused("-".repeat(4_000) + "1 == 1", "");
        assertRefused("true ? ".repeat(500) + "true" + " : true".repeat(500), "");
    }

    @Test
    void takesALongChainOfAlternatives() {
        assertTaken(String.join(" || ", Collections.nCopies(250, "env == 'a'")));
    }

    @Test
    void refusesComprehensionsWithinComprehensionsWithinComprehensions() {
        assertTaken("[1].all(x, [1].all(y, x == y))");
        assertRefused("[1].all(x, [1].all(y, [1].all(z, x == z)))", "at most 2 deep");
        assertTaken("[1].filter(x, x > 0).map(x, x + 1).exists(x, x == 2)");
    }

    @Test
    void refusesWhatMayCostTooMuch() {
        assertTaken("subject.attr.a.exists(x, context.b.exists(y, x == y))");
        assertRefused(
                "subject.attr.a.exists(x, context.b.exists(y, x == y))"
                        + " && subject.attr.a.exists(x, context.b.exists(y, x != y))"
                        + " && subject.attr.a.exists(x, context.b.exists(y, x == y || x == '1'))",
                "may cost");
        String sum = String.join(" + ", Collections.nCopies(20, "context.s"));
        assertTaken(sum + " == ''");
        assertRefused("context.l.map(x, " + sum + ").size() > 1", "may cost");
        assertRefused("context.l" + ".map(x, x + x + x + x)".repeat(7) + " == []", "may cost");
    }

    @Test
    void estimatesAlternativesBySum() {
        String cheap = "context.l.exists(x, x == 1)";
        long one = cost(cheap);
        assertThat(cost(cheap + " || " + cheap)).isBetween(2 * one, 2 * one + 5);
        assertThat(cost("env == 'prod'")).isLessThan(100);
    }

    @Test
    void breaksWhereMoreIsVisitedThanAllowed() {
        Condition condition = interpreted("subject.groups.all(g, g != '')");
        assertThat(condition.evaluate(Asked.plain().groups(names(ConditionLimits.ITERATIONS))))
                .isEqualTo(Verdict.TRUE);
        assertThat(condition.evaluate(Asked.plain().groups(names(ConditionLimits.ITERATIONS + 1))))
                .isEqualTo(new Broken("it visits more than 10000 elements (at character 19)"));
    }

    @Test
    void endsSoonWhateverIsVisited() {
        Condition condition = interpreted("subject.groups.exists(a, subject.groups.exists(b, a + b == ''))");
        long start = System.nanoTime();
        assertThat(condition.evaluate(Asked.plain().groups(names(5_000)))).isInstanceOf(Broken.class);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
    }

    @Test
    void refusesALongPattern() {
        assertTaken("env.matches('" + "a".repeat(ConditionLimits.PATTERN_LENGTH) + "')");
        assertRefused("env.matches('" + "a".repeat(ConditionLimits.PATTERN_LENGTH + 1) + "')", "at most 128");
    }

    @Test
    void refusesAPatternThatGrows() {
        assertTaken("env.matches('(abcdefghi){80}')");
        assertRefused("env.matches('(abcdefghij){101}')", "bounded size");
    }

    @Test
    void breaksOnALargeValue() {
        int most = ConditionLimits.VALUE_SIZE - 1;
        assertThat(seen("context.v != ''", new Text("x".repeat(most)))).isEqualTo(Verdict.TRUE);
        assertThat(seen("context.v != ''", new Text("x".repeat(most + 1)))).isInstanceOf(Broken.class);
        assertThat(seen("!('y' in context.v)", many(most))).isEqualTo(Verdict.TRUE);
        assertThat(seen("!('y' in context.v)", many(most + 1))).isInstanceOf(Broken.class);
        assertThat(seen("!('y' in context.v)", new Fields(new TreeMap<>(Map.of("k".repeat(most - 1), new Text(""))))))
                .isEqualTo(Verdict.TRUE);
        assertThat(seen("!('y' in context.v)", new Fields(new TreeMap<>(Map.of("k".repeat(most), new Text(""))))))
                .isInstanceOf(Broken.class);
    }

    private static Many many(int elements) {
        return new Many(Collections.nCopies(elements, new AttributeValue.Whole(1)));
    }

    private Verdict seen(String when, AttributeValue value) {
        Asked asked = Asked.plain().in(Map.of("v", value));
        Verdict verdict = condition(compiler, when).evaluate(asked);
        assertThat(interpreted(when).evaluate(asked).getClass()).isEqualTo(verdict.getClass());
        return verdict;
    }

    private static SortedSet<String> names(int count) {
        return new TreeSet<>(IntStream.range(0, count).mapToObj(i -> "g" + i).toList());
    }

    private long cost(String when) {
        try {
            return CostEstimate.of(ConditionLanguage.with(new Declarations(Map.of(), Map.of()))
                    .compile(when)
                    .getAst()
                    .getExpr());
        } catch (dev.cel.common.CelValidationException invalid) {
            throw new AssertionError(invalid);
        }
    }

    private Condition interpreted(String when) {
        return condition(interpreting, when);
    }

    private static Condition condition(ConditionCompiler compiler, String when) {
        assertThat(compiler.compile(when, Map.of())).isInstanceOf(Compiled.class);
        return ((Compiled) compiler.compile(when, Map.of())).condition();
    }

    private void assertTaken(String when) {
        assertThat(compiler.compile(when, Map.of())).as(when).isInstanceOf(Compiled.class);
    }

    private void assertRefused(String when, String message) {
        assertThat(compiler.compile(when, Map.of()))
                .as(when)
                .isInstanceOfSatisfying(
                        Refused.class,
                        refused -> assertThat(refused.faults())
                                .isNotEmpty()
                                .satisfies(faults -> assertThat(
                                                List.copyOf(faults).get(0).message())
                                        .contains(message)));
    }
}
