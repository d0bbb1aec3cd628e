package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.Explanation.BindingState;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.policy.Document.Obligation;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides a request from a compiled policy: a function of its three arguments and of nothing else.
 *
 * <p>One walk over the subject's grants collects everything that the answer may need, without leaving early: a deny that
 * comes last still outweighs every allow, and which grant decides is a matter of its index, not of when it was met.
 * Grants come in two lists, what names the subject and what names everybody; a grant that is in both counts once
 * because least indexes, unions and earliest moments do not change when something is counted again.
 */
public final class Evaluator {

    /** No answer says more about the future than this. */
    public static final Duration HORIZON = Duration.ofHours(24);

    private static final long HORIZON_SECONDS = HORIZON.toSeconds();

    private Evaluator() {}

    /** What the policy of the query's tenant says of the query at the moment {@code now}. */
    public static Verdict evaluate(DecisionGraph graph, CheckQuery query, Instant now) {
        return new Verdict(answer(graph, query, now), List.of(), List.of());
    }

    private static Answer answer(DecisionGraph graph, CheckQuery query, Instant now) {
        if (!query.tenant().equals(graph.tenant())) {
            throw new IllegalArgumentException("A question to another tenant's graph");
        }
        int environment = graph.environment(query.env());
        if (environment < 0) {
            return unconcerned(graph, Reason.ENVIRONMENT_UNKNOWN, now);
        }
        ResourceNode type = graph.type(query.resource().type());
        if (type == null) {
            return unconcerned(graph, Reason.TYPE_UNKNOWN, now);
        }
        Cell cell = type.cell(query.action(), environment);
        if (cell == null) {
            return unconcerned(graph, Reason.ACTION_UNKNOWN, now);
        }
        SubjectIndex subjects = graph.subjects(query.subjectTenant());
        if (subjects == null) {
            return unconcerned(graph, Reason.NO_GRANT, now);
        }
        Walk walk = new Walk(cell, environment, type.index(), query.resource(), now);
        walk.over(subjects.naming(query.subject()));
        walk.over(subjects.wildcards(query.subject().type()));
        return walk.answer(graph);
    }

    /** A deny that no binding has a part in. */
    private static Answer unconcerned(DecisionGraph graph, Reason reason, Instant now) {
        return new Answer(
                reason, null, graph.revision(), graph.platformRevision(), now.plusSeconds(HORIZON_SECONDS), List.of());
    }

    /** What the walk has found so far. */
    private static final class Walk {

        private final Cell cell;
        private final int environment;
        private final int type;
        private final ResourcePath resource;
        private final Instant now;

        private @Nullable Grant denying;
        private @Nullable Grant allowing;
        private @Nullable Grant expired;
        private @Nullable Grant notYetValid;
        private @Nullable Grant outOfScope;
        private List<Obligation> obligations = List.of();

        /** When the next deny begins or ends, and the next of any kind. */
        private Instant denyBoundary;

        private Instant boundary;

        Walk(Cell cell, int environment, int type, ResourcePath resource, Instant now) {
            this.cell = cell;
            this.environment = environment;
            this.type = type;
            this.resource = resource;
            this.now = now;
            this.boundary = now.plusSeconds(HORIZON_SECONDS);
            this.denyBoundary = boundary;
        }

        void over(@Nullable GrantList grants) {
            if (grants == null || !grants.hasRoleOf(cell)) {
                return;
            }
            for (int i = 0; i < grants.size(); i++) {
                int role = grants.role(i);
                boolean allows = cell.allows().has(role);
                boolean denies = cell.denies().has(role);
                if (allows || denies) {
                    judge(grants.grant(i), allows, denies);
                }
            }
        }

        private void judge(Grant grant, boolean allows, boolean denies) {
            BindingState state = grant.state(environment, type, resource, now);
            if (state != BindingState.OUT_OF_SCOPE) {
                boundary = grant.boundary(now, boundary);
                denyBoundary = denies ? grant.boundary(now, denyBoundary) : denyBoundary;
            }
            switch (state) {
                case HOLDS -> hold(grant, allows, denies);
                case OUT_OF_SCOPE -> outOfScope = allows ? first(outOfScope, grant) : outOfScope;
                case EXPIRED -> expired = allows ? first(expired, grant) : expired;
                case NOT_YET_VALID -> notYetValid = allows ? first(notYetValid, grant) : notYetValid;
                case CONDITION_FALSE, CONDITION_ERROR, NOT_ACTIVE ->
                    throw new IllegalStateException("No grant is judged so: " + state);
            }
        }

        private void hold(Grant grant, boolean allows, boolean denies) {
            if (denies) {
                denying = first(denying, grant);
            }
            if (allows) {
                allowing = first(allowing, grant);
                obligations = Obligations.union(
                        obligations, cell.allows().of(grant.role()).obligations());
            }
        }

        private static Grant first(@Nullable Grant left, Grant right) {
            return left == null || right.index() < left.index() ? right : left;
        }

        Answer answer(DecisionGraph graph) {
            if (denying != null) {
                Rule rule = cell.denies().of(denying.role());
                return answer(graph, Reason.EXPLICIT_DENY, denying, rule, denyBoundary, rule.obligations());
            }
            if (allowing != null) {
                Rule rule = cell.allows().of(allowing.role());
                return answer(graph, Reason.ALLOWED, allowing, rule, boundary, obligations);
            }
            if (expired != null) {
                return failed(graph, Reason.GRANT_EXPIRED, expired);
            }
            if (notYetValid != null) {
                return failed(graph, Reason.GRANT_NOT_YET_VALID, notYetValid);
            }
            if (outOfScope != null) {
                return failed(graph, Reason.OUT_OF_SCOPE, outOfScope);
            }
            return new Answer(Reason.NO_GRANT, null, graph.revision(), graph.platformRevision(), boundary, List.of());
        }

        private Answer failed(DecisionGraph graph, Reason reason, Grant grant) {
            return answer(graph, reason, grant, cell.allows().of(grant.role()), boundary, List.of());
        }

        private static Answer answer(
                DecisionGraph graph,
                Reason reason,
                Grant grant,
                Rule rule,
                Instant validUntil,
                List<Obligation> obligations) {
            DecidedBy decidedBy = new DecidedBy.Grant(
                    grant.binding().name(), rule.first().role(), rule.first().position());
            return new Answer(reason, decidedBy, graph.revision(), graph.platformRevision(), validUntil, obligations);
        }
    }
}
