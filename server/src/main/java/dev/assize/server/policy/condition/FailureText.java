package dev.assize.server.policy.condition;

import dev.assize.server.policy.condition.AttributeMap.UnreadableException;
import dev.cel.common.CelErrorCode;
import dev.cel.runtime.CelEvaluationException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Why the interpreter failed, in the words of the person who wrote the condition; never with a value of a request. */
final class FailureText {

    private static final Pattern PLACE = Pattern.compile("evaluation error at <input>:(\\d+): (?s:(.*))");
    private static final Pattern MISSING_KEY = Pattern.compile("key '([^']*)' is not present in map");
    private static final Pattern NO_OVERLOAD = Pattern.compile("No matching overload for function '([^']+)'");

    private FailureText() {}

    static String of(CelEvaluationException failure) {
        for (@Nullable Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnreadableException unreadable) {
                return String.valueOf(unreadable.getMessage());
            }
        }
        String message = String.valueOf(failure.getMessage());
        Matcher place = PLACE.matcher(message);
        return place.matches()
                ? what(failure.getErrorCode(), place.group(2)) + " (at character "
                        + (Integer.parseInt(place.group(1)) + 1) + ")"
                : what(failure.getErrorCode(), message);
    }

    private static String what(CelErrorCode code, String message) {
        return switch (code) {
            case ATTRIBUTE_NOT_FOUND -> missing(message);
            case OVERLOAD_NOT_FOUND -> mismatched(message);
            case DIVIDE_BY_ZERO -> "it divides by zero";
            case INDEX_OUT_OF_BOUNDS -> "an index is outside of its list";
            case NUMERIC_OVERFLOW -> "a number is too large";
            case BAD_FORMAT -> "a text cannot be converted";
            case ITERATION_BUDGET_EXCEEDED -> "it visits more than " + ConditionLimits.ITERATIONS + " elements";
            case DUPLICATE_ATTRIBUTE -> "a map has a key twice";
            case INVALID_ARGUMENT -> "an argument is not valid";
            case INTERNAL_ERROR, AMBIGUOUS_OVERLOAD, TYPE_NOT_FOUND -> "a value is not of the type that is needed";
        };
    }

    /** A field that is not there is named in a sentence, and an index that is not there by itself. */
    private static String missing(String message) {
        if (message.contains("Error resolving field")) {
            return "a field is selected of what has none";
        }
        Matcher key = MISSING_KEY.matcher(message);
        return "`" + (key.find() ? key.group(1) : message) + "` is missing";
    }

    private static String mismatched(String message) {
        Matcher function = NO_OVERLOAD.matcher(message);
        return function.find()
                ? "`" + FaultText.operator(function.group(1)) + "` does not take values of these types"
                : "a function does not take values of these types";
    }
}
