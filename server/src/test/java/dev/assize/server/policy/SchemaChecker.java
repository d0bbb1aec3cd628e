package dev.assize.server.policy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Judges JSON by a JSON Schema of draft-07, plainly: every keyword by the words of its specification. One that it does
 * not know ends the test rather than being passed over.
 */
final class SchemaChecker {

    private final JsonNode root;
    private final Map<String, Pattern> patterns = new HashMap<>();

    SchemaChecker(JsonNode root) {
        this.root = root;
    }

    boolean accepts(JsonNode value) {
        return accepts(root, value);
    }

    private boolean accepts(JsonNode schema, JsonNode value) {
        if (schema.isBoolean()) {
            return schema.booleanValue();
        }
        if (schema.has("$ref")) {
            // Draft-07: what stands beside a reference does not count.
            return accepts(root.at(schema.get("$ref").textValue().substring(1)), value);
        }
        return schema.properties().stream().allMatch(it -> accepts(schema, it.getKey(), it.getValue(), value));
    }

    private boolean accepts(JsonNode schema, String keyword, JsonNode operand, JsonNode value) {
        return switch (keyword) {
            case "$schema", "$id", "title", "description", "default", "definitions", "then", "else" -> true;
            case "type" -> operand.isArray() ? any(operand, it -> isOf(it, value)) : isOf(operand, value);
            case "enum" -> any(operand, value::equals);
            case "const" -> operand.equals(value);
            case "allOf" -> all(operand, it -> accepts(it, value));
            case "anyOf" -> any(operand, it -> accepts(it, value));
            case "not" -> !accepts(operand, value);
            case "if" -> accepts(operand, value) ? branch(schema, "then", value) : branch(schema, "else", value);
            case "required" -> !value.isObject() || all(operand, it -> value.has(it.textValue()));
            case "properties" ->
                !value.isObject()
                        || operand.properties().stream()
                                .allMatch(it ->
                                        !value.has(it.getKey()) || accepts(it.getValue(), value.get(it.getKey())));
            case "additionalProperties" ->
                !value.isObject()
                        || value.properties().stream()
                                .allMatch(it ->
                                        schema.path("properties").has(it.getKey()) || accepts(operand, it.getValue()));
            case "propertyNames" ->
                !value.isObject()
                        || value.properties().stream().allMatch(it -> accepts(operand, TextNode.valueOf(it.getKey())));
            case "minProperties" -> !value.isObject() || value.size() >= operand.intValue();
            case "maxProperties" -> !value.isObject() || value.size() <= operand.intValue();
            case "items" -> !value.isArray() || all(value, it -> accepts(operand, it));
            case "minItems" -> !value.isArray() || value.size() >= operand.intValue();
            case "maxItems" -> !value.isArray() || value.size() <= operand.intValue();
            case "uniqueItems" -> !value.isArray() || isDistinct(value);
            case "minimum" -> !value.isNumber() || value.decimalValue().compareTo(operand.decimalValue()) >= 0;
            case "maximum" -> !value.isNumber() || value.decimalValue().compareTo(operand.decimalValue()) <= 0;
            case "minLength" -> !value.isTextual() || length(value) >= operand.intValue();
            case "maxLength" -> !value.isTextual() || length(value) <= operand.intValue();
            case "pattern" ->
                !value.isTextual()
                        || pattern(operand.textValue())
                                .matcher(value.textValue())
                                .find();
            default -> throw new AssertionError("Unknown keyword: " + keyword);
        };
    }

    private boolean branch(JsonNode schema, String keyword, JsonNode value) {
        return !schema.has(keyword) || accepts(schema.get(keyword), value);
    }

    private static boolean isOf(JsonNode type, JsonNode value) {
        return switch (type.textValue()) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isTextual();
            case "boolean" -> value.isBoolean();
            case "number" -> value.isNumber();
            case "integer" ->
                value.isNumber() && value.decimalValue().stripTrailingZeros().scale() <= 0;
            default -> throw new AssertionError("Unknown type: " + type);
        };
    }

    private static boolean isDistinct(JsonNode array) {
        Set<JsonNode> seen = new HashSet<>();
        return all(array, seen::add);
    }

    private static int length(JsonNode text) {
        return text.textValue().codePointCount(0, text.textValue().length());
    }

    /** In ECMA-262 a dollar is the end of the text, and no line break may follow. */
    private Pattern pattern(String ecma) {
        return patterns.computeIfAbsent(ecma, it -> Pattern.compile(it.replaceAll("(?<!\\\\)\\$", "\\\\z")));
    }

    private static boolean all(JsonNode array, Predicate<JsonNode> test) {
        for (JsonNode item : array) {
            if (!test.test(item)) {
                return false;
            }
        }
        return true;
    }

    private static boolean any(JsonNode array, Predicate<JsonNode> test) {
        return !all(array, test.negate());
    }
}
