package dev.assize.server.policy.condition;

import dev.cel.common.Operator;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.ast.CelExpr.ExprKind.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Something that a condition names, and so may look at. */
sealed interface Mention {

    /** Looks at it, as the condition would if it got that far. */
    void lookUp(ConditionInput input);

    /**
     * An attribute.
     *
     * @param place one of {@link Names#ATTRIBUTES}
     */
    record Attribute(String place, String name) implements Mention {
        @Override
        public void lookUp(ConditionInput input) {
            var _ = Names.attributes(input, place).get(name);
        }
    }

    /** All attributes at a place, where it is not written which. */
    record AllAttributes(String place) implements Mention {
        @Override
        public void lookUp(ConditionInput input) {
            var _ = Names.attributes(input, place).entrySet();
        }
    }

    /** Whether the subject is in a group. */
    record InGroup(String group) implements Mention {
        @Override
        public void lookUp(ConditionInput input) {
            var _ = input.isInGroup(group);
        }
    }

    /** All groups of the subject, where it is not written which. */
    record AllGroups() implements Mention {
        @Override
        public void lookUp(ConditionInput input) {
            var _ = input.groups();
        }
    }

    /** One of {@link Names#TEXTS}. */
    record Text(String name) implements Mention {
        @Override
        public void lookUp(ConditionInput input) {
            var _ = Names.text(input, name);
        }
    }

    /** The moment that is judged. */
    record Now() implements Mention {
        @Override
        public void lookUp(ConditionInput input) {
            var _ = input.now();
        }
    }

    /** All that an expression names, in whatever part of it. */
    static List<Mention> in(CelExpr expression) {
        List<Mention> found = new ArrayList<>();
        collect(expression, found);
        return List.copyOf(found);
    }

    private static void collect(CelExpr expression, List<Mention> found) {
        Optional<Mention> whole = named(expression);
        if (whole.isPresent()) {
            found.add(whole.get());
        } else {
            Expressions.children(expression).forEach(child -> collect(child, found));
        }
    }

    private static Optional<Mention> named(CelExpr expression) {
        return switch (expression.getKind()) {
            case IDENT -> ofName(expression.ident().name());
            case SELECT ->
                attribute(expression.select().operand(), expression.select().field());
            case CALL -> ofCall(expression.call());
            case NOT_SET, CONSTANT, LIST, STRUCT, MAP, COMPREHENSION -> Optional.empty();
        };
    }

    private static Optional<Mention> ofName(String name) {
        if (Names.ATTRIBUTES.contains(name)) {
            return Optional.of(new AllAttributes(name));
        }
        if (name.equals(Names.GROUPS)) {
            return Optional.of(new AllGroups());
        }
        if (name.equals(Names.NOW)) {
            return Optional.of(new Now());
        }
        if (Names.isText(name)) {
            return Optional.of(new Text(name));
        }
        return Names.ATTRIBUTES.stream()
                .filter(place -> name.startsWith(place + "."))
                .findFirst()
                .map(place -> new Attribute(place, name.substring(place.length() + 1)));
    }

    private static Optional<Mention> attribute(CelExpr holder, String name) {
        return isOneOf(holder, Names.ATTRIBUTES)
                ? Optional.of(new Attribute(holder.ident().name(), name))
                : Optional.empty();
    }

    /** `attr["name"]`, `"name" in attr` and `"name" in subject.groups`. */
    private static Optional<Mention> ofCall(CelExpr.CelCall call) {
        Operator operator = Operator.findReverse(call.function()).orElse(null);
        if (call.args().size() != 2 || (operator != Operator.INDEX && operator != Operator.IN)) {
            return Optional.empty();
        }
        CelExpr holder = call.args().get(operator == Operator.IN ? 1 : 0);
        return Expressions.text(call.args().get(operator == Operator.IN ? 0 : 1))
                .flatMap(text -> operator == Operator.IN && isOneOf(holder, List.of(Names.GROUPS))
                        ? Optional.of(new InGroup(text))
                        : attribute(holder, text));
    }

    private static boolean isOneOf(CelExpr expression, List<String> names) {
        return expression.getKind() == Kind.IDENT
                && names.contains(expression.ident().name());
    }
}
