package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.Answer.DecidedBy;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides a request from a compiled policy: a function of its three arguments and of nothing else.
 *
 * <p>One walk over the subject's grants collects everything that the answer may need, without leaving early: a deny that
 * comes last still outweighs every allow, and which grant decides is a matter of its name, not of when it was met.
 * Grants come in three lists, what names the subject, what names its type and what names everybody; a grant that is in
 * several counts once because firsts, unions and earliest moments do not change when something is counted again.
 *
 * <p>Nearly all grants are plain: they allow, without scope, time or condition, and no freeze or named role has a say.
 * Those are judged in one loop that keeps what it finds in local variables; the others by a {@link GrantJudge}, so that
 * nobody pays for its notes who has nothing to note.
 */
public final class Evaluator {

    /** No answer says more about the future than this. */
    public static final Duration HORIZON = Duration.ofHours(24);

    private static final long HORIZON_SECONDS = HORIZON.toSeconds();

    private Evaluator() {}

    /**
     * What the policy of the query's tenant says of the query at the moment {@code now}, apart from the one on whose
     * behalf it is made.
     *
     * @throws dev.assize.server.model.MalformedException for an attribute that is not of its declared type
     */
    public static Verdict evaluate(DecisionGraph graph, CheckQuery query, Instant now) {
        return evaluate(graph, query, now, null);
    }

    /**
     * The same, where somebody else says what there is to know.
     *
     * @param facts null for what the graph and the query say
     */
    static Verdict evaluate(DecisionGraph graph, CheckQuery query, Instant now, @Nullable Facts facts) {
        if (!query.tenant().equals(graph.tenant())) {
            throw new IllegalArgumentException("A question to another tenant's graph");
        }
        Schema schema = graph.schema();
        schema.attributes().require(query);
        int environment = schema.environment(query.env());
        if (environment < 0) {
            return denied(graph, Reason.ENVIRONMENT_UNKNOWN, null, horizon(now), List.of());
        }
        ResourceNode type = schema.type(query.resource().type());
        if (type == null) {
            return denied(graph, Reason.TYPE_UNKNOWN, null, horizon(now), List.of());
        }
        Cell cell = type.cell(query.action(), environment);
        if (cell == null) {
            return denied(graph, Reason.ACTION_UNKNOWN, null, horizon(now), List.of());
        }
        return verdict(graph, query, now, cell, facts);
    }

    /** Judges what is plain itself; for the rest there is a judge, made where the first of it is met. */
    private static Verdict verdict(
            DecisionGraph graph, CheckQuery query, Instant now, Cell cell, @Nullable Facts facts) {
        SubjectGrants grants = SubjectGrants.of(graph, query);
        GrantJudge judge = null;
        List<Duties.ActiveRule> rules = graph.duties().active(query.env());
        if (!graph.freezes().areNone() || !rules.isEmpty()) {
            judge = new GrantJudge(graph, query, now, cell, grants, facts);
            Verdict stopped = judge.stopped(rules);
            if (stopped != null) {
                return stopped;
            }
        }
        boolean plain = query.activeRoles().isEmpty() && (judge == null || !judge.cutsRoles());
        Grant allowing = null;
        Rule allowingRule = null;
        List<Obligation> obligations = List.of();
        for (int of = 0; of < SubjectGrants.LISTS; of++) {
            GrantList list = grants.list(of);
            if (list.size() == 0 || !list.mayHaveRoleOf(cell)) {
                continue;
            }
            if (list.isInParts()) {
                judge = judge == null ? new GrantJudge(graph, query, now, cell, grants, facts) : judge;
                judge.over(list);
                continue;
            }
            for (int i = 0; i < list.size(); i++) {
                int role = list.role(i);
                boolean allows = cell.allows().has(role);
                boolean denies = cell.denies().has(role);
                if (!allows && !denies) {
                    continue;
                }
                Grant grant = list.grant(i);
                Rule rule = plain && !denies && grant.terms() == null
                        ? cell.allows().of(role)
                        : null;
                if (rule == null || rule.isConditional()) {
                    judge = judge == null ? new GrantJudge(graph, query, now, cell, grants, facts) : judge;
                    judge.judge(grant, allows, denies);
                    continue;
                }
                if (allowing == null || isBefore(grant, allowing)) {
                    allowing = grant;
                    allowingRule = rule;
                }
                obligations = Obligations.union(obligations, rule.obligations());
            }
        }
        if (judge != null) {
            return judge.verdict(allowing, allowingRule, obligations);
        }
        return allowing == null || allowingRule == null
                ? denied(graph, Reason.NO_GRANT, null, horizon(now), List.of())
                : allowed(graph, query, now, decidedBy(allowing, allowingRule.first()), horizon(now), obligations);
    }

    /** As far ahead as an answer may look. */
    static Instant horizon(Instant now) {
        return now.plusSeconds(HORIZON_SECONDS);
    }

    static boolean isBefore(Grant left, Grant right) {
        return Utf8Order.INSTANCE.compare(left.name(), right.name()) < 0;
    }

    static DecidedBy decidedBy(Grant grant, CarriedPermission permission) {
        return new DecidedBy.Grant(grant.name(), permission.role(), permission.position());
    }

    /** What is allowed, but for what history and approvals say. */
    static Verdict allowed(
            DecisionGraph graph,
            CheckQuery query,
            Instant now,
            DecidedBy decidedBy,
            Instant boundary,
            List<Obligation> obligations) {
        List<SeparationOfDutyDocument> histories = graph.duties().histories(query);
        List<ApprovalRuleDocument> approvals = graph.duties().approvals(query.action(), query.resource(), query.env());
        Instant validUntil = histories.isEmpty() && approvals.isEmpty() ? boundary : now;
        return new Verdict(answer(graph, Reason.ALLOWED, decidedBy, validUntil, obligations), histories, approvals);
    }

    static Verdict denied(
            DecisionGraph graph,
            Reason reason,
            @Nullable DecidedBy decidedBy,
            Instant validUntil,
            List<Obligation> advice) {
        return new Verdict(answer(graph, reason, decidedBy, validUntil, advice), List.of(), List.of());
    }

    private static Answer answer(
            DecisionGraph graph,
            Reason reason,
            @Nullable DecidedBy decidedBy,
            Instant validUntil,
            List<Obligation> duties) {
        return new Answer(reason, decidedBy, graph.revision(), graph.platformRevision(), validUntil, duties);
    }
}
