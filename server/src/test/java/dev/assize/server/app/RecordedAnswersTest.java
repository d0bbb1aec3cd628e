package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.app.RecordedAnswers.Answer;
import dev.assize.server.app.RecordedAnswers.Outage;
import dev.assize.server.app.RecordedAnswers.State;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What holds answers of many nodes to what must be finds what must not, and nothing else. Times are in seconds. */
class RecordedAnswersTest {

    private static final Duration BOUND = Duration.ofSeconds(2);

    private final RecordedAnswers record = new RecordedAnswers();

    @BeforeEach
    void statesOfAPolicy() {
        state(1, 1, true, 10);
        state(2, 1, false, 20);
        state(3, 2, true, 30);
    }

    @Test
    void findsAnAnswerThatIsOlderThanTheBound() {
        answer(0, 22.2, 1, 1, true);

        assertThat(record.violations(BOUND))
                .singleElement()
                .asString()
                .startsWith("older than the bound: ")
                .contains("followed by State[revision=2");
    }

    @Test
    void findsAnAnswerFromBeforeItsToken() {
        tokened(0, 3, 31, 2, 1, false);

        assertThat(record.violations(BOUND)).singleElement().asString().startsWith("from before its token: ");
    }

    @Test
    void findsAnAnswerOfTwoHalvesThatWereNeverOne() {
        answer(0, 30.5, 3, 1, true);
        answer(1, 30.5, 2, 2, false);

        assertThat(record.violations(BOUND)).hasSize(2).allMatch(found -> found.startsWith("torn, no such state: "));
    }

    @Test
    void findsAnAnswerThatItsStateDoesNotGive() {
        answer(0, 21, 2, 1, true);

        assertThat(record.violations(BOUND)).singleElement().asString().startsWith("torn, not what that state says: ");
    }

    @Test
    void findsANodeThatGoesBack() {
        answer(0, 20.5, 2, 1, false);
        answer(0, 21, 1, 1, true);

        assertThat(record.violations(BOUND)).singleElement().asString().startsWith("went back: ");
    }

    @Test
    void findsANodeThatAnswersThoughItIsCutOff() {
        record.add(new Outage(0, at(31), at(40)));
        answer(0, 32, 3, 2, true);
        answer(0, 35, 3, 2, true);
        answer(0, 41, 3, 2, true);

        assertThat(record.violations(BOUND)).singleElement().asString().startsWith("cut off, and answers: ");
    }

    @Test
    void findsThatNoNodeThatIsCutOffAnswersUpToItsBound() {
        record.add(new Outage(0, at(31), at(40)));
        answer(0, 31.2, 3, 2, true);
        silent(0, 32);
        silent(0, 35);
        answer(0, 41, 3, 2, true);

        assertThat(record.violations(BOUND))
                .singleElement()
                .asString()
                .startsWith("cut off, and stopped before the bound, each time: ");
        record.add(new Outage(1, at(31), at(40)));
        answer(1, 32, 3, 2, true);
        silent(1, 35);
        answer(1, 41, 3, 2, true);
        assertThat(record.violations(BOUND)).as("another one goes on").isEmpty();
    }

    @Test
    void findsThatNobodyAskedANodeThatWasCutOff() {
        record.add(new Outage(0, at(31), at(40)));
        answer(0, 32, 3, 2, true);
        answer(0, 41, 3, 2, true);

        assertThat(record.violations(BOUND)).singleElement().asString().startsWith("nobody asked while cut off: ");
    }

    @Test
    void findsANodeThatNeverComesBack() {
        record.add(new Outage(0, at(31), at(40)));
        answer(0, 32, 3, 2, true);
        silent(0, 35);
        silent(0, 45);

        assertThat(record.violations(BOUND)).singleElement().asString().startsWith("never came back: ");
    }

    @Test
    void findsNothingInWhatMayBe() {
        record.add(new Outage(1, at(31), at(40)));
        answer(0, 15, 1, 1, true);
        answer(0, 21.9, 1, 1, true);
        answer(0, 22.5, 2, 1, false);
        tokened(0, 3, 30.1, 3, 2, true);
        answer(1, 32.9, 3, 2, true);
        silent(1, 35);
        answer(1, 40.5, 3, 2, true);

        assertThat(record.violations(BOUND)).isEmpty();
        assertThat(record.unavailable()).isOne();
        assertThat(record.recoveries()).containsExactly(Duration.ofMillis(501));
    }

    /** What a node that was cut off did not hear says nothing about those that hear; from its first answer on it does. */
    @Test
    void measuresANodeWhileItIsConnectedAndFromItsFirstAnswerOn() {
        record.add(new Outage(1, at(9), at(11)));
        answer(0, 10.4, 1, 1, true);
        answer(0, 20.1, 2, 1, false);
        answer(0, 30.9, 3, 2, true);
        answer(1, 11.5, 1, 1, true);
        answer(1, 20.2, 2, 1, false);
        answer(1, 30.2, 3, 2, true);
        silent(2, 20.2);

        assertThat(record.effectNanos(0)).containsExactly(millis(201), millis(501), millis(1_001));
        assertThat(record.effectNanos(1)).containsExactly(millis(301), millis(301));
        assertThat(record.stopNanos(0)).containsExactly(millis(201));
        assertThat(record.stopNanos(1)).containsExactly(millis(301));
        assertThat(record.stopNanos(2)).isEmpty();
        assertThat(record.stopEverywhereNanos(2)).as("the later of the two").containsExactly(millis(301));
        assertThat(record.stopEverywhereNanos(3))
                .as("of which one never answered")
                .isEmpty();
    }

    /** Whom a request waits for that is cut off itself says nothing about those that are not. */
    @Test
    void measuresNoChangeThatTheNodeAskedForItDidNotAnswer() {
        record.add(new State(4, 2, false, at(40), at(42), false));
        answer(0, 20.1, 2, 1, false);
        answer(0, 42.1, 4, 2, false);

        assertThat(record.stopNanos(0)).containsExactly(millis(201));
        assertThat(record.violations(BOUND)).isEmpty();
    }

    private static long millis(long millis) {
        return TimeUnit.MILLISECONDS.toNanos(millis);
    }

    private void state(long revision, long platform, boolean allowed, double committedAt) {
        record.add(new State(revision, platform, allowed, at(committedAt - 0.1), at(committedAt), true));
    }

    private void answer(int node, double sentAt, long revision, long platform, boolean allowed) {
        tokened(node, 0, sentAt, revision, platform, allowed);
    }

    private void tokened(int node, long token, double sentAt, long revision, long platform, boolean allowed) {
        record.add(new Answer(node, token, at(sentAt), at(sentAt) + 1_000_000, true, revision, platform, allowed));
    }

    private void silent(int node, double sentAt) {
        record.add(new Answer(node, 0, at(sentAt), at(sentAt) + 1_000_000, false, 0, 0, false));
    }

    private static long at(double seconds) {
        return Math.round(seconds * TimeUnit.SECONDS.toNanos(1));
    }
}
