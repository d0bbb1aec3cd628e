package dev.assize.server.decision.impact;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.DirectedChange;
import dev.assize.server.decision.RandomChange;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Nothing that a change gives escapes: whoever gains nothing by it is allowed none of its requests that was denied before,
 * whatever they bring along. What is allowed and denied is asked of the reference, which knows nothing of gains. More
 * changes are made with
 *
 * <pre>-Dassize.fuzz.worlds=2000 -Dassize.fuzz.seed=7</pre>
 */
final class GainsTest {

    private static final long SEED = Long.getLong("assize.fuzz.seed", 20_261_122L);
    private static final int WORLDS = Integer.getInteger("assize.fuzz.worlds", 3);
    private static final int CHANGES = 5;
    private static final int DIRECTED = 100 * WORLDS;

    private final Map<Kind, Integer> newlyAllowedBy = new EnumMap<>(Kind.class);
    private final AtomicInteger withARequest = new AtomicInteger();
    private final AtomicInteger noGain = new AtomicInteger();

    @Test
    void whoGainsNothingByAnyChangeIsAllowedNothingNew() {
        RandomChange.each(SEED, WORLDS, CHANGES, 60, this::play);

        assertThat(newlyAllowedBy.values().stream().mapToInt(Integer::intValue).sum())
                .as("changes by which something is allowed newly, by kind: " + newlyAllowedBy)
                .isGreaterThan(WORLDS / 3);
        assertThat(noGain.get()).isGreaterThan(WORLDS);
    }

    /** Where evaluation without a request may stop before it sees what changes. */
    @Test
    void whoGainsNothingWhereARequestDecidesIsAllowedNothingNew() {
        DirectedChange.each(SEED, DIRECTED, 24, this::play);

        assertThat(newlyAllowedBy.keySet())
                .as("kinds of documents that allowed something newly")
                .containsAll(EnumSet.allOf(Kind.class));
        for (Kind kind : List.of(Kind.SUBJECT, Kind.GROUP, Kind.RESOURCE)) {
            assertThat(newlyAllowedBy.get(kind))
                    .as("changes of one `%s` by which something is allowed newly", kind)
                    .isGreaterThan(DIRECTED / 200);
        }
        assertThat(withARequest.get())
                .as("changes that only a request with a context tells from no change")
                .isGreaterThan(DIRECTED / 50);
        assertThat(noGain.get()).as("changes that give nothing").isGreaterThan(DIRECTED / 5);
    }

    private void play(RandomChange change) {
        PolicyState before = new PolicyState(change.tenantBefore(), change.platformBefore());
        PolicyState after = new PolicyState(change.tenantAfter(), change.platformAfter());
        Set<Kind> kinds = change.changed().stream().map(DocumentKey::kind).collect(Collectors.toSet());
        boolean allowsNewly = false;
        boolean onlyWithAContext = true;
        boolean gains = false;
        for (CheckQuery asked : change.queries()) {
            CheckQuery query = byItself(asked);
            boolean newly = List.of(change.now(), change.now().plus(Duration.ofDays(3))).stream()
                    .anyMatch(moment -> isNewlyAllowed(change, query, moment));
            if (newly) {
                boolean found = Gains.first(
                                before, after, change.changed(), query.subject(), query.subjectTenant(), change.now())
                        .isPresent();
                assertThat(found)
                        .as("%s is allowed newly, changed is %s, seed %d", query, change.changed(), change.seed())
                        .isTrue();
                gains = true;
                onlyWithAContext &= !query.context().isEmpty();
            }
            allowsNewly |= newly;
        }
        if (allowsNewly) {
            kinds.forEach(kind -> newlyAllowedBy.merge(kind, 1, Integer::sum));
            withARequest.addAndGet(onlyWithAContext ? 1 : 0);
        }
        if (!gains && !change.queries().isEmpty()) {
            CheckQuery any = change.queries().getFirst();
            boolean none = Gains.first(
                            before, after, change.changed(), any.subject(), any.subjectTenant(), change.now())
                    .isEmpty();
            noGain.addAndGet(none ? 1 : 0);
        }
    }

    private static boolean isNewlyAllowed(RandomChange change, CheckQuery query, Instant moment) {
        return change.outcome(query, moment)
                .filter(outcome -> outcome.deniedBefore() && outcome.allowedAfter())
                .isPresent();
    }

    /** Whoever narrows its roles down may be allowed by others of them before; and for others it gains nothing itself. */
    private static CheckQuery byItself(CheckQuery query) {
        return new CheckQuery(
                query.subject(),
                query.resource(),
                query.action(),
                query.tenant(),
                query.env(),
                query.subjectTenant(),
                query.subjectAttributes(),
                query.resourceAttributes(),
                query.context(),
                List.of(),
                null,
                query.runId());
    }
}
