package dev.assize.server.policy.condition;

import dev.assize.server.policy.condition.Native.Order;
import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.Operator;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.ast.CelExpr.ExprKind.Kind;
import dev.cel.runtime.CelEvaluationException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds the predicates that need no interpreter: comparisons, membership, `has` and bools of attributes, names and
 * constants, joined by `&&`, `||` and `!`. An expression of which one part is not known here is left to the interpreter
 * as a whole, so that the bound on its iterations is one.
 */
final class NativeCompiler {

    private final CelAbstractSyntaxTree tree;
    private final Declarations declarations;

    private NativeCompiler(CelAbstractSyntaxTree tree, Declarations declarations) {
        this.tree = tree;
        this.declarations = declarations;
    }

    static Optional<Predicate> compile(CelAbstractSyntaxTree tree, Declarations declarations) {
        return Optional.ofNullable(new NativeCompiler(tree, declarations).predicate(tree.getExpr()));
    }

    private @Nullable Predicate predicate(CelExpr expression) {
        if (expression.getKind() == Kind.CALL) {
            Predicate call = call(expression.call());
            if (call != null) {
                return call;
            }
        }
        if (expression.getKind() == Kind.SELECT && expression.select().testOnly()) {
            Operand holder = operand(expression.select().operand());
            return holder == null
                    ? null
                    : new Native.HasField(holder, expression.select().field());
        }
        Operand operand = operand(expression);
        return operand == null ? null : new Native.Truth(operand);
    }

    private @Nullable Predicate call(CelExpr.CelCall call) {
        Operator operator = Operator.findReverse(call.function()).orElse(null);
        if (operator == null || call.target().isPresent()) {
            return null;
        }
        List<CelExpr> arguments = call.args();
        return switch (operator) {
            case LOGICAL_NOT -> not(predicate(arguments.get(0)));
            case LOGICAL_AND -> both(arguments, Native.And::new);
            case LOGICAL_OR -> both(arguments, Native.Or::new);
            case EQUALS -> compared(arguments, Native.Equal::new);
            case NOT_EQUALS -> not(compared(arguments, Native.Equal::new));
            case LESS -> ordered(arguments, Order.LESS);
            case LESS_EQUALS -> ordered(arguments, Order.LESS_EQUALS);
            case GREATER -> ordered(arguments, Order.GREATER);
            case GREATER_EQUALS -> ordered(arguments, Order.GREATER_EQUALS);
            case IN -> in(arguments.get(0), arguments.get(1));
            default -> null;
        };
    }

    private static @Nullable Predicate not(@Nullable Predicate inner) {
        return inner == null ? null : new Native.Not(inner);
    }

    private interface Join {
        Predicate of(Predicate left, Predicate right);
    }

    private @Nullable Predicate both(List<CelExpr> arguments, Join join) {
        Predicate left = predicate(arguments.get(0));
        Predicate right = left == null ? null : predicate(arguments.get(1));
        return left == null || right == null ? null : join.of(left, right);
    }

    private interface Compare {
        Predicate of(Operand left, Operand right);
    }

    private @Nullable Predicate compared(List<CelExpr> arguments, Compare compare) {
        Operand left = operand(arguments.get(0));
        Operand right = left == null ? null : operand(arguments.get(1));
        return left == null || right == null ? null : compare.of(left, right);
    }

    private @Nullable Predicate ordered(List<CelExpr> arguments, Order order) {
        return compared(arguments, (left, right) -> new Native.Ordered(left, order, right));
    }

    private @Nullable Predicate in(CelExpr element, CelExpr holder) {
        Operand wanted = operand(element);
        if (wanted == null) {
            return null;
        }
        if (holder.getKind() == Kind.LIST) {
            List<Object> values = constants(holder.list());
            return values == null ? null : Native.AmongConstants.of(wanted, values);
        }
        if (holder.getKind() == Kind.IDENT) {
            String name = holder.ident().name();
            if (name.equals(Names.GROUPS)) {
                return new Native.AmongGroups(wanted);
            }
            if (Names.ATTRIBUTES.contains(name)) {
                return wanted instanceof Operand.Constant(String attribute)
                        ? new Native.HasAttribute(attribute(name, attribute))
                        : null;
            }
        }
        Operand within = operand(holder);
        return within == null ? null : new Native.Among(wanted, within);
    }

    private @Nullable List<Object> constants(CelExpr.CelList list) {
        List<Object> values = new ArrayList<>();
        for (CelExpr element : list.elements()) {
            Object value = constant(element);
            if (value == null) {
                return null;
            }
            values.add(value);
        }
        return values;
    }

    private @Nullable Operand operand(CelExpr expression) {
        return switch (expression.getKind()) {
            case IDENT -> named(expression.ident().name());
            case SELECT -> expression.select().testOnly() ? null : field(expression.select());
            case CONSTANT -> ofConstant(expression);
            case CALL -> {
                Operand indexed = indexed(expression.call());
                yield indexed == null ? ofConstant(expression) : indexed;
            }
            case NOT_SET, LIST, STRUCT, MAP, COMPREHENSION -> null;
        };
    }

    private @Nullable Operand ofConstant(CelExpr expression) {
        Object value = constant(expression);
        return value == null ? null : new Operand.Constant(value);
    }

    private @Nullable Operand named(String name) {
        if (Names.isText(name)) {
            return new Operand.Text(name);
        }
        if (name.equals(Names.NOW)) {
            return new Operand.Now();
        }
        int dot = name.lastIndexOf('.');
        String place = dot < 0 ? "" : name.substring(0, dot);
        return Names.ATTRIBUTES.contains(place) ? attribute(place, name.substring(dot + 1)) : null;
    }

    private Operand.Attribute attribute(String place, String name) {
        return new Operand.Attribute(place, name, declarations.typeOf(place, name));
    }

    private @Nullable Operand field(CelExpr.CelSelect select) {
        return within(select.operand(), select.field());
    }

    /** `attr["name"]` reads what `attr.name` does. */
    private @Nullable Operand indexed(CelExpr.CelCall call) {
        if (!call.function().equals(Operator.INDEX.getFunction())) {
            return null;
        }
        CelExpr holder = call.args().get(0);
        String key = Expressions.text(call.args().get(1)).orElse(null);
        return key == null || !isAttributes(holder) ? null : within(holder, key);
    }

    private @Nullable Operand within(CelExpr holder, String name) {
        if (isAttributes(holder)) {
            return attribute(holder.ident().name(), name);
        }
        Operand held = operand(holder);
        return held == null || held instanceof Operand.Constant ? null : new Operand.Field(held, name);
    }

    private static boolean isAttributes(CelExpr expression) {
        return expression.getKind() == Kind.IDENT
                && Names.ATTRIBUTES.contains(expression.ident().name());
    }

    /** What an expression without names is worth, worked out once by the interpreter; null where it is not for here. */
    private @Nullable Object constant(CelExpr expression) {
        if (Expressions.any(expression, part -> part.getKind() == Kind.IDENT || part.getKind() == Kind.COMPREHENSION)) {
            return null;
        }
        try {
            Object value = ConditionLanguage.plan(CelAbstractSyntaxTree.newCheckedAst(
                            expression, tree.getSource(), tree.getReferenceMap(), tree.getTypeMap()))
                    .eval();
            return switch (value) {
                case String text -> text;
                case Long whole -> whole;
                case Boolean truth -> truth;
                case Instant time -> time;
                case Double fraction when !fraction.isNaN() -> fraction;
                default -> null;
            };
        } catch (CelEvaluationException left) {
            return null;
        }
    }
}
