package dev.assize.server.decision;

import dev.assize.server.decision.ReferenceCondition.And;
import dev.assize.server.decision.ReferenceCondition.Has;
import dev.assize.server.decision.ReferenceCondition.Literal;
import dev.assize.server.decision.ReferenceCondition.Not;
import dev.assize.server.decision.ReferenceCondition.Or;
import dev.assize.server.decision.ReferenceCondition.Relation;
import dev.assize.server.decision.ReferenceCondition.Variable;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.AttributeValue.Fraction;
import dev.assize.server.model.AttributeValue.Many;
import dev.assize.server.model.AttributeValue.Text;
import dev.assize.server.model.AttributeValue.Time;
import dev.assize.server.model.AttributeValue.Truth;
import dev.assize.server.model.AttributeValue.Whole;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.AttributeDeclaration.Source;
import dev.assize.server.policy.condition.AttributeType;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Attributes and conditions of random worlds. A name has one type wherever it is declared, and conditions compare it
 * with values of that type, so that they compile whether it is declared or not; a request may say something else where
 * it is not.
 */
final class WorldConditions {

    private static final Map<String, String> SUBJECT_TYPES = new TreeMap<>(Map.of(
            "level", "int",
            "dept", "string",
            "mfa", "bool",
            "since", "timestamp",
            "tags", "list(string)",
            "score", "double"));
    private static final Map<String, String> RESOURCE_TYPES = new TreeMap<>(Map.of(
            "tier", "int",
            "owner", "string",
            "open", "bool",
            "until", "timestamp",
            "labels", "list(string)",
            "price", "double"));
    private static final Map<String, String> CONTEXT_TYPES =
            new TreeMap<>(Map.of("amount", "int", "ip", "string", "flag", "bool", "at", "timestamp"));
    private static final List<String> TEXTS = List.of("a", "b", "A", "ab", "é", "");
    private static final List<String> TYPES = List.of("int", "string", "bool", "timestamp", "list(string)", "double");

    private final Dice dice;
    private final List<Instant> moments;
    private final List<Literal> names;
    private final Set<String> declaredOfResources = new HashSet<>();

    /** @param names that a condition may compare `subject.id`, `resource.path` and the like with */
    WorldConditions(Dice dice, List<Instant> moments, List<String> names) {
        this.dice = dice;
        this.moments = moments;
        this.names = names.stream().map(name -> new Literal(new Text(name))).toList();
    }

    SortedMap<String, AttributeDeclaration> declaredOfSubjects() {
        return declared(SUBJECT_TYPES);
    }

    SortedMap<String, AttributeDeclaration> declaredOfResources() {
        SortedMap<String, AttributeDeclaration> declared = declared(RESOURCE_TYPES);
        declaredOfResources.addAll(declared.keySet());
        return declared;
    }

    private SortedMap<String, AttributeDeclaration> declared(Map<String, String> types) {
        SortedMap<String, AttributeDeclaration> declared = new TreeMap<>();
        types.forEach((name, type) -> {
            if (dice.chance(50)) {
                declared.put(
                        name, new AttributeDeclaration(AttributeType.parse(type), dice.pick(List.of(Source.values()))));
            }
        });
        return declared;
    }

    /** What a document may store beside these declarations. */
    SortedMap<String, AttributeValue> storedOfSubject(Map<String, AttributeDeclaration> declared) {
        return stored(SUBJECT_TYPES, declared);
    }

    SortedMap<String, AttributeValue> storedOfResource(Map<String, AttributeDeclaration> declared) {
        return stored(RESOURCE_TYPES, declared);
    }

    private SortedMap<String, AttributeValue> stored(
            Map<String, String> types, Map<String, AttributeDeclaration> declared) {
        SortedMap<String, AttributeValue> stored = new TreeMap<>();
        types.forEach((name, type) -> {
            AttributeDeclaration declaration = declared.get(name);
            boolean may = declaration == null ? !type.equals("timestamp") : declaration.source() != Source.REQUEST;
            if (dice.chance(40) && may) {
                stored.put(name, written(value(type)));
            }
        });
        return stored;
    }

    /** Documents write moments as texts, which only a declaration makes moments of. */
    private static AttributeValue written(AttributeValue value) {
        return value instanceof Time(Instant moment) ? new Text(moment.toString()) : value;
    }

    Map<String, AttributeValue> requestedOfSubject() {
        return requested(SUBJECT_TYPES, Set.of());
    }

    /** @param declared of the resource's type: a condition believes what any type says of an attribute */
    Map<String, AttributeValue> requestedOfResource(Set<String> declared) {
        Set<String> ofOtherTypes = new HashSet<>(declaredOfResources);
        ofOtherTypes.removeAll(declared);
        return requested(RESOURCE_TYPES, ofOtherTypes);
    }

    Map<String, AttributeValue> context() {
        return requested(CONTEXT_TYPES, Set.of());
    }

    private Map<String, AttributeValue> requested(Map<String, String> types, Set<String> alwaysOfTheirTypes) {
        Map<String, AttributeValue> requested = new TreeMap<>();
        types.forEach((name, type) -> {
            if (dice.chance(45)) {
                requested.put(
                        name, value(dice.chance(97) || alwaysOfTheirTypes.contains(name) ? type : dice.pick(TYPES)));
            }
        });
        return requested;
    }

    private AttributeValue value(String type) {
        return switch (type) {
            case "int" -> new Whole(dice.between(-1, 3));
            case "double" -> dice.chance(20) ? new Whole(1) : new Fraction(dice.pick(List.of(0.5, 1.0, 2.0, -1.5)));
            case "bool" -> new Truth(dice.chance(60));
            case "timestamp" -> new Time(dice.pick(moments));
            case "list(string)" -> new Many(dice.times(3, () -> new Text(dice.pick(TEXTS))));
            default -> new Text(dice.pick(TEXTS));
        };
    }

    String condition() {
        return expression(dice.below(3)).toString();
    }

    private ReferenceCondition expression(int depth) {
        if (depth == 0) {
            return atom();
        }
        return switch (dice.below(4)) {
            case 0 -> new Not(expression(depth - 1));
            case 1 -> new And(operand(depth - 1), operand(depth - 1));
            case 2 -> new Or(operand(depth - 1), operand(depth - 1));
            default -> atom();
        };
    }

    /** What stands beside an operator may be an attribute alone. */
    private ReferenceCondition operand(int depth) {
        return dice.chance(15)
                ? Variable.of(dice.pick(List.of("subject.attr.mfa", "resource.attr.open", "context.flag")))
                : expression(depth);
    }

    private ReferenceCondition atom() {
        return switch (dice.below(10)) {
            case 0, 1, 2, 3 -> {
                Variable attribute = attribute();
                yield compared(attribute, typeOf(attribute));
            }
            case 4 -> new Has(attribute());
            case 5, 6 -> moment();
            case 7 -> new Relation(dice.pick(names), "in", Variable.of("subject.groups"));
            case 8 ->
                new Relation(
                        Variable.of(dice.pick(List.of("resource.attr.owner", "subject.attr.dept", "context.ip"))),
                        dice.pick(List.of("==", "!=")),
                        Variable.of(dice.pick(List.of("subject.id", "subject.type", "resource.id", "env"))));
            default ->
                new Relation(
                        Variable.of(dice.pick(List.of(
                                "subject.id",
                                "subject.type",
                                "resource.type",
                                "resource.path",
                                "action",
                                "env",
                                "tenant"))),
                        dice.pick(List.of("==", "!=")),
                        dice.pick(names));
        };
    }

    private Variable attribute() {
        return switch (dice.below(3)) {
            case 0 -> Variable.of("subject.attr." + dice.pick(new ArrayList<>(SUBJECT_TYPES.keySet())));
            case 1 -> Variable.of("resource.attr." + dice.pick(new ArrayList<>(RESOURCE_TYPES.keySet())));
            default -> Variable.of("context." + dice.pick(new ArrayList<>(CONTEXT_TYPES.keySet())));
        };
    }

    private static String typeOf(Variable attribute) {
        String name = attribute.path().getLast();
        return switch (attribute.path().getFirst()) {
            case "subject" -> SUBJECT_TYPES.getOrDefault(name, "");
            case "resource" -> RESOURCE_TYPES.getOrDefault(name, "");
            default -> CONTEXT_TYPES.getOrDefault(name, "");
        };
    }

    private ReferenceCondition compared(Variable attribute, String type) {
        return switch (type) {
            case "list(string)" -> new Relation(new Literal(new Text(dice.pick(TEXTS))), "in", attribute);
            case "bool" -> new Relation(attribute, dice.pick(List.of("==", "!=")), new Literal(new Truth(true)));
            case "double" ->
                new Relation(
                        attribute,
                        dice.pick(List.of("<", "<=", ">", ">=", "==")),
                        new Literal(new Fraction(dice.pick(List.of(0.5, 1.0, 2.0)))));
            case "int", "string" ->
                dice.chance(30)
                        ? new Relation(attribute, "in", new Literal(new Many(List.of(value(type), value(type)))))
                        : new Relation(
                                attribute,
                                dice.pick(List.of("==", "==", "!=", "<", "<=", ">", ">=")),
                                new Literal(value(type)));
            default ->
                new Relation(attribute, dice.pick(List.of("<", ">=", "==")), new Literal(new Time(dice.pick(moments))));
        };
    }

    private ReferenceCondition moment() {
        return new Relation(
                Variable.of("now"),
                dice.pick(List.of("<", "<=", ">", ">=", "==")),
                dice.chance(60)
                        ? new Literal(new Time(dice.pick(moments)))
                        : Variable.of(dice.pick(List.of("resource.attr.until", "subject.attr.since", "context.at"))));
    }
}
