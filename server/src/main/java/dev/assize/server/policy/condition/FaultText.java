package dev.assize.server.policy.condition;

import dev.assize.server.policy.condition.Compilation.Fault;
import dev.cel.common.CelIssue;
import dev.cel.common.CelSource;
import dev.cel.common.CelSourceLocation;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the parser and the checker say, in the words of the person who wrote the condition. */
final class FaultText {

    private static final Pattern UNDECLARED = Pattern.compile("undeclared reference to '([^']*)'.*");
    private static final Pattern NO_OVERLOAD =
            Pattern.compile("found no matching overload for '([^']*)' applied to '(.*)' \\(candidates: .*");
    private static final Pattern EXPECTING = Pattern.compile("(mismatched|extraneous) input '(.*)' expecting .*");
    private static final Pattern NO_ALTERNATIVE = Pattern.compile("no viable alternative at input '(.*)'");
    private static final Pattern TOKEN = Pattern.compile("token recognition error at: '(.*)'");
    private static final Pattern NOT_SELECTABLE = Pattern.compile("type '(.*)' does not support field selection");

    private static final String KNOWN =
            "conditions know `subject` with `type`, `id`, `attr` and `groups`, `resource` with"
                    + " `type`, `id`, `path` and `attr`, `action`, `env`, `tenant`, `context` and `now`";

    private FaultText() {}

    static Fault of(CelIssue issue) {
        CelSourceLocation place = issue.getSourceLocation();
        return new Fault(Math.max(place.getLine(), 1), Math.max(place.getColumn(), 0) + 1, message(issue.getMessage()));
    }

    static Fault at(CelSource source, long expression, String message) {
        int offset = source.getPositionsMap().getOrDefault(expression, 0);
        return source.getOffsetLocation(offset)
                .map(place -> new Fault(place.getLine(), place.getColumn() + 1, message))
                .orElse(new Fault(1, 1, message));
    }

    /** How an operator is written; other functions have their own names. */
    static String operator(String function) {
        return switch (function) {
            case "_?_:_" -> "? :";
            case "_[_]" -> "[]";
            case "@in" -> "in";
            default -> function.replace("_", "").isEmpty() ? function : trimmed(function);
        };
    }

    static String type(String name) {
        return name.replace("google.protobuf.Timestamp", "timestamp")
                .replace("google.protobuf.Duration", "duration")
                .replace("null_type", "null");
    }

    private static String trimmed(String function) {
        return function.startsWith("_") || function.endsWith("_") ? function.replace("_", "") : function;
    }

    private static String message(String message) {
        Matcher undeclared = UNDECLARED.matcher(message);
        if (undeclared.matches()) {
            return "`" + undeclared.group(1) + "` is unknown here: " + KNOWN;
        }
        Matcher overload = NO_OVERLOAD.matcher(message);
        if (overload.matches()) {
            return "`" + operator(overload.group(1)) + "` does not take " + type(overload.group(2));
        }
        Matcher field = NOT_SELECTABLE.matcher(message);
        if (field.matches()) {
            return type(field.group(1)) + " has no fields";
        }
        return message.contains("does not select a field") || message.contains("has() macro")
                ? "`has` asks for a field, such as `has(subject.attr.level)`"
                : syntax(message);
    }

    private static String syntax(String message) {
        Matcher expecting = EXPECTING.matcher(message);
        if (expecting.matches()) {
            return unexpected(expecting.group(2));
        }
        Matcher alternative = NO_ALTERNATIVE.matcher(message);
        if (alternative.matches()) {
            return unexpected(alternative.group(1));
        }
        Matcher token = TOKEN.matcher(message);
        if (token.matches()) {
            return unexpected(token.group(1));
        }
        return message.contains("recursion limit") ? "nested too deeply" : type(message);
    }

    private static String unexpected(String token) {
        return token.equals("<EOF>") ? "ends where more was expected" : "`" + token + "` was not expected here";
    }
}
