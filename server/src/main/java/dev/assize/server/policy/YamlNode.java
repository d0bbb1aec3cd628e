package dev.assize.server.policy;

import java.util.List;

/** A piece of YAML as it stands in the source: not yet a document, every part knows its place. */
public sealed interface YamlNode {

    SourcePlace place();

    /** As messages name it where something else was expected. */
    String shown();

    /** A single value, and what the core schema takes it for. */
    record Scalar(SourcePlace place, String text, ScalarType type) implements YamlNode {
        @Override
        public String shown() {
            return text.isEmpty() ? (type == ScalarType.NULL ? "null" : "\"\"") : text;
        }
    }

    /** What the core schema takes a scalar for. */
    enum ScalarType {
        STRING,
        NULL,
        BOOLEAN,
        WHOLE,
        FRACTION
    }

    record Sequence(SourcePlace place, List<YamlNode> items) implements YamlNode {
        @Override
        public String shown() {
            return items.isEmpty() ? "[]" : "a list";
        }
    }

    record Mapping(SourcePlace place, List<Entry> entries) implements YamlNode {
        @Override
        public String shown() {
            return entries.isEmpty() ? "{}" : "a mapping";
        }
    }

    /** Something already refused: whoever meets it says nothing more about it. */
    record Refused(SourcePlace place) implements YamlNode {
        @Override
        public String shown() {
            return "?";
        }
    }

    /**
     * A key and its value; keys may repeat, it is for the reader of the mapping to refuse that.
     *
     * @param place of the key
     */
    record Entry(SourcePlace place, String key, YamlNode value) {}
}
