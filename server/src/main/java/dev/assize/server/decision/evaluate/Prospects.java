package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Reason;
import dev.assize.server.policy.condition.Condition;
import java.time.Instant;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Looks ahead at a question that is not asked yet.
 *
 * <p>The evaluator answers it from what is known. Where no condition asked for anything unknown on the way, that is the
 * answer to all the questions it stands for. Otherwise the grants are gone through once more, and what allows and what
 * denies is written down together with the conditions it hangs on.
 */
public final class Prospects {

    private Prospects() {}

    /**
     * What the policy of a graph will answer.
     *
     * @param obligationsDeny whether whoever asks knows no obligations, so that an allow that carries any is none: whatever
     *     puts an obligation on the answer denies it then
     */
    public static Prospect of(
            DecisionGraph graph, CheckQuery query, Openness openness, Instant now, boolean obligationsDeny) {
        CellFacts facts = new CellFacts(graph, query, now, openness);
        Verdict verdict = Evaluator.evaluate(graph, query, now, facts);
        if (!facts.wasEverOpen()) {
            return certain(verdict, obligationsDeny);
        }
        return new Terms(graph, query, now, facts, obligationsDeny).prospect(verdict);
    }

    /** A question of which everything is known but what lies outside of policy. */
    public static Prospect known(DecisionGraph graph, CheckQuery query, Instant now) {
        return certain(Evaluator.evaluate(graph, query, now), false);
    }

    private static Prospect certain(Verdict verdict, boolean obligationsDeny) {
        Answer answer = verdict.answer();
        return answer.reason().isAllow()
                        && !(obligationsDeny && !answer.obligations().isEmpty())
                ? new Prospect(
                        Prospect.Effect.ALLOW,
                        answer.reason(),
                        answer.decidedBy(),
                        new TreeMap<>(),
                        new TreeMap<>(),
                        verdict.histories(),
                        verdict.approvals())
                : Prospect.denied(answer.reason(), answer.decidedBy());
    }

    /** How a condition stands. */
    private enum Truth {
        TRUE,
        FALSE,
        BROKEN,
        OPEN
    }

    /** What allows and what denies, each with what it hangs on. */
    private static final class Terms {

        private final DecisionGraph graph;
        private final CheckQuery query;
        private final Instant now;
        private final CellFacts facts;
        private final boolean obligationsDeny;
        private final SubjectGrants grants;
        private final Set<String> cut = new HashSet<>();
        private final SortedMap<String, String> allowsIf = new TreeMap<>();
        private final SortedMap<String, String> deniesIf = new TreeMap<>();
        private boolean allows;
        private boolean denies;

        Terms(DecisionGraph graph, CheckQuery query, Instant now, CellFacts facts, boolean obligationsDeny) {
            this.graph = graph;
            this.query = query;
            this.now = now;
            this.facts = facts;
            this.obligationsDeny = obligationsDeny;
            this.grants = SubjectGrants.of(graph, query);
        }

        /** A request that was evaluated got as far as its cell, and past freezes unless they stopped it. */
        Prospect prospect(Verdict verdict) {
            if (verdict.answer().decidedBy() instanceof Answer.DecidedBy.Freeze && isFrozen()) {
                return certain(verdict, obligationsDeny);
            }
            freeze();
            holdActiveRoles();
            ResourceNode type = graph.schema().type(query.resource().type());
            Cell cell = type == null
                    ? null
                    : type.cell(query.action(), graph.schema().environment(query.env()));
            if (cell == null) {
                return certain(verdict, obligationsDeny);
            }
            grants.all().forEach(grant -> judge(grant, cell));
            return conclusion(verdict);
        }

        private boolean isFrozen() {
            return graph.freezes().matching(query, facts::groups).stream()
                    .anyMatch(freeze ->
                            freeze.target().role() == null && Moments.isWithin(now, freeze.from(), freeze.until()));
        }

        private void freeze() {
            graph.freezes().matching(query, facts::groups).forEach(freeze -> {
                String role = freeze.target().role();
                if (role != null && Moments.isWithin(now, freeze.from(), freeze.until())) {
                    cut.add(role);
                }
            });
        }

        /** Whoever holds more than is known for certain may hold too much. */
        private void holdActiveRoles() {
            List<Duties.ActiveRule> rules = graph.duties().active(query.env());
            if (rules.isEmpty()) {
                return;
            }
            Set<String> certain = new HashSet<>(closed(query.activeRoles()));
            Set<String> possible = new HashSet<>(certain);
            SortedMap<String, String> conditions = new TreeMap<>();
            if (query.activeRoles().isEmpty()) {
                grants.all().filter(this::isInForce).forEach(grant -> {
                    Condition when =
                            grant.terms() == null ? null : grant.terms().when();
                    Truth truth = truth(when);
                    Set<String> roles = closed(List.of(grant.binding().role()));
                    if (truth == Truth.TRUE) {
                        certain.addAll(roles);
                    }
                    if (truth == Truth.TRUE || truth == Truth.OPEN) {
                        possible.addAll(roles);
                    }
                    if (truth == Truth.OPEN) {
                        conditions.put(key(when) + " gives " + roles, shown(grant.name(), when));
                    }
                });
            }
            for (Duties.ActiveRule rule : rules) {
                if (count(rule, certain) > rule.limit()) {
                    denies = true;
                } else if (count(rule, possible) > rule.limit()) {
                    deniesIf.put(
                            "active " + rule.name() + rule.roles() + rule.limit() + " of " + sortedText(certain)
                                    + " and " + conditions.keySet(),
                            "more than " + rule.limit() + " active roles of `" + rule.name() + "` with "
                                    + String.join(", ", conditions.values()));
                }
            }
        }

        private static String sortedText(Collection<String> texts) {
            return texts.stream().sorted().toList().toString();
        }

        private Set<String> closed(Collection<String> roles) {
            Set<String> closed = new HashSet<>();
            roles.forEach(role -> closed.addAll(graph.schema().roles().reachedAvoiding(role, Set.of())));
            return closed;
        }

        private static long count(Duties.ActiveRule rule, Set<String> roles) {
            return rule.roles().stream().filter(roles::contains).count();
        }

        /** Whether its scope covers the question and its time has come, whatever its condition. */
        private boolean isInForce(Grant grant) {
            GrantTerms terms = grant.terms();
            return terms == null
                    || ((terms.scope() == null || terms.scope().covers(query))
                            && !grant.hasEnded(now)
                            && !grant.isYetToBegin(now));
        }

        private void judge(Grant grant, Cell cell) {
            boolean mayAllow = cell.allows(grant.role())
                    && (query.activeRoles().isEmpty()
                            || query.activeRoles().contains(grant.binding().role()));
            boolean mayDeny = cell.denies(grant.role());
            if ((!mayAllow && !mayDeny) || !isInForce(grant)) {
                return;
            }
            Condition when = grant.terms() == null ? null : grant.terms().when();
            Truth truth = truth(when);
            if (truth == Truth.FALSE) {
                return;
            }
            String open = truth == Truth.OPEN ? key(when) : null;
            if (mayDeny) {
                deny(grant, cell.denies().of(grant.role()), when, open);
            }
            if (mayAllow && truth != Truth.BROKEN) {
                allow(grant, cell.allows().of(grant.role()), when, open);
            }
        }

        private void deny(Grant grant, Rule rule, @Nullable Condition when, @Nullable String open) {
            for (int i = 0; i < rule.size(); i++) {
                Condition also = rule.condition(i);
                Truth truth = truth(also);
                if (truth == Truth.FALSE) {
                    continue;
                }
                if (truth != Truth.OPEN && open == null) {
                    denies = true;
                } else {
                    // A condition that fails to evaluate denies as well; so the same text in an allow says something
                    // else.
                    deniesIf.put(
                            term(open, truth == Truth.OPEN ? key(also) : null),
                            shown(grant.name(), open == null ? null : when, truth == Truth.OPEN ? also : null));
                }
            }
        }

        private void allow(Grant grant, Rule rule, @Nullable Condition when, @Nullable String open) {
            for (int i = 0; i < rule.size(); i++) {
                if (!isReached(grant, rule.permission(i))) {
                    continue;
                }
                Condition also = rule.condition(i);
                Truth truth = truth(also);
                if (truth == Truth.FALSE || truth == Truth.BROKEN) {
                    continue;
                }
                boolean obliges = obligationsDeny
                        && !rule.permission(i).permission().obligations().isEmpty();
                if (truth != Truth.OPEN && open == null) {
                    allows |= !obliges;
                    denies |= obliges;
                } else {
                    // It denies only where it holds, and a deny of the same text also where it fails to evaluate.
                    (obliges ? deniesIf : allowsIf)
                            .put(
                                    (obliges ? "obliged " : "") + term(open, truth == Truth.OPEN ? key(also) : null),
                                    shown(grant.name(), open == null ? null : when, truth == Truth.OPEN ? also : null));
                }
            }
        }

        private boolean isReached(Grant grant, CarriedPermission permission) {
            return cut.isEmpty()
                    || graph.schema()
                            .roles()
                            .reachedAvoiding(grant.binding().role(), cut)
                            .contains(permission.role());
        }

        private Prospect conclusion(Verdict verdict) {
            if (denies || (!allows && allowsIf.isEmpty())) {
                return verdict.answer().reason().isAllow()
                        ? Prospect.denied(Reason.CONDITION_FALSE, null)
                        : Prospect.denied(
                                verdict.answer().reason(), verdict.answer().decidedBy());
            }
            if (allows) {
                allowsIf.clear();
            }
            boolean depends = !allowsIf.isEmpty() || !deniesIf.isEmpty();
            return new Prospect(
                    depends ? Prospect.Effect.CONDITIONAL : Prospect.Effect.ALLOW,
                    depends ? null : Reason.ALLOWED,
                    depends ? null : verdict.answer().decidedBy(),
                    allowsIf,
                    deniesIf,
                    graph.duties().histories(query),
                    graph.duties().approvals(query.action(), query.resource(), query.env()));
        }

        private Truth truth(@Nullable Condition when) {
            if (when == null) {
                return Truth.TRUE;
            }
            facts.begin();
            Condition.Verdict verdict = when.evaluate(facts);
            if (facts.isOpen()) {
                return Truth.OPEN;
            }
            return switch (verdict) {
                case Condition.Verdict.Holds _ -> Truth.TRUE;
                case Condition.Verdict.Fails _ -> Truth.FALSE;
                case Condition.Verdict.Broken _ -> Truth.BROKEN;
            };
        }

        /**
         * What tells a condition from every other, as far as this question goes: its text, and all it may find there. What
         * it looked at while the request was unknown says too little: with a request at hand it goes further.
         */
        private String key(@Nullable Condition when) {
            if (when == null) {
                return "";
            }
            facts.begin();
            when.lookUpAll(facts);
            return when.text() + " [" + facts.consulted() + "]";
        }

        private static String term(@Nullable String ofBinding, @Nullable String ofPermission) {
            return (ofBinding == null ? "" : ofBinding) + " && " + (ofPermission == null ? "" : ofPermission);
        }

        private static String shown(String binding, @Nullable Condition... conditions) {
            StringBuilder shown = new StringBuilder("`" + binding + "`: ");
            String separator = "";
            for (Condition condition : conditions) {
                if (condition != null) {
                    shown.append(separator).append(condition.text());
                    separator = " and ";
                }
            }
            return shown.toString();
        }
    }
}
