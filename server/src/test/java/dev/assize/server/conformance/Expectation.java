package dev.assize.server.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

/**
 * What an answer must be: of an object the members that are named, of a list every element in its order, else the very
 * value. {@code {"anyOf": […]}} takes one of several, {@code {"atMost": n}} and {@code {"atLeast": n}} bound a number,
 * {@code {"notEmpty": true}} takes any text but the empty one, {@code {"all": …}} any list whose elements are all so.
 */
final class Expectation {

    private Expectation() {}

    /** Where the answer is otherwise, and how; empty where it is as expected. */
    static Optional<String> differs(JsonNode expected, JsonNode answer) {
        return differs("", expected, answer);
    }

    private static Optional<String> differs(String path, JsonNode expected, JsonNode answer) {
        if (expected.has("anyOf")) {
            return holds(
                    expected.get("anyOf")
                            .valueStream()
                            .anyMatch(it -> differs(path, it, answer).isEmpty()),
                    path,
                    expected,
                    answer);
        }
        if (expected.has("atMost") || expected.has("atLeast")) {
            long number = answer.asLong();
            return holds(
                    number <= expected.path("atMost").asLong(Long.MAX_VALUE)
                            && number >= expected.path("atLeast").asLong(Long.MIN_VALUE),
                    path,
                    expected,
                    answer);
        }
        if (expected.path("notEmpty").asBoolean()) {
            return holds(answer.isTextual() && !answer.asText().isBlank(), path, expected, answer);
        }
        if (expected.has("all")) {
            return answer.isArray() && !answer.isEmpty()
                    ? answer.valueStream()
                            .flatMap(it -> differs(path + "/*", expected.get("all"), it).stream())
                            .findFirst()
                    : holds(false, path, expected, answer);
        }
        if (expected.isObject()) {
            return expected.propertyStream()
                    .flatMap(it -> differs(path + "/" + it.getKey(), it.getValue(), answer.path(it.getKey())).stream())
                    .findFirst();
        }
        if (expected.isArray()) {
            return elementsDiffer(path, expected, answer);
        }
        return holds(
                expected.isNull() ? answer.isNull() || answer.isMissingNode() : same(expected, answer),
                path,
                expected,
                answer);
    }

    private static Optional<String> elementsDiffer(String path, JsonNode expected, JsonNode answer) {
        if (!answer.isArray() || answer.size() != expected.size()) {
            return holds(false, path, expected, answer);
        }
        for (int i = 0; i < expected.size(); i++) {
            Optional<String> difference = differs(path + "/" + i, expected.get(i), answer.get(i));
            if (difference.isPresent()) {
                return difference;
            }
        }
        return Optional.empty();
    }

    private static boolean same(JsonNode expected, JsonNode answer) {
        return (expected.isNumber() && answer.isNumber())
                ? expected.decimalValue().compareTo(answer.decimalValue()) == 0
                : expected.equals(answer);
    }

    private static Optional<String> holds(boolean holds, String path, JsonNode expected, JsonNode answer) {
        return holds ? Optional.empty() : Optional.of(path + " is " + answer + ", expected " + expected);
    }
}
