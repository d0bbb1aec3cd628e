package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.policy.condition.Condition;
import java.time.Instant;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** The roles that a subject acts in: those it names, else those its grants give, with all they inherit. */
final class ActiveRoles {

    private ActiveRoles() {}

    /**
     * The set that separations of duty are held against.
     *
     * @param changesAt told of every moment at which it may change; now, where that may be at any time
     */
    static Set<String> of(
            DecisionGraph graph,
            CheckQuery query,
            SubjectGrants grants,
            Instant now,
            Supplier<Facts> facts,
            Consumer<Instant> changesAt) {
        Collection<String> roles =
                query.activeRoles().isEmpty() ? given(grants, query, now, facts, changesAt) : query.activeRoles();
        Set<String> closed = new HashSet<>();
        roles.forEach(role -> closed.addAll(graph.schema().roles().reachedAvoiding(role, Set.of())));
        return closed;
    }

    /** The roles that the subject's grants give it for a request, without what they inherit. */
    static Set<String> given(DecisionGraph graph, CheckQuery query, Instant now, Facts facts) {
        return given(SubjectGrants.of(graph, query), query, now, () -> facts, moment -> {});
    }

    private static Set<String> given(
            SubjectGrants grants, CheckQuery query, Instant now, Supplier<Facts> facts, Consumer<Instant> changesAt) {
        return grants.all()
                .filter(grant -> holds(grant, query, now, facts, changesAt))
                .map(grant -> grant.binding().role())
                .collect(Collectors.toSet());
    }

    private static boolean holds(
            Grant grant, CheckQuery query, Instant now, Supplier<Facts> facts, Consumer<Instant> changesAt) {
        Effort.grants(1);
        GrantTerms terms = grant.terms();
        if (terms == null) {
            return true;
        }
        if (terms.scope() != null && !terms.scope().covers(query)) {
            return false;
        }
        changesAt.accept(grant.boundary(now, Instant.MAX));
        if (grant.hasEnded(now) || grant.isYetToBegin(now)) {
            return false;
        }
        Condition when = terms.when();
        if (when == null) {
            return true;
        }
        if (when.readsNowOrAttributes()) {
            changesAt.accept(now);
        }
        return Effort.ask(when, facts.get()) instanceof Condition.Verdict.Holds;
    }
}
