package dev.assize.server.decision.impact;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.RandomChange;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Evaluator;
import dev.assize.server.decision.evaluate.Prospect;
import dev.assize.server.decision.evaluate.Verdict;
import dev.assize.server.decision.impact.Universe.Place;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ResourcePath;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Nothing that a change gives escapes: random changes of random worlds, groups, attributes, `implies`, deletions and
 * freezes among them. More run with
 *
 * <pre>-Dassize.fuzz.worlds=2000 -Dassize.fuzz.seed=7</pre>
 */
final class GainsTest {

    private static final long SEED = Long.getLong("assize.fuzz.seed", 20_261_122L);
    private static final int WORLDS = Integer.getInteger("assize.fuzz.worlds", 6);
    private static final int CHANGES = 5;

    /** As the whole comparison has it, at the present moment; a gain that comes later is one more. */
    @Test
    void whoeverIsAllowedMoreGains() {
        AtomicInteger gains = new AtomicInteger();
        AtomicInteger none = new AtomicInteger();
        RandomChange.each(SEED, WORLDS, CHANGES, 0, change -> {
            PolicyState before = new PolicyState(change.tenantBefore(), change.platformBefore());
            PolicyState after = new PolicyState(change.tenantAfter(), change.platformAfter());
            ImpactReference reference = new ImpactReference(before, after, change.changed(), change.now());
            for (Person person : reference.everybody()) {
                if (person.kind() != Person.Kind.NAMED) {
                    continue;
                }
                boolean gives = gives(reference, person);
                boolean found = Gains.first(
                                before, after, change.changed(), person.subject(), person.home(), change.now())
                        .isPresent();
                if (gives) {
                    assertThat(found)
                            .as("%s, %s, seed %d", person, change.changed(), change.seed())
                            .isTrue();
                }
                (found ? gains : none).incrementAndGet();
            }
        });
        assertThat(gains.get()).isGreaterThan(WORLDS);
        assertThat(none.get()).isGreaterThan(WORLDS);
    }

    /** What somebody gains nothing by allows none of its requests that was denied before, whatever they bring along. */
    @Test
    void whoGainsNothingIsAllowedNothingNew() {
        AtomicInteger asked = new AtomicInteger();
        RandomChange.each(SEED, WORLDS * 6, CHANGES, 60, change -> {
            PolicyState before = new PolicyState(change.tenantBefore(), change.platformBefore());
            PolicyState after = new PolicyState(change.tenantAfter(), change.platformAfter());
            DecisionGraph was = GraphCompiler.compile(before.tenant(), before.platform());
            DecisionGraph is = GraphCompiler.compile(after.tenant(), after.platform());
            for (CheckQuery query : change.queries()) {
                // Whoever narrows its roles down may be allowed by others of them before.
                if (query.activeRoles().isEmpty() && !allows(was, query, change) && allows(is, query, change)) {
                    asked.incrementAndGet();
                    assertThat(Gains.first(
                                    before,
                                    after,
                                    change.changed(),
                                    query.subject(),
                                    query.subjectTenant(),
                                    change.now()))
                            .as("%s, %s, seed %d", query, change.changed(), change.seed())
                            .isPresent();
                }
            }
        });
        assertThat(asked.get()).as("requests that are allowed newly").isGreaterThan(WORLDS);
    }

    private static boolean allows(DecisionGraph graph, CheckQuery query, RandomChange change) {
        try {
            Verdict verdict = Evaluator.evaluate(graph, query, change.now());
            return verdict.answer().reason().isAllow();
        } catch (MalformedException malformed) {
            return true;
        }
    }

    private static boolean gives(ImpactReference reference, Person person) {
        Universe universe = reference.universe();
        Set<ResourcePath> paths = universe.paths(reference.bindings(person));
        for (String type : universe.types()) {
            for (Place place : universe.places(type, paths)) {
                for (Action action : universe.actions(type)) {
                    for (Environment env : universe.environments()) {
                        for (@Nullable String run : universe.runs()) {
                            var pair = reference.pair(person, place, action, env, run);
                            if (pair.to().effect() != Prospect.Effect.DENY
                                    && pair.to().gives(pair.from())) {
                                return true;
                            }
                        }
                    }
                }
            }
        }
        return false;
    }
}
