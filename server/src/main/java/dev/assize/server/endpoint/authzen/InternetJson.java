package dev.assize.server.endpoint.authzen;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.endpoint.call.RefusedException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.TreeMap;

/**
 * Reads bodies as I-JSON (RFC 7493), which every reader understands alike: UTF-8, no member twice, no half of a
 * character, nothing behind the value, and not nested without end.
 */
final class InternetJson {

    /** How deep arrays and objects nest: attributes nest four deep, and lie in items of a request. */
    static final int DEPTH = 16;

    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(DEPTH)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private InternetJson() {}

    /** The object that a body is. */
    static ObjectNode object(byte[] body) {
        JsonNode value;
        try {
            value = JSON.readTree(text(body));
        } catch (JsonProcessingException e) {
            throw refused(e.getOriginalMessage());
        }
        if (!(value instanceof ObjectNode object)) {
            throw refused(value.isMissingNode() ? "nothing" : "no object");
        }
        requireWhole(object);
        return object;
    }

    private static String text(byte[] body) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
        } catch (CharacterCodingException e) {
            throw refused("not UTF-8");
        }
    }

    private static void requireWhole(JsonNode value) {
        if (value.isTextual()) {
            requireWhole(value.textValue());
        }
        value.fieldNames().forEachRemaining(InternetJson::requireWhole);
        value.forEach(InternetJson::requireWhole);
    }

    /** No encoder writes half of a character: it gives up, or writes another. */
    private static void requireWhole(String text) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw refused("a text with half of a surrogate pair");
        }
    }

    /** The same value in one order of members, with each number in one form: two readers agree that two are alike. */
    static JsonNode ordered(JsonNode value) {
        if (value instanceof ObjectNode object) {
            TreeMap<String, JsonNode> members = new TreeMap<>();
            object.forEachEntry((name, member) -> members.put(name, ordered(member)));
            ObjectNode ordered = JsonNodeFactory.instance.objectNode();
            members.forEach(ordered::set);
            return ordered;
        }
        if (value instanceof ArrayNode array) {
            ArrayNode ordered = JsonNodeFactory.instance.arrayNode();
            array.forEach(element -> ordered.add(ordered(element)));
            return ordered;
        }
        return value.isNumber() ? number(value) : value;
    }

    /** A whole number as one, however it was written. */
    private static JsonNode number(JsonNode number) {
        return number.canConvertToExactIntegral() && number.canConvertToLong()
                ? JsonNodeFactory.instance.numberNode(number.longValue())
                : number;
    }

    private static RefusedException refused(String found) {
        return RefusedException.invalid("body", found, "one JSON object (I-JSON, at most " + DEPTH + " deep)");
    }
}
