package dev.assize.server.audit;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;

/**
 * Tells whether a text is one JSON value (RFC 8259) that every reader understands alike: no member twice, nothing
 * behind the value, not nested without end. The text is kept as it is, never rewritten.
 */
final class JsonText {

    /** How deep arrays and objects nest. */
    static final int DEPTH = 64;

    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(
                    StreamReadConstraints.builder().maxNestingDepth(DEPTH).build())
            .build();

    private JsonText() {}

    /** What is wrong, if anything. */
    static Optional<String> fault(String text) {
        try (JsonParser parser = JSON.createParser(text)) {
            return fault(parser);
        } catch (JsonProcessingException e) {
            return Optional.of(e.getOriginalMessage());
        } catch (IOException e) {
            throw new UncheckedIOException("A text in memory cannot fail to be read", e);
        }
    }

    private static Optional<String> fault(JsonParser parser) throws IOException {
        if (parser.nextToken() == null) {
            return Optional.of("it is empty");
        }
        int depth = 0;
        do {
            // Values are read only when asked for; this asks, so that a broken one is found.
            parser.finishToken();
            depth += parser.currentToken().isStructStart()
                    ? 1
                    : parser.currentToken().isStructEnd() ? -1 : 0;
        } while (depth > 0 && parser.nextToken() != null);
        if (depth > 0) {
            return Optional.of("it ends early");
        }
        return parser.nextToken() == null ? Optional.empty() : Optional.of("something follows it");
    }
}
