package dev.assize.server.audit;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import dev.assize.server.model.PiiPattern;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Masks what looks like personal data in the free parts of an event: the reason, and the strings, numbers and
 * member names of the payload, each for itself; a number becomes the string of its mask. The rest of the payload stays byte for byte what it was. Every text is gone through once for each pattern,
 * in time linear in its length, and does not become longer than it was or than the mask.
 */
public final class Masking {

    /** Places that are named; of a payload with more it is said that it was masked. */
    static final int MAX_NAMED = 64;

    /** Characters of a place that is named. */
    private static final int MAX_POINTER = 256;

    private static final String REASON = "reason";
    private static final String PAYLOAD = "payload";

    /** Free texts in the payloads of the server's own entries; the rest of those is what policy and keys are. */
    private static final Set<String> OWN_TEXTS = Set.of("/reason", "/description", "/comment");

    private static final JsonFactory JSON = new JsonFactory();

    private final List<PiiPattern> patterns;

    public Masking(List<PiiPattern> patterns) {
        this.patterns = List.copyOf(patterns);
    }

    /**
     * An event as it may be written.
     *
     * @param masked where something was masked: `reason`, `payload`, or JSON pointers into the payload
     */
    public record Masked(AuditEvent event, List<String> masked) {}

    /** The event without what is masked. */
    public Masked apply(AuditEvent event) {
        if (patterns.isEmpty()) {
            return new Masked(event, List.of());
        }
        List<String> places = new ArrayList<>();
        String payload = event.payload() == null ? null : payload(event.payload(), isOwn(event), places);
        String reason = event.reason() == null ? null : mask(event.reason());
        if (reason != null && !reason.equals(event.reason())) {
            places.addFirst(REASON);
        }
        return places.isEmpty()
                ? new Masked(event, List.of())
                : new Masked(event.withTexts(reason, payload), List.copyOf(places));
    }

    /** A free text without what is masked. */
    public String masked(String text) {
        return mask(text);
    }

    private static boolean isOwn(AuditEvent event) {
        return event.type().startsWith(AuditEvent.OWN_TYPES);
    }

    private String mask(String text) {
        String masked = text;
        for (PiiPattern pattern : patterns) {
            masked = pattern.mask(masked);
        }
        return masked;
    }

    private String payload(String json, boolean own, List<String> places) {
        StringBuilder written = new StringBuilder(json.length());
        List<String> pointers = new ArrayList<>();
        int copied = 0;
        int names = 0;
        try (JsonParser parser = JSON.createParser(json)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                String pointer = isText(token) ? pointer(parser, own) : null;
                if (pointer == null) {
                    continue;
                }
                String text = parser.getText();
                String masked = mask(text);
                if (!masked.equals(text)) {
                    if (token == JsonToken.FIELD_NAME && ++names > 1) {
                        // Two members of one object must not come to have one name.
                        masked += "#" + names;
                    }
                    int from = (int) parser.currentTokenLocation().getCharOffset();
                    written.append(json, copied, from).append('"');
                    JsonStringEncoder.getInstance().quoteAsString(masked, written);
                    written.append('"');
                    copied = token.isNumeric() ? from + text.length() : endOfString(json, from);
                    pointers.add(pointer);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("A payload was judged to be JSON", e);
        }
        boolean named = pointers.size() <= MAX_NAMED && pointers.stream().allMatch(this::isNameable);
        places.addAll(named ? pointers : List.of(PAYLOAD));
        return written.append(json, copied, json.length()).toString();
    }

    private static boolean isText(JsonToken token) {
        return token == JsonToken.VALUE_STRING || token == JsonToken.FIELD_NAME || token.isNumeric();
    }

    /** Behind its closing quote; of a member name the parser has read on, to the value. */
    private static int endOfString(String json, int from) {
        int at = from + 1;
        while (json.charAt(at) != '"') {
            at += json.charAt(at) == '\\' ? 2 : 1;
        }
        return at + 1;
    }

    /** Where the text stands; null where it is not to be masked. */
    private static @Nullable String pointer(JsonParser parser, boolean own) {
        String pointer = parser.getParsingContext().pathAsPointer().toString();
        return own && !OWN_TEXTS.contains(pointer) ? null : pointer;
    }

    /**
     * The payload as a whole has an empty pointer, a long one would outgrow what it says, and one through a name that is
     * masked would say it.
     */
    private boolean isNameable(String pointer) {
        return !pointer.isEmpty()
                && pointer.length() <= MAX_POINTER
                && mask(pointer).equals(pointer);
    }
}
