package dev.assize.server.policy.condition;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.AttributeValue.Fields;
import dev.assize.server.model.AttributeValue.Fraction;
import dev.assize.server.model.AttributeValue.Many;
import dev.assize.server.model.AttributeValue.Text;
import dev.assize.server.model.AttributeValue.Time;
import dev.assize.server.model.AttributeValue.Truth;
import dev.assize.server.model.AttributeValue.Whole;
import dev.assize.server.policy.condition.AttributeDeclaration.Source;
import dev.assize.server.policy.condition.Compilation.Compiled;
import dev.assize.server.policy.condition.Compilation.Fault;
import dev.assize.server.policy.condition.Compilation.Refused;
import dev.assize.server.policy.condition.Condition.Verdict;
import dev.assize.server.policy.condition.Condition.Verdict.Broken;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What conditions mean, and which expressions are none. */
class ConditionCompilerTest {

    private static final Map<String, AttributeDeclaration> SUBJECTS = Map.of(
            "level", declared("int"),
            "score", declared("double"),
            "trusted", declared("bool"),
            "since", declared("timestamp"),
            "tags", declared("list(string)"),
            "limits", declared("map(int)"));

    private static final Map<String, AttributeDeclaration> DOCS = Map.of("class", declared("string"));

    private final ConditionCompiler compiler = new ConditionCompiler(SUBJECTS);
    private final ConditionCompiler interpreting = new ConditionCompiler(SUBJECTS, true);

    static AttributeDeclaration declared(String type) {
        return new AttributeDeclaration(AttributeType.parse(type), Source.EITHER);
    }

    // Refusals: the text.

    @ParameterizedTest
    @CsvSource(delimiter = '~', quoteCharacter = '"', textBlock = """
        subject.attr.level == 'x' ~ 20 ~ `==` does not take (int, string)
        env < 5 ~ 5 ~ `<` does not take (string, int)
        subject.attr.level in ['a'] ~ 20 ~ `in` does not take (int, list(string))
        env ~ 1 ~ a condition is a bool, and this is of type string
        now ~ 1 ~ a condition is a bool, and this is of type timestamp
        true || ~ 8 ~ ends where more was expected
        env @ 'prod' ~ 5 ~ `@` was not expected here
        has(env) ~ 4 ~ `has` asks for a field, such as `has(subject.attr.level)`
        has(subject.type) ~ 4 ~ `has` asks for a field, such as `has(subject.attr.level)`
        has(subject.groups.x) ~ 4 ~ list(string) has no fields
        subject.attr.level.x == 1 ~ 19 ~ int has no fields
        'a'.matches(subject.attr.word) ~ 25 ~ the pattern of `matches` is written out, and comes from nowhere else
        'a'.matches('a' + env) ~ 17 ~ the pattern of `matches` is written out, and comes from nowhere else
        'a'.matches('(') ~ 13 ~ `(` is not a regular expression (RE2) of a bounded size
        now < timestamp('tomorrow') ~ 17 ~ `tomorrow` is not a timestamp such as `2026-01-31T08:00:00Z`
        now - now < duration('soon') ~ 22 ~ `soon` is not a duration such as `90m` or `1h30m`
        """)
    void refusesWithTheColumn(String when, int column, String message) {
        assertThat(faults(when)).first().isEqualTo(new Fault(1, column, message));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "subject",
                "subject['id'] == 'x'",
                "subject.name == 'x'",
                "resource",
                "user == 'x'",
                "resource.env"
            })
    void refusesNamesThatNothingHas(String when) {
        assertThat(faults(when))
                .first()
                .satisfies(fault -> assertThat(fault.message())
                        .contains("is unknown here", "`subject` with `type`, `id`, `attr` and `groups`"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "google.protobuf.Int64Value{value: 1} == 1",
                "rand() > 1",
                "timestamp() < now",
                "env.lowerAscii() == 'x'",
                "math.greatest(1, 2) == 2",
                "cel.bind(x, 1, x == 1)",
                "optional.of(1).hasValue()",
                "subject.?attr == 1",
                "env.format([1]) == 'x'"
            })
    void refusesWhatIsNotOffered(String when) {
        assertThat(faults(when)).isNotEmpty();
    }

    @Test
    void refusesInTheLineWhereItIsWrong() {
        assertThat(faults("env == 'prod'\n  && subject.attr.level == 'x'"))
                .first()
                .satisfies(fault -> {
                    assertThat(fault.line()).isEqualTo(2);
                    assertThat(fault.column()).isEqualTo(25);
                });
    }

    @Test
    void refusesAnEmptyCondition() {
        assertThat(faults("")).isNotEmpty();
        assertThat(faults(" \n")).isNotEmpty();
    }

    @Test
    void refusesAnAttributeOfTheWrongTypeOfAResource() {
        assertThat(faults("resource.attr.class > 5")).isNotEmpty();
        assertThat(compiler.compile("resource.attr.class > 5", Map.of())).isInstanceOf(Compiled.class);
    }

    // Failures: the values.

    @Test
    void breaksOnWhatIsMissingAndNamesIt() {
        assertBroken("subject.attr.level > 3", Asked.plain(), "subject.attr.level");
        assertBroken("subject.attr.unheard == 'x'", Asked.plain(), "unheard");
        assertBroken("context.mfa", Asked.plain(), "mfa");
        assertBroken("resource.attr['class'] == 'x'", Asked.plain(), "class");
    }

    @Test
    void breaksOnWhatIsOfAnotherTypeThanDeclared() {
        Asked asked = Asked.plain().subjectHas(Map.of("level", new Text("5"), "tags", new Many(List.of(new Whole(1)))));
        assertBroken("subject.attr.level > 3", asked, "`subject.attr.level` is string, and declared `int`");
        assertBroken("'a' in subject.attr.tags", asked, "`subject.attr.tags` is int, and declared `string`");
    }

    @Test
    void breaksOnWhatCannotBeCompared() {
        Asked asked = Asked.plain().subjectHas(Map.of("word", new Text("x")));
        assertBroken("subject.attr.word > 3", asked, ">");
        assertBroken("!subject.attr.word", asked, "");
        assertBroken("'x' in subject.attr.word", asked, "in");
        assertBroken("subject.attr.word", asked, "string");
    }

    @Test
    void breaksOnWhatIsNotANumber() {
        Asked asked = Asked.plain().in(Map.of("ratio", new Fraction(Double.NaN)));
        assertBroken("context.ratio > 1", asked, "not a number");
        assertBroken("context.ratio != 1.0", asked, "not a number");
        assertBroken("has(context.ratio)", asked, "not a number");
    }

    @Test
    void breaksOnWhatCannotBeWorkedOut() {
        Asked asked = Asked.plain().subjectHas(Map.of("level", new Whole(Long.MAX_VALUE), "tags", new Many(List.of())));
        assertBroken("subject.attr.level + 1 > 0", asked, "too large");
        assertBroken("subject.attr.level / 0 > 0", asked, "zero");
        assertBroken("subject.attr.tags[0] == 'x'", asked, "outside");
        assertBroken("int(env) == 1", asked, "converted");
    }

    @Test
    void neverThrowsWhateverItsInputDoes() {
        ConditionInput hostile = (ConditionInput) java.lang.reflect.Proxy.newProxyInstance(
                ConditionInput.class.getClassLoader(), new Class<?>[] {ConditionInput.class}, (proxy, method, args) -> {
                    throw new StackOverflowError();
                });
        for (ConditionCompiler each : List.of(compiler, interpreting)) {
            assertThat(compiled(each, "env == 'prod' && context.mfa").evaluate(hostile))
                    .isInstanceOf(Broken.class);
        }
    }

    // What holds.

    @ParameterizedTest
    @ValueSource(
            strings = {
                "subject.type == 'user' && subject.id == 'ada@acme'",
                "resource.type == 'doc' && resource.id == '7' && resource.path == 'vault:north/doc:7'",
                "action == 'read' && env == 'prod' && tenant == 'acme'",
                "'traders' in subject.groups && !('auditors' in subject.groups)",
                "subject.groups.exists(g, g.startsWith('trad'))",
                "subject.id.endsWith('@acme')",
                "subject.id.matches('^[a-z]+@acme$')",
                "resource.path.contains('/doc:')",
                "now > timestamp('2026-01-01T00:00:00Z')",
                "now.getHours() == 9 && now.getDayOfWeek() == 1",
                "now.getHours('Europe/Zurich') == 10",
                "now - duration('1h30m') == timestamp('2026-03-02T08:00:00Z')",
                "env in ['prod', 'live']",
                "{'prod': 2}[env] == 2",
                "size(subject.groups) == 2",
                "has(subject.attr.level) ? false : true"
            })
    void holdsOfWhatIsAsked(String when) {
        assertHolds(when, Asked.plain());
    }

    @Test
    void readsDeclaredAttributesByDotAndByIndex() {
        Asked asked = Asked.plain()
                .subjectHas(Map.of(
                        "level", new Whole(5),
                        "score", new Whole(2),
                        "trusted", new Truth(true),
                        "since", new Time(Asked.NOW.minus(Duration.ofDays(1))),
                        "tags", new Many(List.of(new Text("a"), new Text("b"))),
                        "limits", new Fields(new TreeMap<>(Map.of("eur", new Whole(100))))));
        for (String when : List.of(
                "subject.attr.level > 3",
                "subject.attr['level'] > 3",
                "subject.attr.score < 2.5",
                "subject.attr.trusted",
                "subject.attr.since < now",
                "'a' in subject.attr.tags",
                "subject.attr.tags.all(t, t < 'c')",
                "subject.attr.limits.eur >= 100",
                "subject.attr.limits['eur'] >= 100",
                "has(subject.attr.limits.eur) && !has(subject.attr.limits.usd)",
                "'eur' in subject.attr.limits",
                "has(subject.attr.level) && !has(subject.attr.unheard)",
                "subject.attr.exists(name, name == 'level')")) {
            assertHolds(when, asked);
        }
    }

    @Test
    void readsUndeclaredAttributesAsTheyAre() {
        Asked asked = Asked.plain()
                .subjectHas(Map.of("desk", new Text("fx"), "rank", new Whole(3)))
                .resourceHas(Map.of("desk", new Text("fx"), "rank", new Fraction(3.0)))
                .in(Map.of("request", new Fields(new TreeMap<>(Map.of("mfa", new Truth(true))))));
        for (String when : List.of(
                "subject.attr.desk == resource.attr.desk",
                "subject.attr.rank == resource.attr.rank",
                "subject.attr.rank >= 2.5",
                "subject.attr.desk != 5",
                "context.request.mfa",
                "has(context.request.mfa) && !has(context.request.ip)",
                "subject.attr.desk in ['fx', 'rates']",
                "subject.attr.rank in [1, 2, 3]")) {
            assertHolds(when, asked);
        }
    }

    @Test
    void letsEitherSideDecideOverAnError() {
        for (String when : List.of(
                "context.none || env == 'prod'",
                "env == 'prod' || context.none",
                "!(context.none && env == 'test')",
                "!(env == 'test' && context.none)")) {
            assertHolds(when, Asked.plain());
        }
        assertBroken("context.none || env == 'test'", Asked.plain(), "none");
        assertBroken("env == 'prod' && context.none", Asked.plain(), "none");
    }

    @Test
    void hasNoIdOfATypeAsAWhole() {
        assertHolds("resource.id == '' && resource.type == 'doc'", Asked.plain().of("vault:north/doc"));
        assertHolds("resource.id == 'a:b%2Fc'", Asked.plain().of("vault:north/doc:a:b%2Fc"));
    }

    @Test
    void readsNothingThatIsNotDeclaredByThatName() {
        Map<String, AttributeDeclaration> odd = Map.of("cost-center", declared("string"), "a.b", declared("int"));
        ConditionCompiler compiler = new ConditionCompiler(odd);
        Asked asked = Asked.plain().subjectHas(Map.of("cost-center", new Text("7"), "a.b", new Whole(1)));
        assertThat(compiled(compiler, "subject.attr['cost-center'] == '7' && subject.attr['a.b'] == 1")
                        .evaluate(asked))
                .isEqualTo(Verdict.TRUE);
        assertThat(compiled(compiler, "subject.attr.a.b == 1").evaluate(asked)).isInstanceOf(Broken.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "now > timestamp('2026-01-01T00:00:00Z')",
                "subject.attr.level > 1",
                "has(subject.attr.level)",
                "subject.attr['x'] == 1",
                "resource.attr.x == 1",
                "context.x == 1",
                "subject.groups.exists(g, g == context.x)",
                "env == 'prod' || now.getHours() > 8"
            })
    void saysThatItReadsNowOrAttributes(String when) {
        assertThat(compiled(compiler, when).readsNowOrAttributes()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "true",
                "env == 'prod'",
                "'g' in subject.groups",
                "subject.groups.all(g, g != resource.id)",
                "resource.path.startsWith('vault:') && subject.type == 'user' && action == 'read' && tenant == 'x'"
            })
    void saysThatItReadsPolicyAndNamesAlone(String when) {
        assertThat(compiled(compiler, when).readsNowOrAttributes()).isFalse();
    }

    @Test
    void sharesWhatIsWrittenTwice() {
        assertThat(compiled(compiler, "env == 'prod'")).isSameAs(compiled(compiler, "env == 'prod'"));
    }

    private List<Fault> faults(String when) {
        return compiler.compile(when, DOCS) instanceof Refused(List<Fault> faults) ? faults : List.of();
    }

    private static Condition compiled(ConditionCompiler compiler, String when) {
        Compilation compilation = compiler.compile(when, DOCS);
        assertThat(compilation).as(when).isInstanceOf(Compiled.class);
        return ((Compiled) compilation).condition();
    }

    private void assertHolds(String when, ConditionInput asked) {
        assertThat(compiled(compiler, when).evaluate(asked)).as(when).isEqualTo(Verdict.TRUE);
        assertThat(compiled(interpreting, when).evaluate(asked))
                .as("interpreted: " + when)
                .isEqualTo(Verdict.TRUE);
    }

    private void assertBroken(String when, ConditionInput asked, String named) {
        for (ConditionCompiler each : List.of(compiler, interpreting)) {
            assertThat(compiled(each, when).evaluate(asked))
                    .as(when)
                    .isInstanceOfSatisfying(
                            Broken.class, broken -> assertThat(broken.message()).contains(named));
        }
    }
}
