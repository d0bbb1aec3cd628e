package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.approval.ApproverStanding;
import dev.assize.server.decision.approval.ProposedAction;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Who holds which role for a resource and an environment, and who is frozen there: what approvals need to know of
 * their approvers.
 *
 * <p>A role is held by a binding to it, or to a role that inherits it, which names the subject, holds now and covers
 * the resource and environment. A role that a freeze cuts is held by nobody and through nobody. So it is read as a Check
 * of the approver for the same action would read it, but for what a request brings along: of attributes only what is
 * stored counts, and there is neither context nor run.
 */
public final class RoleHolding {

    private RoleHolding() {}

    /** What an action names that the graph does not know, in the order in which a decision finds it. */
    public static Optional<Reason> unknown(DecisionGraph graph, ProposedAction proposed) {
        int environment = graph.schema().environment(proposed.env());
        if (environment < 0) {
            return Optional.of(Reason.ENVIRONMENT_UNKNOWN);
        }
        ResourceNode type = graph.schema().type(proposed.resource().type());
        if (type == null) {
            return Optional.of(Reason.TYPE_UNKNOWN);
        }
        return type.cell(proposed.action(), environment) == null
                ? Optional.of(Reason.ACTION_UNKNOWN)
                : Optional.empty();
    }

    /** The approval rules that cover an action, by name. */
    public static List<ApprovalRuleDocument> covering(DecisionGraph graph, ProposedAction proposed) {
        return graph.duties().approvals(proposed.action(), proposed.resource(), proposed.env());
    }

    /** What is to be known of a subject that wants to approve an action. */
    public static ApproverStanding standing(
            DecisionGraph graph,
            Subject subject,
            TenantId home,
            ProposedAction proposed,
            Set<String> roles,
            Instant now) {
        CheckQuery query = new CheckQuery(
                subject, proposed.resource(), proposed.action(), proposed.tenant(), proposed.env(), home);
        Facts facts = new Facts(graph, query, now);
        List<FreezeDocument> freezes = graph.freezes().matching(query, facts::groups).stream()
                .filter(freeze -> Moments.isWithin(now, freeze.from(), freeze.until()))
                .toList();
        Set<String> cut = freezes.stream()
                .flatMap(freeze -> Stream.ofNullable(freeze.target().role()))
                .collect(Collectors.toSet());
        Set<String> held = ActiveRoles.given(graph, query, now, facts).stream()
                .flatMap(role -> graph.schema().roles().reachedAvoiding(role, cut).stream())
                .filter(roles::contains)
                .collect(Collectors.toSet());
        return new ApproverStanding(frozenBy(freezes), held);
    }

    private static @Nullable String frozenBy(List<FreezeDocument> freezes) {
        return freezes.stream()
                .filter(freeze -> freeze.target().role() == null)
                .map(FreezeDocument::name)
                .findFirst()
                .orElse(null);
    }
}
