package dev.assize.server.decision;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A random policy, and another that it becomes.
 *
 * @param changed the documents that differ
 * @param queries some requests to it
 */
public record RandomChange(
        long seed,
        PolicySet tenantBefore,
        PolicySet platformBefore,
        PolicySet tenantAfter,
        PolicySet platformAfter,
        Set<DocumentKey> changed,
        Instant now,
        List<CheckQuery> queries,
        WorldRecords records) {

    /** What the reference says to a request before and after. */
    public record Outcome(boolean deniedBefore, boolean allowedAfter) {}

    /** Of a request that is well-formed under both policies. */
    public Optional<Outcome> outcome(CheckQuery query, Instant moment) {
        ReferenceEvaluator before = new ReferenceEvaluator(tenantBefore, platformBefore, records);
        ReferenceEvaluator after = new ReferenceEvaluator(tenantAfter, platformAfter, records);
        return before.isWellFormed(query) && after.isWellFormed(query)
                ? Optional.of(new Outcome(
                        !before.evaluate(query, moment).reason().isAllow(),
                        after.evaluate(query, moment).reason().isAllow()))
                : Optional.empty();
    }

    /** Some changes of each of so many worlds. */
    public static void each(long firstSeed, int worlds, int changesOfEach, int queries, Consumer<RandomChange> each) {
        for (long seed = firstSeed; seed < firstSeed + worlds; seed++) {
            World world = new World(seed);
            WorldChanges changes = new WorldChanges(world);
            for (int i = 0; i < changesOfEach; i++) {
                PolicySet tenant = changes.tenant();
                PolicySet platform = changes.platform();
                changes.change();
                Set<DocumentKey> changed = new HashSet<>();
                differing(tenant, changes.tenant(), changed);
                differing(platform, changes.platform(), changed);
                List<CheckQuery> asked = new ArrayList<>();
                for (int j = 0; j < queries; j++) {
                    asked.add(world.query());
                }
                each.accept(new RandomChange(
                        seed,
                        tenant,
                        platform,
                        changes.tenant(),
                        changes.platform(),
                        changed,
                        world.moment(),
                        asked,
                        world.records()));
            }
        }
    }

    static void differing(PolicySet before, PolicySet after, Set<DocumentKey> changed) {
        for (Document document : before.documents()) {
            if (!after.find(document.key()).filter(document::equals).isPresent()) {
                changed.add(document.key());
            }
        }
        for (Document document : after.documents()) {
            if (before.find(document.key()).isEmpty()) {
                changed.add(document.key());
            }
        }
    }
}
