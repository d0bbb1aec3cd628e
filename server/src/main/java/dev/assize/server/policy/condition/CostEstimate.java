package dev.assize.server.policy.condition;

import dev.cel.common.Operator;
import dev.cel.common.ast.CelConstant;
import dev.cel.common.ast.CelExpr;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What an expression costs at worst, by its text alone.
 *
 * <p>Each node is a step; what reads a text is charged by its length, what searches a list by its elements, and the body
 * of a comprehension once for every element that it may visit. Sizes are followed through `+`, `?:`, lists and
 * comprehensions, so that a text that doubles over and over is seen; what comes from outside has the sizes that
 * {@link ConditionLimits} assumes. Sums stop at {@link #CEILING} and do not overflow.
 */
final class CostEstimate {

    private static final long CEILING = 1L << 40;

    private static final Set<String> LOGIC = Set.of(
            Operator.LOGICAL_AND.getFunction(),
            Operator.LOGICAL_OR.getFunction(),
            Operator.LOGICAL_NOT.getFunction(),
            Operator.NOT_STRICTLY_FALSE.getFunction());

    private final Map<String, Value> variables = new HashMap<>();

    private CostEstimate() {}

    static long of(CelExpr expression) {
        return new CostEstimate().estimate(expression).cost();
    }

    /**
     * @param cost of computing it
     * @param size characters of a text, or elements
     * @param elementSize the size of its largest element
     */
    private record Value(long cost, long size, long elementSize) {

        /** One attribute, whose size is bounded as a whole: the elements of a list share it. */
        static final Value UNKNOWN = new Value(
                1, ConditionLimits.ASSUMED_TEXT, ConditionLimits.ASSUMED_TEXT / ConditionLimits.ASSUMED_ELEMENTS);

        /** Some element of this, perhaps the largest. */
        Value element(long other) {
            return new Value(other, Math.max(elementSize, UNKNOWN.size), UNKNOWN.elementSize);
        }

        static Value scalar(long cost) {
            return new Value(cost, 1, 1);
        }

        Value at(long other) {
            return new Value(other, size, elementSize);
        }

        /** How many elements, where it is a list or a map. */
        long elements() {
            return size == ConditionLimits.ASSUMED_TEXT ? ConditionLimits.ASSUMED_ELEMENTS : size;
        }
    }

    private Value estimate(CelExpr expression) {
        return switch (expression.getKind()) {
            case NOT_SET -> Value.scalar(1);
            case CONSTANT -> constant(expression.constant());
            case IDENT ->
                variables.getOrDefault(expression.ident().name(), Value.UNKNOWN).at(1);
            case SELECT -> select(expression.select());
            case CALL -> call(expression.call());
            case LIST -> container(estimateAll(expression.list().elements()));
            case STRUCT, MAP -> container(estimateAll(Expressions.children(expression)));
            case COMPREHENSION -> comprehension(expression.comprehension());
        };
    }

    private static Value constant(CelConstant constant) {
        return switch (constant.getKind()) {
            case STRING_VALUE -> new Value(1, constant.stringValue().length(), 1);
            case BYTES_VALUE -> new Value(1, constant.bytesValue().size(), 1);
            default -> Value.scalar(1);
        };
    }

    private Value select(CelExpr.CelSelect select) {
        Value operand = estimate(select.operand());
        return operand.element(plus(operand.cost(), 1));
    }

    private List<Value> estimateAll(List<CelExpr> expressions) {
        return expressions.stream().map(this::estimate).toList();
    }

    private static Value container(List<Value> elements) {
        return new Value(
                elements.stream().mapToLong(Value::cost).reduce(1, CostEstimate::plus),
                elements.size(),
                elements.stream().mapToLong(Value::size).max().orElse(1));
    }

    private Value call(CelExpr.CelCall call) {
        List<Value> arguments = estimateAll(Expressions.arguments(call));
        long inner = arguments.stream().mapToLong(Value::cost).reduce(1, CostEstimate::plus);
        long sizes = arguments.stream().mapToLong(Value::size).reduce(0, CostEstimate::plus);
        long widest = arguments.stream().mapToLong(Value::elementSize).max().orElse(1);
        long reading = plus(inner, sizes / ConditionLimits.TEXT_PER_STEP);
        String function = call.function();
        if (LOGIC.contains(function)) {
            return Value.scalar(inner);
        }
        if (function.equals(Operator.ADD.getFunction())) {
            return new Value(reading, sizes, widest);
        }
        if (function.equals(Operator.CONDITIONAL.getFunction())) {
            long larger = Math.max(arguments.get(1).size(), arguments.get(2).size());
            return new Value(inner, larger, widest);
        }
        if (function.equals(Operator.IN.getFunction())) {
            return Value.scalar(plus(reading, arguments.get(1).elements()));
        }
        if (function.equals(Operator.INDEX.getFunction())) {
            return arguments.get(0).element(inner);
        }
        if (function.equals("matches")) {
            return Value.scalar(
                    plus(inner, times(sizes, ConditionLimits.PATTERN_LENGTH) / ConditionLimits.TEXT_PER_STEP));
        }
        return new Value(reading, Math.max(sizes, 1), widest);
    }

    private Value comprehension(CelExpr.CelComprehension comprehension) {
        Value range = estimate(comprehension.iterRange());
        Value start = estimate(comprehension.accuInit());
        long visits = Math.max(range.elements(), 1);
        variables.put(comprehension.iterVar(), new Value(1, range.elementSize(), range.elementSize()));
        variables.put(comprehension.accuVar(), start.at(1));
        Value condition = estimate(comprehension.loopCondition());
        Value step = estimate(comprehension.loopStep());
        Value result = new Value(1, Math.max(times(visits, step.size()), 1), step.elementSize());
        variables.put(comprehension.accuVar(), result);
        Value last = estimate(comprehension.result());
        variables.remove(comprehension.iterVar());
        long body = times(visits, plus(condition.cost(), step.cost()));
        return last.at(plus(plus(range.cost(), start.cost()), plus(body, last.cost())));
    }

    private static long plus(long one, long other) {
        return Math.min(CEILING, one + other);
    }

    private static long times(long one, long other) {
        return other != 0 && one > CEILING / other ? CEILING : Math.min(CEILING, one * other);
    }
}
