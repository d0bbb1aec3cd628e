package dev.assize.server.policy;

import dev.assize.server.policy.YamlNode.Entry;
import dev.assize.server.policy.YamlNode.Mapping;
import dev.assize.server.policy.YamlNode.Scalar;
import dev.assize.server.policy.YamlNode.ScalarType;
import dev.assize.server.policy.YamlNode.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads back the canonical layout, of which there is little: block mappings, block lists, strings plain or in double
 * quotes. Whatever else it meets, numbers and flow style among it, it leaves to the reader of all YAML, which gives the
 * same nodes and takes ten times as long. Places are not kept: stored documents bring their own.
 */
final class CanonicalYaml {

    private static final SourcePlace NOWHERE = SourcePlace.UNKNOWN;
    private static final String ITEM = "- ";

    private final String text;
    private int at;

    private CanonicalYaml(String text) {
        this.text = text;
    }

    /** The document, or empty for one that is not, or not only, of this layout. */
    static Optional<YamlNode> read(String text) {
        try {
            CanonicalYaml yaml = new CanonicalYaml(text);
            YamlNode root = yaml.mapping(0, new ArrayList<>(4));
            return yaml.at == text.length() ? Optional.of(root) : Optional.empty();
        } catch (OtherLayoutException e) {
            return Optional.empty();
        }
    }

    private YamlNode mapping(int indent, List<Entry> entries) {
        do {
            at += indent;
            entry(indent, entries);
        } while (isIndented(indent) && !text.startsWith(ITEM, at + indent));
        return new Mapping(NOWHERE, List.copyOf(entries));
    }

    /** From the first character of its key to the beginning of the line after it. */
    private void entry(int indent, List<Entry> entries) {
        String key = string();
        take(':');
        YamlNode value;
        if (peek() == '\n') {
            at++;
            value = isIndented(indent) && text.startsWith(ITEM, at + indent) ? sequence(indent) : deeper(indent);
        } else {
            take(' ');
            value = scalar();
        }
        entries.add(new Entry(NOWHERE, key, value));
    }

    private YamlNode deeper(int indent) {
        if (!isIndented(indent + 2)) {
            throw new OtherLayoutException();
        }
        return mapping(indent + 2, new ArrayList<>(4));
    }

    private YamlNode sequence(int indent) {
        List<YamlNode> items = new ArrayList<>(2);
        while (isIndented(indent) && text.startsWith(ITEM, at + indent)) {
            at += indent + ITEM.length();
            items.add(item(indent + ITEM.length()));
        }
        return new Sequence(NOWHERE, List.copyOf(items));
    }

    private YamlNode item(int indent) {
        int start = at;
        String first = string();
        if (peek() == '\n') {
            at++;
            return new Scalar(NOWHERE, first, ScalarType.STRING);
        }
        at = start;
        List<Entry> entries = new ArrayList<>(4);
        entry(indent, entries);
        return isIndented(indent) && !text.startsWith(ITEM, at + indent)
                ? mapping(indent, entries)
                : new Mapping(NOWHERE, List.copyOf(entries));
    }

    private YamlNode scalar() {
        String value = string();
        take('\n');
        return new Scalar(NOWHERE, value, ScalarType.STRING);
    }

    /** Whether the line has this indentation and no more. */
    private boolean isIndented(int indent) {
        for (int i = at; i < at + indent; i++) {
            if (i >= text.length() || text.charAt(i) != ' ') {
                return false;
            }
        }
        return at + indent < text.length() && text.charAt(at + indent) != ' ';
    }

    private String string() {
        return peek() == '"' ? quoted() : plain();
    }

    /** Up to the line's end, or to a colon that ends a key. */
    private String plain() {
        int start = at;
        while (isPlain(peek()) && !(peek() == ':' && isBlank(at + 1))) {
            at++;
        }
        String plain = text.substring(start, at);
        if (!DocumentText.isPlain(plain)) {
            throw new OtherLayoutException();
        }
        return plain;
    }

    private boolean isBlank(int index) {
        return index >= text.length() || text.charAt(index) == ' ' || text.charAt(index) == '\n';
    }

    private static boolean isPlain(char c) {
        return c > ' ' && c < 0x7F && c != '"';
    }

    private String quoted() {
        at++;
        int end = text.indexOf('"', at);
        int escape = text.indexOf('\\', at);
        if (end < 0 || (escape >= 0 && escape < end)) {
            throw new OtherLayoutException();
        }
        String quoted = text.substring(at, end);
        if (quoted.indexOf('\n') >= 0) {
            throw new OtherLayoutException();
        }
        at = end + 1;
        return quoted;
    }

    private char peek() {
        if (at >= text.length()) {
            throw new OtherLayoutException();
        }
        return text.charAt(at);
    }

    private void take(char expected) {
        if (peek() != expected) {
            throw new OtherLayoutException();
        }
        at++;
    }

    /** Ends the reading of what is not of this layout. */
    private static final class OtherLayoutException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        OtherLayoutException() {
            super("another layout", null, false, false);
        }
    }
}
