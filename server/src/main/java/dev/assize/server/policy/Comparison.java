package dev.assize.server.policy;

import dev.assize.server.model.Environment;
import dev.assize.server.policy.AssignedRoles.Rule;
import dev.assize.server.policy.RolesHeld.Holding;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Compares what one subject held of a rule's roles before a change with what it holds after it, at every moment from now
 * on: bindings begin and end at some, and between two of them nothing changes. One pass over those in their order.
 */
final class Comparison {

    private final Rule rule;
    private final @Nullable Rule ruleBefore;
    private final List<Environment> environmentsBefore;
    private final Instant now;
    private @Nullable Excess worst;

    /** @param ruleBefore null where there was none of its name */
    Comparison(Rule rule, @Nullable Rule ruleBefore, List<Environment> environmentsBefore, Instant now) {
        this.rule = rule;
        this.ruleBefore = ruleBefore;
        this.environmentsBefore = environmentsBefore;
        this.now = now;
    }

    /**
     * More than the rule allows.
     *
     * @param existing whether all of it was held before
     */
    record Excess(SortedSet<String> roles, boolean existing) {}

    /** What a change gave comes before what a rule found; then what is most. */
    Optional<Excess> worst() {
        return Optional.ofNullable(worst);
    }

    void compare(Environment environment, List<Holding> before, List<Holding> after) {
        SortedMap<Instant, Moment> moments = new TreeMap<>();
        moments.put(now, new Moment());
        if (environmentsBefore.contains(environment)) {
            place(
                    environment,
                    before,
                    moments,
                    (moment, change) -> moment.before.merge(change.role, change.by, Integer::sum));
        }
        place(
                environment,
                after,
                moments,
                (moment, change) -> moment.after.merge(change.role, change.by, Integer::sum));
        Map<String, Integer> heldBefore = new HashMap<>();
        Map<String, Integer> held = new HashMap<>();
        for (Moment moment : moments.values()) {
            add(moment.before, heldBefore);
            add(moment.after, held);
            SortedSet<String> apart = new TreeSet<>(held.keySet());
            apart.retainAll(rule.roles());
            if (apart.size() > rule.limit()) {
                judge(environment, heldBefore.keySet(), apart);
            }
        }
    }

    private void judge(Environment environment, Set<String> before, SortedSet<String> after) {
        boolean existing = before.containsAll(after);
        if (existing && wasKnown(environment, before, after)) {
            return;
        }
        Excess known = worst;
        boolean worse = known == null
                || (known.existing && !existing)
                || (known.existing == existing && known.roles.size() < after.size());
        if (worse) {
            worst = new Excess(after, existing);
        }
    }

    /** Whether the rule as it was had nothing left to say about it. */
    private boolean wasKnown(Environment environment, Set<String> before, Set<String> after) {
        Rule old = ruleBefore;
        return old != null
                && old.environments().contains(environment)
                && old.roles().containsAll(after)
                && before.stream().filter(old.roles()::contains).count() > old.limit();
    }

    private void place(
            Environment environment,
            List<Holding> holdings,
            SortedMap<Instant, Moment> moments,
            BiConsumer<Moment, Change> side) {
        for (Holding holding : holdings) {
            if (holding.environments().contains(environment)) {
                for (String role : holding.roles()) {
                    if (isCompared(role)) {
                        side.accept(at(moments, holding.from()), new Change(role, 1));
                        if (holding.until() != null) {
                            side.accept(at(moments, holding.until()), new Change(role, -1));
                        }
                    }
                }
            }
        }
    }

    private boolean isCompared(String role) {
        return rule.roles().contains(role)
                || (ruleBefore != null && ruleBefore.roles().contains(role));
    }

    private static Moment at(SortedMap<Instant, Moment> moments, Instant time) {
        return moments.computeIfAbsent(time, any -> new Moment());
    }

    private static void add(Map<String, Integer> changes, Map<String, Integer> held) {
        changes.forEach((role, by) -> held.merge(role, by, Integer::sum));
        held.values().removeIf(count -> count == 0);
    }

    /** How many bindings that give a role begin, less those that end. */
    private record Change(String role, int by) {}

    /** What begins and ends at one time, before and after the change, by role. */
    private static final class Moment {
        private final Map<String, Integer> before = new HashMap<>();
        private final Map<String, Integer> after = new HashMap<>();
    }
}
