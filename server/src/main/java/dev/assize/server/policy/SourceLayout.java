package dev.assize.server.policy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.assize.server.model.Limits;
import dev.assize.server.policy.DocumentReader.ReadResult;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.comments.CommentType;
import org.snakeyaml.engine.v2.events.CommentEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingEndEvent;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.events.SequenceEndEvent;
import org.snakeyaml.engine.v2.events.SequenceStartEvent;

/**
 * Lays a source out as {@link DocumentText} writes documents, with its comments.
 *
 * <p>A comment belongs to the field or list entry that it stands beside, or before which it has lines of its own, and
 * goes where that goes; where the canonical layout leaves that out, to what contained it. The result is read again before
 * it is given away: should it not say the same, or a comment be missing, the source is refused.
 */
public final class SourceLayout {

    private static final LoadSettings SETTINGS = LoadSettings.builder()
            .setCodePointLimit(Integer.MAX_VALUE)
            .setParseComments(true)
            .setUseMarks(true)
            .build();

    private static final String MARKER = "---";
    private static final char STEP = '\0';

    private SourceLayout() {}

    /** The text in its layout, or what is wrong with the source. */
    public record Laid(String text, List<Problem> problems) {}

    /**
     * Lays out the source of one document, or of none: what stands from one `---` to the next.
     *
     * @param firstLine the line of the file at which the bytes begin, from 1
     */
    public static Laid of(String file, int firstLine, byte[] yaml) {
        ReadResult read = DocumentReader.read(file, firstLine, yaml);
        if (!read.problems().isEmpty()) {
            return new Laid("", read.problems());
        }
        String text = new String(yaml, UTF_8);
        boolean marked = text.startsWith(MARKER);
        Remarks remarks = Remarks.of(text.startsWith("\uFEFF") ? text.substring(1) : text);
        if (read.documents().isEmpty()) {
            String comments = remarks.head();
            return new Laid(marked && !comments.isEmpty() ? MARKER + "\n" + comments : comments, List.of());
        }
        String canonical = DocumentText.write(read.documents().getFirst());
        if (canonical.getBytes(UTF_8).length > Limits.DOCUMENT_BYTES) {
            return refused(file, firstLine, "", "a document of at most " + Limits.DOCUMENT_BYTES + " bytes");
        }
        String body = remarks.addTo(canonical);
        String laid = marked ? MARKER + "\n" + remarks.head() + body : remarks.head() + MARKER + "\n" + body;
        return saysTheSame(laid, canonical, remarks)
                ? new Laid(laid, List.of())
                : refused(file, firstLine, "#", "comments on lines of their own, before the document");
    }

    private static Laid refused(String file, int line, String value, String expected) {
        return new Laid("", List.of(new Problem(new SourcePlace(file, line, 1), "source", value, expected)));
    }

    private static boolean saysTheSame(String laid, String canonical, Remarks remarks) {
        ReadResult again = DocumentReader.read("", 1, laid.getBytes(UTF_8));
        return again.problems().isEmpty()
                && again.documents().size() == 1
                && DocumentText.write(again.documents().getFirst()).equals(canonical)
                && Remarks.of(laid).texts().equals(remarks.texts());
    }

    /** A field or list entry: by its path, and the line on which it begins. */
    private record Anchor(String path, int line, boolean field) {}

    /**
     * A comment, or an empty line between comments.
     *
     * @param line on which it stands
     * @param next how many anchors come before it
     */
    private record Remark(String text, int line, int next, boolean inline) {}

    /** The comments of a text, and what they belong to. */
    private static final class Remarks {

        private final List<Anchor> anchors = new ArrayList<>();

        /** What a comment at the end of a line belongs to: its first field, or else its first entry. */
        private final Map<Integer, Anchor> byLine = new HashMap<>();

        private final List<Remark> remarks = new ArrayList<>();
        private final Iterator<Event> events;

        private Remarks(Iterator<Event> events) {
            this.events = events;
        }

        static Remarks of(String text) {
            Remarks remarks = new Remarks(new Parse(SETTINGS).parseString(text).iterator());
            while (remarks.events.hasNext()) {
                if (remarks.next() instanceof DocumentStartEvent) {
                    remarks.node(remarks.next(), "");
                }
            }
            return remarks;
        }

        /** Without order: that of comments may change with that of what they belong to. */
        List<String> texts() {
            return remarks.stream()
                    .map(Remark::text)
                    .filter(text -> !text.isEmpty())
                    .sorted()
                    .toList();
        }

        /** Comments before the document's first field, each group of them by itself. */
        String head() {
            StringBuilder head = new StringBuilder();
            boolean gap = false;
            for (Remark remark : remarks) {
                if (!isOfHead(remark)) {
                    continue;
                }
                if (remark.text.isEmpty()) {
                    gap = !head.isEmpty();
                    continue;
                }
                head.append(gap ? "\n" : "").append(remark.text).append('\n');
                gap = false;
            }
            return head.toString();
        }

        /** The document with all other comments. */
        String addTo(String canonical) {
            Map<String, Integer> lineOf = new HashMap<>();
            of(canonical).anchors.forEach(anchor -> lineOf.putIfAbsent(anchor.path, anchor.line));
            List<String> lines = canonical.lines().toList();
            Map<Integer, List<String>> before = new HashMap<>();
            Map<Integer, String> beside = new HashMap<>();
            for (Remark remark : remarks) {
                if (remark.text.isEmpty() || isOfHead(remark)) {
                    continue;
                }
                int line = lineOf(remark, lineOf, lines.size());
                if (!besideField(remark) || beside.putIfAbsent(line, remark.text) != null) {
                    before.computeIfAbsent(line, any -> new ArrayList<>()).add(remark.text);
                }
            }
            StringBuilder text = new StringBuilder();
            for (int i = 0; i <= lines.size(); i++) {
                String line = i < lines.size() ? lines.get(i) : "";
                String indent =
                        line.substring(0, line.length() - line.stripLeading().length());
                before.getOrDefault(i, List.of())
                        .forEach(comment -> text.append(indent).append(comment).append('\n'));
                if (i < lines.size()) {
                    text.append(line)
                            .append(beside.containsKey(i) ? " " + beside.get(i) : "")
                            .append('\n');
                }
            }
            return text.toString();
        }

        private boolean isOfHead(Remark remark) {
            return remark.next == 0;
        }

        private boolean besideField(Remark remark) {
            return remark.inline && byLine.containsKey(remark.line);
        }

        /** Where it goes in the canonical text; the line behind the last for what stands at the end. */
        private int lineOf(Remark remark, Map<String, Integer> lineOf, int end) {
            if (!besideField(remark) && remark.next >= anchors.size()) {
                return end;
            }
            String path = anchorOf(remark).path;
            while (!lineOf.containsKey(path) && !path.isEmpty()) {
                path = path.substring(0, path.lastIndexOf(STEP));
            }
            return lineOf.getOrDefault(path, 0);
        }

        private Anchor anchorOf(Remark remark) {
            Anchor beside = remark.inline ? byLine.get(remark.line) : null;
            return beside == null ? anchors.get(remark.next) : beside;
        }

        private void add(Anchor anchor) {
            anchors.add(anchor);
            byLine.merge(anchor.line, anchor, (first, later) -> first.field || !later.field ? first : later);
        }

        private void node(Event event, String path) {
            switch (event) {
                case MappingStartEvent _ -> {
                    for (Event key = next(); !(key instanceof MappingEndEvent); key = next()) {
                        String field = path + STEP + (key instanceof ScalarEvent scalar ? scalar.getValue() : "");
                        add(new Anchor(field, line(key), true));
                        node(next(), field);
                    }
                }
                case SequenceStartEvent _ -> {
                    int index = 0;
                    for (Event item = next(); !(item instanceof SequenceEndEvent); item = next()) {
                        // By their values, as the layout may sort them.
                        String entry = path
                                + STEP
                                + (item instanceof ScalarEvent scalar ? "=" + scalar.getValue() : "#" + index++);
                        add(new Anchor(entry, line(item), false));
                        node(item, entry);
                    }
                }
                default -> {}
            }
        }

        /** The next event that is no comment. */
        private Event next() {
            Event event = events.next();
            while (event instanceof CommentEvent comment) {
                boolean blank = comment.getCommentType() == CommentType.BLANK_LINE;
                remarks.add(new Remark(
                        blank ? "" : "#" + comment.getValue().stripTrailing(),
                        line(comment),
                        anchors.size(),
                        comment.getCommentType() == CommentType.IN_LINE));
                event = events.next();
            }
            return event;
        }

        private static int line(Event event) {
            return event.getStartMark().orElseThrow().getLine();
        }
    }
}
