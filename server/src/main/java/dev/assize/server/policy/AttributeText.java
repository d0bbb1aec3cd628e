package dev.assize.server.policy;

import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Names;

/** Attributes in their canonical layout: one line each, lists and maps in flow style, the maps in order of their keys. */
public final class AttributeText {

    private AttributeText() {}

    static int utf8Length(AttributeValue value) {
        return Names.utf8Length(write(value));
    }

    public static String write(AttributeValue value) {
        StringBuilder text = new StringBuilder();
        append(text, value);
        return text.toString();
    }

    private static void append(StringBuilder text, AttributeValue value) {
        switch (value) {
            case AttributeValue.Text it -> text.append(DocumentText.quoted(it.value()));
            case AttributeValue.Whole it -> text.append(it.value());
            case AttributeValue.Fraction it -> text.append(it.value());
            case AttributeValue.Truth it -> text.append(it.value());
            case AttributeValue.Time it ->
                text.append(DocumentText.quoted(it.value().toString()));
            case AttributeValue.Many many -> {
                String separator = "[";
                for (AttributeValue element : many.values()) {
                    text.append(separator);
                    append(text, element);
                    separator = ", ";
                }
                text.append(many.values().isEmpty() ? "[]" : "]");
            }
            case AttributeValue.Fields fields -> {
                text.append('{');
                String separator = "";
                for (var entry : fields.values().entrySet()) {
                    text.append(separator)
                            .append(DocumentText.quoted(entry.getKey()))
                            .append(": ");
                    append(text, entry.getValue());
                    separator = ", ";
                }
                text.append('}');
            }
        }
    }
}
