package dev.assize.server.policy.condition;

import dev.assize.server.policy.condition.Compilation.Fault;
import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.ast.CelExpr.ExprKind.Kind;
import dev.cel.common.types.CelType;
import dev.cel.common.types.SimpleType;
import dev.cel.runtime.CelEvaluationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What a well-typed expression must also keep to, so that evaluating it has a bound. */
final class ExpressionBounds {

    /** Functions whose literal argument is read when the condition is written. */
    private static final Set<String> CONVERSIONS = Set.of("timestamp", "duration");

    private final CelAbstractSyntaxTree tree;
    private final List<Fault> faults = new ArrayList<>();

    private ExpressionBounds(CelAbstractSyntaxTree tree) {
        this.tree = tree;
    }

    static List<Fault> check(CelAbstractSyntaxTree tree) {
        ExpressionBounds bounds = new ExpressionBounds(tree);
        bounds.checkWhole();
        if (bounds.faults.isEmpty()) {
            bounds.check(tree.getExpr(), 0);
        }
        if (bounds.faults.isEmpty()) {
            bounds.checkCost();
        }
        return bounds.faults;
    }

    /** A result of any type is judged when it is evaluated: an attribute that nobody declared may well be a bool. */
    private void checkWhole() {
        CelType result = tree.getResultType();
        if (!result.equals(SimpleType.BOOL) && !result.equals(SimpleType.DYN)) {
            report(tree.getExpr(), "a condition is a bool, and this is of type " + FaultText.type(result.name()));
        }
        if (Expressions.depth(tree.getExpr()) > ConditionLimits.NESTING) {
            report(tree.getExpr(), "nested deeper than " + ConditionLimits.NESTING + " levels");
        }
    }

    private void check(CelExpr expression, int comprehensions) {
        switch (expression.getKind()) {
            case CALL -> checkCall(expression.call());
            case STRUCT -> report(expression, "messages are not offered in conditions");
            case COMPREHENSION -> {
                checkComprehension(expression, comprehensions + 1);
                return;
            }
            case NOT_SET, CONSTANT, IDENT, SELECT, LIST, MAP -> {}
        }
        Expressions.children(expression).forEach(child -> check(child, comprehensions));
    }

    private void checkComprehension(CelExpr expression, int comprehensions) {
        if (comprehensions > ConditionLimits.COMPREHENSIONS) {
            report(
                    expression,
                    "`all`, `exists`, `exists_one`, `filter` and `map` stand at most " + ConditionLimits.COMPREHENSIONS
                            + " deep within one another");
            return;
        }
        CelExpr.CelComprehension comprehension = expression.comprehension();
        check(comprehension.iterRange(), comprehensions - 1);
        check(comprehension.loopStep(), comprehensions);
        check(comprehension.result(), comprehensions - 1);
    }

    private void checkCall(CelExpr.CelCall call) {
        List<CelExpr> arguments = Expressions.arguments(call);
        if (call.function().equals("matches")) {
            checkPattern(arguments.get(arguments.size() - 1));
        } else if (CONVERSIONS.contains(call.function())
                && Expressions.text(arguments.get(0)).isPresent()) {
            tryOut(call.function(), arguments.get(0));
        }
    }

    private void checkPattern(CelExpr pattern) {
        if (Expressions.text(pattern).isEmpty()) {
            report(pattern, "the pattern of `matches` is written out, and comes from nowhere else");
        } else if (pattern.constant().stringValue().length() > ConditionLimits.PATTERN_LENGTH) {
            report(pattern, "a pattern has at most " + ConditionLimits.PATTERN_LENGTH + " characters");
        } else {
            tryOut("matches", pattern);
        }
    }

    private void tryOut(String function, CelExpr literal) {
        try {
            ConditionLanguage.tryOut(function, literal.constant());
        } catch (CelEvaluationException refused) {
            report(
                    literal,
                    "`" + literal.constant().stringValue() + "` is not "
                            + switch (function) {
                                case "matches" -> "a regular expression (RE2) of a bounded size";
                                case "timestamp" -> "a timestamp such as `2026-01-31T08:00:00Z`";
                                default -> "a duration such as `90m` or `1h30m`";
                            });
        }
    }

    private void checkCost() {
        long cost = CostEstimate.of(tree.getExpr());
        if (cost > ConditionLimits.COST) {
            report(
                    tree.getExpr(),
                    "may cost " + cost + " steps, and " + ConditionLimits.COST
                            + " are the most: it goes through lists within lists, or joins long texts");
        }
    }

    private void report(CelExpr expression, String message) {
        faults.add(FaultText.at(tree.getSource(), firstPlace(expression), message));
    }

    /** What a macro made has no place of its own; what it was made from has. */
    private long firstPlace(CelExpr expression) {
        if (tree.getSource().getPositionsMap().containsKey(expression.id())
                || Expressions.children(expression).isEmpty()
                || expression.getKind() == Kind.NOT_SET) {
            return expression.id();
        }
        return firstPlace(Expressions.children(expression).get(0));
    }
}
