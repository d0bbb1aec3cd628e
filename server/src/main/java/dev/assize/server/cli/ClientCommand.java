package dev.assize.server.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import picocli.CommandLine.Mixin;

/** A command that asks a running server, and prints the answer in the form that is wanted. */
abstract class ClientCommand extends ServerCommand {

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    @Mixin(name = ServerOptions.MIXIN)
    private ConnectionOptions own = new ConnectionOptions();

    ClientCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    ServerOptions own() {
        return own;
    }

    boolean wantsJson() {
        return ConnectionOptions.wantsJson(own.output, spec());
    }

    void print(JsonNode json) {
        try {
            out().println(JSON.writeValueAsString(json));
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }
}
