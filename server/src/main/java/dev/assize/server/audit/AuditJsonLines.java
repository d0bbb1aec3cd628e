package dev.assize.server.audit;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * Entries as JSON objects, one a line. Each says what can be read of it, and has the frame in base64 from which all of
 * it can be proven; what an entry does not say is not there.
 */
public final class AuditJsonLines {

    private static final JsonFactory JSON = new JsonFactory();

    private AuditJsonLines() {}

    /** The line of an entry, its end included. */
    public static String line(RecordedEvent entry) {
        StringWriter line = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(line)) {
            json.writeStartObject();
            for (AuditColumn column : AuditColumn.values()) {
                write(json, column, entry);
            }
            json.writeBinaryField("frame", entry.frame());
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("A text in memory can always be written", e);
        }
        return line.append('\n').toString();
    }

    private static void write(JsonGenerator json, AuditColumn column, RecordedEvent entry) throws IOException {
        Object value = column.of(entry).orElse(null);
        switch (value) {
            case null -> {}
            case Long number -> json.writeNumberField(column.title(), number);
            case Boolean flag -> json.writeBooleanField(column.title(), flag);
            case List<?> list -> {
                json.writeArrayFieldStart(column.title());
                for (Object element : list) {
                    json.writeString(String.valueOf(element));
                }
                json.writeEndArray();
            }
            default -> json.writeStringField(column.title(), value.toString());
        }
    }
}
