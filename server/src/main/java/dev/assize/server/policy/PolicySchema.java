package dev.assize.server.policy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Set;
import java.util.TreeSet;

/**
 * What documents may look like as JSON Schema (draft-07), for editors and other tools. It never refuses what
 * {@link DocumentReader} accepts; the few things that a schema cannot say it lets through, see the reference.
 *
 * <p>One file holds the schema of the union; that of a kind is its definition with what that refers to.
 */
public final class PolicySchema {

    private static final String FILE = "/schema/policy.json";
    private static final String DEFINITIONS = "definitions";
    private static final String REFERENCE = "$ref";
    private static final String TO_DEFINITION = "#/definitions/";
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private PolicySchema() {}

    /** Of a document of any kind. */
    public static String ofAnyKind() {
        return written(union());
    }

    /** Of the documents of one kind. */
    public static String of(Kind kind) {
        ObjectNode union = union();
        JsonNode definitions = union.path(DEFINITIONS);
        JsonNode definition = definitions.path(kind.text());
        ObjectNode schema = MAPPER.createObjectNode();
        schema.set("$schema", union.path("$schema"));
        schema.put("$id", union.path("$id").asText() + ":" + kind.text());
        definition.properties().forEach(member -> schema.set(member.getKey(), member.getValue()));
        Set<String> named = new TreeSet<>();
        addNamed(definition, definitions, named);
        ObjectNode own = schema.putObject(DEFINITIONS);
        named.forEach(name -> own.set(name, definitions.path(name)));
        return written(schema);
    }

    /** Everything that a part of the schema refers to, at whatever distance. */
    private static void addNamed(JsonNode part, JsonNode definitions, Set<String> named) {
        if (part.path(REFERENCE).isTextual()) {
            String name = part.path(REFERENCE).textValue().substring(TO_DEFINITION.length());
            if (named.add(name)) {
                addNamed(definitions.path(name), definitions, named);
            }
        }
        part.forEach(inner -> addNamed(inner, definitions, named));
    }

    private static ObjectNode union() {
        try (InputStream in = PolicySchema.class.getResourceAsStream(FILE)) {
            if (in == null) {
                throw new IllegalStateException(FILE + " is not in the jar");
            }
            return MAPPER.readValue(in, ObjectNode.class);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    private static String written(ObjectNode schema) {
        DefaultIndenter lines = new DefaultIndenter("  ", "\n");
        DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
        printer.indentArraysWith(lines);
        printer.indentObjectsWith(lines);
        try {
            return MAPPER.writer(printer).writeValueAsString(schema) + "\n";
        } catch (JsonProcessingException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }
}
