package dev.assize.server.policy.condition;

import dev.cel.common.ast.CelConstant;
import dev.cel.common.ast.CelExpr;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** How to walk through a syntax tree. */
final class Expressions {

    private Expressions() {}

    static List<CelExpr> children(CelExpr expression) {
        return switch (expression.getKind()) {
            case NOT_SET, CONSTANT, IDENT -> List.of();
            case SELECT -> List.of(expression.select().operand());
            case CALL -> arguments(expression.call());
            case LIST -> expression.list().elements();
            case STRUCT ->
                expression.struct().entries().stream()
                        .map(CelExpr.CelStruct.Entry::value)
                        .toList();
            case MAP ->
                expression.map().entries().stream()
                        .flatMap(entry -> Stream.of(entry.key(), entry.value()))
                        .toList();
            case COMPREHENSION ->
                List.of(
                        expression.comprehension().iterRange(),
                        expression.comprehension().accuInit(),
                        expression.comprehension().loopCondition(),
                        expression.comprehension().loopStep(),
                        expression.comprehension().result());
        };
    }

    /** Those of a call, with what it is called on first. */
    static List<CelExpr> arguments(CelExpr.CelCall call) {
        return Stream.concat(call.target().stream(), call.args().stream()).toList();
    }

    static boolean any(CelExpr expression, Predicate<CelExpr> wanted) {
        return wanted.test(expression) || children(expression).stream().anyMatch(child -> any(child, wanted));
    }

    static int depth(CelExpr expression) {
        return 1
                + children(expression).stream()
                        .mapToInt(Expressions::depth)
                        .max()
                        .orElse(0);
    }

    static Optional<String> text(CelExpr expression) {
        return expression.getKind() == CelExpr.ExprKind.Kind.CONSTANT
                        && expression.constant().getKind() == CelConstant.Kind.STRING_VALUE
                ? Optional.of(expression.constant().stringValue())
                : Optional.empty();
    }
}
