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
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Reads the part of CEL that {@link ReferenceCondition} evaluates, by recursive descent. */
final class ReferenceConditionParser {

    private static final Pattern TOKEN = Pattern.compile(
            "'[^']*'|\"[^\"]*\"|-?[0-9]+\\.[0-9]+(?:E-?[0-9]+)?|-?[0-9]+|[A-Za-z_][A-Za-z0-9_.]*|&&|\\|\\||[=!<>]=|[<>!(),\\[\\]]|\\S");
    private static final Set<String> RELATIONS = Set.of("==", "!=", "<", "<=", ">", ">=", "in");

    private final String text;
    private final List<String> tokens;
    private int next;

    ReferenceConditionParser(String text) {
        this.text = text;
        this.tokens = TOKEN.matcher(text).results().map(MatchResult::group).toList();
    }

    ReferenceCondition parse() {
        ReferenceCondition condition = disjunction();
        if (next != tokens.size()) {
            throw unexpected();
        }
        return condition;
    }

    private ReferenceCondition disjunction() {
        ReferenceCondition left = conjunction();
        return accept("||") ? new Or(left, disjunction()) : left;
    }

    private ReferenceCondition conjunction() {
        ReferenceCondition left = relation();
        return accept("&&") ? new And(left, conjunction()) : left;
    }

    private ReferenceCondition relation() {
        ReferenceCondition left = unary();
        return RELATIONS.contains(peek()) ? new Relation(left, take(), unary()) : left;
    }

    private ReferenceCondition unary() {
        if (accept("!")) {
            return new Not(unary());
        }
        if (accept("(")) {
            ReferenceCondition inner = disjunction();
            expect(")");
            return inner;
        }
        return peek().equals("has") ? has() : isName(peek()) ? new Variable(List.of(take().split("\\."))) : literal();
    }

    private ReferenceCondition has() {
        take();
        expect("(");
        Variable variable = Variable.of(take());
        expect(")");
        return new Has(variable);
    }

    private Literal literal() {
        return new Literal(constant());
    }

    private AttributeValue constant() {
        String token = take();
        if (token.equals("[")) {
            List<AttributeValue> values = new ArrayList<>();
            while (!accept("]")) {
                values.add(constant());
                accept(",");
            }
            return new Many(values);
        }
        if (token.equals("timestamp")) {
            expect("(");
            Instant moment = Instant.parse(unquoted(take()));
            expect(")");
            return new Time(moment);
        }
        return switch (token.charAt(0)) {
            case '\'', '"' -> new Text(unquoted(token));
            case 't', 'f' -> new Truth(Boolean.parseBoolean(token));
            default -> token.contains(".") ? new Fraction(Double.parseDouble(token)) : new Whole(Long.parseLong(token));
        };
    }

    private static boolean isName(String token) {
        return !token.isEmpty()
                && Character.isLetter(token.charAt(0))
                && !Set.of("true", "false", "timestamp").contains(token);
    }

    private static String unquoted(String token) {
        return token.substring(1, token.length() - 1);
    }

    private boolean accept(String token) {
        boolean matches = peek().equals(token);
        next += matches ? 1 : 0;
        return matches;
    }

    private void expect(String token) {
        if (!accept(token)) {
            throw unexpected();
        }
    }

    private String peek() {
        return next < tokens.size() ? tokens.get(next) : "";
    }

    private String take() {
        if (next == tokens.size()) {
            throw unexpected();
        }
        return tokens.get(next++);
    }

    private IllegalArgumentException unexpected() {
        return new IllegalArgumentException("unexpected `" + peek() + "` in " + text);
    }
}
