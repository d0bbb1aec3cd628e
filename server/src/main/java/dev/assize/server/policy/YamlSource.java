package dev.assize.server.policy;

import dev.assize.server.model.Limits;
import dev.assize.server.policy.YamlNode.Entry;
import dev.assize.server.policy.YamlNode.Mapping;
import dev.assize.server.policy.YamlNode.Refused;
import dev.assize.server.policy.YamlNode.Scalar;
import dev.assize.server.policy.YamlNode.ScalarType;
import dev.assize.server.policy.YamlNode.Sequence;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingEndEvent;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.events.SequenceEndEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.resolver.CoreScalarResolver;
import org.snakeyaml.engine.v2.resolver.ScalarResolver;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/**
 * YAML text taken apart into its documents, in the 1.2 core schema, without trust in who wrote it.
 *
 * <p>The bytes are first cut at the lines that begin a document (`---`, which YAML allows nowhere else at the
 * start of a line), so that each document is measured before anything is decoded, and one that cannot be parsed
 * does not hide what is wrong with the others. Anchors, aliases, tags and `%` directives are refused altogether:
 * policy has no use for them, and without aliases there is nothing that could grow beyond its own length.
 */
public final class YamlSource {

    /** The longest source that is looked at. */
    public static final int MAX_BYTES = 4 * 1_024 * 1_024;

    /** How deep lists and mappings may nest. */
    public static final int MAX_DEPTH = 16;

    private static final String FIELD = "source";
    private static final LoadSettings SETTINGS = LoadSettings.builder()
            .setSchema(new CoreSchema())
            .setCodePointLimit(Integer.MAX_VALUE)
            .setUseMarks(true)
            .build();

    private final ScalarResolver resolver = new CoreScalarResolver(false);
    private final String file;
    private final int maxDocumentBytes;
    private final Problems problems;

    private YamlSource(String file, int maxDocumentBytes, Problems problems) {
        this.file = file;
        this.maxDocumentBytes = maxDocumentBytes;
        this.problems = problems;
    }

    /**
     * The documents of a source, without empty ones.
     *
     * @param firstLine the line of the file at which the bytes begin, from 1
     */
    public static List<Root> read(String file, int firstLine, byte[] yaml, Problems problems) {
        if (yaml.length > MAX_BYTES) {
            problems.add(
                    new SourcePlace(file, firstLine, 1),
                    FIELD,
                    yaml.length + " bytes",
                    "at most " + MAX_BYTES + " bytes");
            return List.of();
        }
        return new YamlSource(file, Limits.DOCUMENT_BYTES, problems).readAll(firstLine, yaml);
    }

    /** The documents of a source that was bounded when it came in. */
    static List<Root> readUnbounded(byte[] yaml, Problems problems) {
        return new YamlSource("", Integer.MAX_VALUE, problems).readAll(1, yaml);
    }

    private List<Root> readAll(int firstLine, byte[] yaml) {
        List<Root> documents = new ArrayList<>();
        for (Chunk chunk : cut(firstLine, yaml)) {
            readChunk(chunk, yaml, documents);
        }
        return List.copyOf(documents);
    }

    private void readChunk(Chunk chunk, byte[] yaml, List<Root> documents) {
        int size = chunk.end - chunk.start;
        if (size > maxDocumentBytes) {
            refuse(chunk.line, 1, size + " bytes", "a document of at most " + maxDocumentBytes + " bytes");
            return;
        }
        String text = decode(chunk, ByteBuffer.wrap(yaml, chunk.start, size));
        if (text == null || !isPrintable(chunk, text)) {
            return;
        }
        try {
            new Composer(chunk.line, new Parse(SETTINGS).parseString(text).iterator()).composeInto(documents);
        } catch (TooDeepException e) {
            problems.add(e.place, FIELD, "deeper nesting", "lists and mappings nested at most " + MAX_DEPTH + " deep");
        } catch (MarkedYamlEngineException e) {
            SourcePlace place = placeOf(chunk.line, e.getProblemMark().or(e::getContextMark));
            problems.add(place, FIELD, e.getProblem(), "YAML 1.2");
        } catch (YamlEngineException e) {
            refuse(chunk.line, 1, String.valueOf(e.getMessage()), "YAML 1.2");
        }
    }

    private @Nullable String decode(Chunk chunk, ByteBuffer bytes) {
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        CharBuffer text = CharBuffer.allocate(bytes.remaining());
        CoderResult result = decoder.decode(bytes, text, true);
        text.flip();
        if (result.isError()) {
            String before = text.toString();
            int line = chunk.line + (int) before.chars().filter(c -> c == '\n').count();
            refuse(
                    line,
                    before.length() - before.lastIndexOf('\n'),
                    String.format("byte 0x%02X", bytes.get(bytes.position())),
                    "UTF-8");
            return null;
        }
        String decoded = text.toString();
        return decoded.startsWith("\uFEFF") ? decoded.substring(1) : decoded;
    }

    private boolean isPrintable(Chunk chunk, String text) {
        int line = chunk.line;
        int lineStart = 0;
        boolean printable = true;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\n') {
                line++;
                lineStart = i + 1;
            } else if (isUnprintable(c)) {
                refuse(line, i - lineStart + 1, String.format("U+%04X", (int) c), "text without control characters");
                printable = false;
            }
        }
        return printable;
    }

    private static boolean isUnprintable(char c) {
        return (c < ' ' && c != '\t' && c != '\r') || (c >= 0x7F && c < 0xA0) || c == 0xFEFF || c >= 0xFFFE;
    }

    private void refuse(int line, int column, String value, String expected) {
        problems.add(new SourcePlace(file, line, column), FIELD, value, expected);
    }

    private SourcePlace placeOf(int line, Optional<Mark> mark) {
        return mark.map(m -> new SourcePlace(file, line + m.getLine(), m.getColumn() + 1))
                .orElseGet(() -> new SourcePlace(file, line, 1));
    }

    private static List<Chunk> cut(int firstLine, byte[] yaml) {
        List<Chunk> chunks = new ArrayList<>();
        int start = 0;
        int startLine = firstLine;
        int line = firstLine;
        for (int i = 0; i < yaml.length; i++) {
            if (yaml[i] == '\n') {
                line++;
                if (startsDocument(yaml, i + 1)) {
                    chunks.add(new Chunk(start, i + 1, startLine));
                    start = i + 1;
                    startLine = line;
                }
            }
        }
        chunks.add(new Chunk(start, yaml.length, startLine));
        return chunks;
    }

    private static boolean startsDocument(byte[] yaml, int at) {
        return at + 3 <= yaml.length
                && yaml[at] == '-'
                && yaml[at + 1] == '-'
                && yaml[at + 2] == '-'
                && (at + 3 == yaml.length || yaml[at + 3] <= ' ');
    }

    /**
     * One document.
     *
     * @param sound whether nothing in it was refused
     */
    public record Root(YamlNode node, boolean sound) {}

    /** The bytes of one document, and the line at which they begin. */
    private record Chunk(int start, int end, int line) {}

    /** Builds nodes from the events of one chunk. */
    private final class Composer {

        private final int line;
        private final Iterator<Event> events;

        Composer(int line, Iterator<Event> events) {
            this.line = line;
            this.events = events;
        }

        void composeInto(List<Root> documents) {
            while (events.hasNext()) {
                if (events.next() instanceof DocumentStartEvent start) {
                    int before = problems.found();
                    if (start.getSpecVersion().isPresent()) {
                        problems.add(place(start), FIELD, "%YAML", "documents without directives");
                    }
                    YamlNode root = node(events.next(), 1);
                    if (!(root instanceof Scalar scalar && scalar.type() == ScalarType.NULL)) {
                        documents.add(new Root(root, problems.found() == before));
                    }
                }
            }
        }

        private YamlNode node(Event event, int depth) {
            SourcePlace place = place(event);
            refuseAnchorAndTag(event, place);
            return switch (event) {
                case AliasEvent alias -> {
                    problems.add(place, FIELD, "*" + alias.getAlias(), "values written out: aliases are refused");
                    yield new Refused(place);
                }
                case ScalarEvent scalar -> new Scalar(place, scalar.getValue(), typeOf(scalar));
                case MappingStartEvent start -> mapping(place, deeper(start, depth));
                default -> sequence(place, deeper(event, depth));
            };
        }

        private int deeper(Event event, int depth) {
            if (depth > MAX_DEPTH) {
                throw new TooDeepException(place(event));
            }
            return depth + 1;
        }

        private YamlNode mapping(SourcePlace place, int depth) {
            List<Entry> entries = new ArrayList<>();
            for (Event event = events.next(); !(event instanceof MappingEndEvent); event = events.next()) {
                YamlNode key = node(event, depth);
                YamlNode value = node(events.next(), depth);
                if (key instanceof Scalar scalar && scalar.type() == ScalarType.STRING) {
                    entries.add(new Entry(key.place(), scalar.text(), value));
                } else if (!(key instanceof Refused)) {
                    problems.add(key.place(), FIELD, key.shown(), "a string as the key of a mapping");
                }
            }
            return new Mapping(place, List.copyOf(entries));
        }

        private YamlNode sequence(SourcePlace place, int depth) {
            List<YamlNode> items = new ArrayList<>();
            for (Event event = events.next(); !(event instanceof SequenceEndEvent); event = events.next()) {
                items.add(node(event, depth));
            }
            return new Sequence(place, List.copyOf(items));
        }

        private void refuseAnchorAndTag(Event event, SourcePlace place) {
            if (event instanceof NodeEvent node && !(event instanceof AliasEvent)) {
                node.getAnchor()
                        .ifPresent(anchor -> problems.add(
                                place, FIELD, "&" + anchor, "values without anchors: aliases are refused"));
            }
            Optional<String> tag = switch (event) {
                case ScalarEvent scalar -> scalar.getTag();
                case CollectionStartEvent collection -> collection.getTag();
                default -> Optional.empty();
            };
            tag.ifPresent(text -> problems.add(place, FIELD, text, "values without YAML tags"));
        }

        private ScalarType typeOf(ScalarEvent scalar) {
            if (!scalar.isPlain()) {
                return ScalarType.STRING;
            }
            Tag tag = resolver.resolve(scalar.getValue(), true);
            if (tag.equals(Tag.NULL)) {
                return ScalarType.NULL;
            } else if (tag.equals(Tag.BOOL)) {
                return ScalarType.BOOLEAN;
            }
            if (tag.equals(Tag.INT)) {
                return ScalarType.WHOLE;
            }
            return tag.equals(Tag.FLOAT) ? ScalarType.FRACTION : ScalarType.STRING;
        }

        private SourcePlace place(Event event) {
            return placeOf(line, event.getStartMark());
        }
    }

    /** Ends the reading of a document that nests too deep. */
    private static final class TooDeepException extends RuntimeException {

        // Transient for the compiler's sake only: never serialized.
        private final transient SourcePlace place;

        TooDeepException(SourcePlace place) {
            super("nested too deep", null, false, false);
            this.place = place;
        }
    }
}
