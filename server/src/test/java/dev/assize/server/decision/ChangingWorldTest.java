package dev.assize.server.decision;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.decision.search.Search;
import dev.assize.server.decision.search.Search.Surroundings;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.PolicySet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Random worlds whose policy changes again and again: a decision point that follows answers as one that begins anew, and
 * what it is asked about the past it answers as it answered then.
 */
class ChangingWorldTest {

    private static final long SEED = Long.getLong("assize.fuzz.seed", 20_260_401L);
    private static final int WORLDS = Integer.getInteger("assize.fuzz.worlds", 12);
    private static final int CHANGES = 6;
    private static final int CHECKS_A_CHANGE = 8;

    @Test
    void whatIsBroughtUpToDateAnswersAsWhatIsNew() {
        long updates = 0;
        for (long seed = SEED; seed < SEED + WORLDS; seed++) {
            World world = new World(seed);
            WorldChanges changes = new WorldChanges(world);
            FakePolicySource source = new FakePolicySource().put(world.tenant()).put(world.platform());
            WorldPdp following = new WorldPdp(source, world.records());
            told(() -> following.evaluate(world.query(), world.moment()));
            for (int i = 0; i < CHANGES; i++) {
                var scope = changes.change();
                source.put(changes.tenant()).put(changes.platform());
                following.refresh(scope);
                WorldPdp anew = new WorldPdp(
                        new FakePolicySource().put(changes.tenant()).put(changes.platform()), world.records());
                for (int j = 0; j < CHECKS_A_CHANGE; j++) {
                    CheckQuery query = world.query();
                    Instant now = world.moment(query);
                    assertThat(told(() -> following.explain(query, now)))
                            .as("%s at %s, seed %d", query, now, seed)
                            .isEqualTo(told(() -> anew.explain(query, now)));
                    Search search = search(query);
                    assertThat(told(() -> following.search(search, now)))
                            .as("%s at %s, seed %d", search, now, seed)
                            .isEqualTo(told(() -> anew.search(search, now)));
                }
            }
            updates += following.updates().getFirst();
            assertThat(following.updates().getLast())
                    .as("updates that failed, seed %d", seed)
                    .isZero();
        }
        assertThat(updates).isGreaterThan(WORLDS * CHANGES / 2);
    }

    /** What was asked, and what was told. */
    private record Told(
            CheckQuery query,
            Instant now,
            PolicySet policy,
            Object answer,
            @Nullable Object found) {}

    @Test
    void aPastMomentIsAnsweredAsItWasThen() {
        for (long seed = SEED; seed < SEED + WORLDS; seed++) {
            World world = new World(seed);
            WorldChanges changes = new WorldChanges(world);
            RecordedPolicySource source = new RecordedPolicySource(world.platform());
            WorldPdp pdp = new WorldPdp(source, world.records());
            List<Instant> commits = Stream.generate(world::moment)
                    .limit(CHANGES)
                    .distinct()
                    .sorted()
                    .toList();
            Instant end = commits.getLast().plus(Duration.ofDays(1));
            List<Told> past = new ArrayList<>();
            for (int i = 0; i < commits.size(); i++) {
                PolicySet policy = i == 0 ? world.tenant() : changes.changeTenant();
                source.commit(policy, commits.get(i));
                pdp.refresh(policy.scope());
                Instant next = i + 1 < commits.size() ? commits.get(i + 1) : end;
                for (int j = 0; j < CHECKS_A_CHANGE; j++) {
                    CheckQuery query = world.query();
                    Instant now = j == 0 ? commits.get(i) : world.between(commits.get(i), next);
                    Object answer = historical(() -> pdp.evaluate(query, now));
                    Object found = j == 0 ? told(() -> pdp.search(search(query), now)) : null;
                    past.add(new Told(query, now, policy, answer, found));
                }
            }
            for (Told told : past) {
                Revision revision = told.policy.revision();
                for (PointInTime.Past point :
                        List.of(new PointInTime.Past(null, told.now), new PointInTime.Past(revision, told.now))) {
                    assertThat(told(() -> pdp.evaluate(told.query, point, end)))
                            .as("%s at %s, seed %d", told.query, point, seed)
                            .isEqualTo(told.answer);
                }
                if (told.found != null) {
                    PointInTime.Past moment = new PointInTime.Past(null, told.now);
                    assertThat(told(() -> pdp.search(search(told.query), moment, end)))
                            .as("search of %s at %s, seed %d", told.query, moment, seed)
                            .isEqualTo(told.found);
                }
                Instant committed = commits.get(
                        (int) (revision.value() - world.tenant().revision().value()));
                WorldPdp then = new WorldPdp(
                        new FakePolicySource().put(told.policy).put(world.platform()),
                        world.records().at(committed));
                assertThat(told(() -> pdp.evaluate(told.query, new PointInTime.Past(revision, null), end)))
                        .as("%s at %s, seed %d", told.query, revision, seed)
                        .isEqualTo(historical(() -> then.evaluate(told.query, end)));
            }
        }
    }

    private static Object historical(Supplier<Answer> answer) {
        return told(() -> answer.get().historical());
    }

    /** An answer, or why there is none. */
    private static Object told(Supplier<?> answer) {
        try {
            return answer.get();
        } catch (MalformedException malformed) {
            return String.valueOf(malformed.field());
        }
    }

    private static Search search(CheckQuery query) {
        Surroundings surroundings = new Surroundings(
                query.tenant(),
                query.env(),
                query.subjectTenant(),
                query.subjectAttributes(),
                query.resourceAttributes(),
                query.context(),
                query.activeRoles(),
                query.onBehalfOf(),
                query.runId());
        return query.action().value().startsWith("r")
                ? new Search.Subjects(null, query.resource(), query.action(), surroundings)
                : new Search.Resources(
                        query.subject(), query.action(), query.resource().type(), surroundings);
    }
}
