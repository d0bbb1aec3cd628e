package dev.assize.server.decision;

import com.google.inject.Inject;
import dev.assize.server.decision.approval.ApproverStanding;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.RoleHolding;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads it from the graphs that are held. */
final class GraphApprovalPolicy implements ApprovalPolicy {

    private final GraphCache graphs;
    private final DecisionConfig config;
    private final InstantSource clock;

    @Inject
    GraphApprovalPolicy(GraphCache graphs, DecisionConfig config, InstantSource clock) {
        this.graphs = graphs;
        this.config = config;
        this.clock = clock;
    }

    @Override
    public Optional<Reason> unknown(ProposedAction proposed) {
        DecisionGraph graph = graph(proposed.tenant());
        return graph == null ? Optional.of(Reason.TENANT_UNKNOWN) : RoleHolding.unknown(graph, proposed);
    }

    @Override
    public List<ApprovalRuleDocument> covering(ProposedAction proposed) {
        DecisionGraph graph = graph(proposed.tenant());
        return graph == null ? List.of() : RoleHolding.covering(graph, proposed);
    }

    @Override
    public ApproverStanding standing(Subject approver, TenantId home, ProposedAction proposed, Set<String> roles) {
        DecisionGraph graph = graph(proposed.tenant());
        Instant now = clock.instant();
        return graph == null
                ? new ApproverStanding(null, Set.of())
                : RoleHolding.standing(graph, approver, home, proposed, roles, now);
    }

    private @Nullable DecisionGraph graph(TenantId tenant) {
        HeldGraph held = graphs.get(tenant, config.loadTimeout());
        return held == null ? null : held.fresh(config.freshnessBound());
    }
}
