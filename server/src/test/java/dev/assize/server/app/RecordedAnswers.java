package dev.assize.server.app;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Every answer that any node gave, and every state that policy was in, held against each other afterwards. Times are of one
 * clock, in nanoseconds.
 */
final class RecordedAnswers {

    /**
     * What a state of policy is answered with, and when it was asked for and known to be committed.
     *
     * @param atOnce whether the node that was asked for it first answered; otherwise another was, some time later
     */
    record State(
            long revision, long platformRevision, boolean allowed, long askedAt, long committedAt, boolean atOnce) {}

    /**
     * What a node answered.
     *
     * @param token the revision that the caller asked for at least; 0 for none
     * @param answered whether there was an answer at all; otherwise the node was unavailable
     */
    record Answer(
            int node,
            long token,
            long sentAt,
            long receivedAt,
            boolean answered,
            long revision,
            long platformRevision,
            boolean allowed) {}

    /** While a node could not reach its database. */
    record Outage(int node, long from, long to) {}

    /** How exact the times of a busy machine are. */
    static final Duration BLUR = Duration.ofMillis(100);

    private final List<State> states = new ArrayList<>();
    private final List<Answer> answers = new ArrayList<>();
    private final List<Outage> outages = new ArrayList<>();

    synchronized void add(State state) {
        states.add(state);
    }

    synchronized void add(Answer answer) {
        answers.add(answer);
    }

    synchronized void add(Outage outage) {
        outages.add(outage);
    }

    synchronized long lastRevision() {
        return states.isEmpty() ? 0 : states.getLast().revision;
    }

    synchronized int count() {
        return answers.size();
    }

    synchronized long unavailable() {
        return answers.stream().filter(answer -> !answer.answered).count();
    }

    /** Whether the node was asked and said nothing, at a moment or later. */
    synchronized boolean wasSilent(int node, long since) {
        return answers.reversed().stream()
                .takeWhile(answer -> answer.receivedAt > since)
                .anyMatch(answer -> answer.node == node && !answer.answered && answer.sentAt > since);
    }

    /** Everything that must not be, in words; at most a few. */
    synchronized List<String> violations(Duration bound) {
        List<String> found = new ArrayList<>();
        Map<Integer, Answer> last = new HashMap<>();
        for (Answer answer : answers) {
            if (answer.answered) {
                check(answer, bound, found);
                Answer before = last.put(answer.node, answer);
                if (before != null
                        && before.receivedAt < answer.sentAt
                        && (answer.revision < before.revision || answer.platformRevision < before.platformRevision)) {
                    found.add("went back: " + before + " and then " + answer);
                }
            }
            if (found.size() > 10) {
                break;
            }
        }
        outages.forEach(outage -> check(outage, bound, found));
        if (!outages.isEmpty() && outages.stream().noneMatch(outage -> servedOn(outage, bound))) {
            found.add("cut off, and stopped before the bound, each time: " + outages);
        }
        return found;
    }

    private void check(Answer answer, Duration bound, List<String> found) {
        int at = indexOf(answer);
        if (at < 0) {
            found.add("torn, no such state: " + answer);
            return;
        }
        if (states.get(at).allowed != answer.allowed) {
            found.add("torn, not what that state says: " + answer);
        }
        if (answer.revision < answer.token) {
            found.add("from before its token: " + answer);
        }
        boolean followed = at + 1 < states.size();
        if (followed
                && answer.sentAt - states.get(at + 1).committedAt
                        > bound.plus(BLUR).toNanos()) {
            found.add("older than the bound: " + answer + ", followed by " + states.get(at + 1));
        }
    }

    private int indexOf(Answer answer) {
        // From behind: most answers are about what is recent.
        for (int i = states.size() - 1; i >= 0; i--) {
            State state = states.get(i);
            if (state.revision == answer.revision && state.platformRevision == answer.platformRevision) {
                return i;
            }
        }
        return -1;
    }

    /** Beyond its bound a node that is cut off answers nothing; soon after it is cut off no more, it does. */
    private void check(Outage outage, Duration bound, List<String> found) {
        long silentFrom = outage.from + bound.plus(BLUR).toNanos();
        List<Answer> ofNode =
                answers.stream().filter(answer -> answer.node == outage.node).toList();
        List<Answer> within = ofNode.stream()
                .filter(answer -> answer.sentAt > silentFrom && answer.receivedAt < outage.to)
                .toList();
        within.stream()
                .filter(Answer::answered)
                .findFirst()
                .ifPresent(answer -> found.add("cut off, and answers: " + answer));
        if (within.isEmpty()) {
            found.add("nobody asked while cut off: " + outage);
        }
        if (ofNode.stream().noneMatch(answer -> answer.answered && answer.sentAt > outage.to)) {
            found.add("never came back: " + outage);
        }
    }

    /**
     * Whether a node that is cut off goes on for a while. Its last confirmation is older than the outage, on a busy machine by
     * much: only a part of the bound is asked for, and not each time.
     */
    private boolean servedOn(Outage outage, Duration bound) {
        return answers.stream()
                .anyMatch(answer -> answer.node == outage.node
                        && answer.answered
                        && answer.sentAt > outage.from + bound.dividedBy(4).toNanos()
                        && answer.receivedAt < outage.from + bound.plus(BLUR).toNanos());
    }

    /** How long a node took to answer again after each outage. */
    synchronized List<Duration> recoveries() {
        return outages.stream()
                .map(outage -> answers.stream()
                        .filter(answer -> answer.node == outage.node && answer.answered && answer.sentAt > outage.to)
                        .findFirst()
                        .map(answer -> Duration.ofNanos(answer.receivedAt - outage.to))
                        .orElse(Duration.ofDays(1)))
                .toList();
    }

    /** From the request for a change until a node that was not cut off answered from it, sorted. */
    synchronized long[] effectNanos(int node) {
        return sorted(effects(node, state -> true));
    }

    /** From the request for a freeze until a node that was not cut off denied by it, sorted. */
    synchronized long[] stopNanos(int node) {
        return sorted(effects(node, state -> !state.allowed));
    }

    /** From the request for a freeze until the last of the nodes denied by it, sorted; of freezes that met no outage. */
    synchronized long[] stopEverywhereNanos(int nodes) {
        Map<State, Long> last = new HashMap<>(effects(0, state -> !state.allowed));
        for (int node = 1; node < nodes; node++) {
            Map<State, Long> its = effects(node, state -> !state.allowed);
            last.keySet().retainAll(its.keySet());
            last.replaceAll((state, nanos) -> Math.max(nanos, its.getOrDefault(state, 0L)));
        }
        return sorted(last);
    }

    private static long[] sorted(Map<State, Long> nanos) {
        return nanos.values().stream().mapToLong(Long::longValue).sorted().toArray();
    }

    private Map<State, Long> effects(int node, Predicate<State> which) {
        List<Answer> ofNode = answers.stream()
                .filter(answer -> answer.node == node && answer.answered && answer.token == 0)
                .toList();
        List<Outage> away = outages.stream()
                .filter(outage -> outage.node == node)
                .map(outage -> untilItAnswers(outage, ofNode))
                .toList();
        Map<State, Long> nanos = new HashMap<>();
        int from = 0;
        for (State state : states) {
            while (from < ofNode.size() && ofNode.get(from).revision < state.revision) {
                from++;
            }
            if (from == ofNode.size()) {
                break;
            }
            Answer first = ofNode.get(from);
            if (state.atOnce && which.test(state) && away.stream().noneMatch(outage -> meets(outage, state, first))) {
                nanos.put(state, first.receivedAt - state.askedAt);
            }
        }
        return nanos;
    }

    /** A node that answers again is connected again, and no sooner. */
    private static Outage untilItAnswers(Outage outage, List<Answer> ofNode) {
        return new Outage(
                outage.node,
                outage.from,
                ofNode.stream()
                        .filter(answer -> answer.sentAt > outage.to)
                        .mapToLong(Answer::receivedAt)
                        .findFirst()
                        .orElse(Long.MAX_VALUE));
    }

    private static boolean meets(Outage outage, State state, Answer first) {
        return state.askedAt < outage.to && first.receivedAt > outage.from;
    }
}
