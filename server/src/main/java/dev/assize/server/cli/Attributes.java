package dev.assize.server.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.proto.v1.AttributeList;
import dev.assize.proto.v1.AttributeMap;
import dev.assize.proto.v1.AttributeValue;
import java.util.Optional;

/** Attribute values as people write them on a command line. */
final class Attributes {

    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private Attributes() {}

    /** A JSON value, a time behind an `@`, or else text. */
    static AttributeValue parse(String text) {
        if (text.startsWith("@")) {
            return AttributeValue.newBuilder()
                    .setTimestampValue(Times.timestamp(Times.parse(text.substring(1))))
                    .build();
        }
        return json(text)
                .flatMap(Attributes::value)
                .orElseGet(
                        () -> AttributeValue.newBuilder().setStringValue(text).build());
    }

    private static Optional<JsonNode> json(String text) {
        try {
            return Optional.of(JSON.readTree(text));
        } catch (JsonProcessingException noJson) {
            return Optional.empty();
        }
    }

    /** Empty for what attributes cannot be: nothing, and whole numbers that no 64 bits hold. */
    private static Optional<AttributeValue> value(JsonNode node) {
        AttributeValue.Builder value = AttributeValue.newBuilder();
        switch (node.getNodeType()) {
            case STRING -> value.setStringValue(node.textValue());
            case BOOLEAN -> value.setBoolValue(node.booleanValue());
            case NUMBER -> {
                if (!node.isIntegralNumber()) {
                    value.setDoubleValue(node.doubleValue());
                } else if (node.canConvertToLong()) {
                    value.setIntValue(node.longValue());
                } else {
                    return Optional.empty();
                }
            }
            case ARRAY -> {
                AttributeList.Builder list = AttributeList.newBuilder();
                for (JsonNode inner : node) {
                    Optional<AttributeValue> read = value(inner);
                    if (read.isEmpty()) {
                        return Optional.empty();
                    }
                    list.addValues(read.get());
                }
                value.setListValue(list);
            }
            case OBJECT -> {
                AttributeMap.Builder map = AttributeMap.newBuilder();
                for (var field : node.properties()) {
                    Optional<AttributeValue> read = value(field.getValue());
                    if (read.isEmpty()) {
                        return Optional.empty();
                    }
                    map.putValues(field.getKey(), read.get());
                }
                value.setMapValue(map);
            }
            case NULL, MISSING, BINARY, POJO -> {
                return Optional.empty();
            }
        }
        return Optional.of(value.build());
    }
}
