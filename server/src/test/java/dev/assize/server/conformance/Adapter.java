package dev.assize.server.conformance;

import com.fasterxml.jackson.databind.JsonNode;

/** One language's client, asked in the protocol of {@code client-sdk/conformance/README.md}. */
public interface Adapter extends AutoCloseable {

    /** As its directory in {@code client-sdk} is named. */
    String language();

    /** The answer to one line; for one thread at a time. */
    JsonNode ask(JsonNode line);

    @Override
    void close();
}
