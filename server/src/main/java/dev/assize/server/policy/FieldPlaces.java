package dev.assize.server.policy;

import dev.assize.server.policy.YamlNode.Entry;
import dev.assize.server.policy.YamlNode.Mapping;
import dev.assize.server.policy.YamlNode.Refused;
import dev.assize.server.policy.YamlNode.Scalar;
import dev.assize.server.policy.YamlNode.Sequence;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Finds the line and column of fields that were judged when the text had already become documents, which know where they
 * begin and no more. Sources are kept as bytes and read again only when there is something to find: changes are mostly
 * right, and the places of all their fields would outweigh them.
 */
public final class FieldPlaces {

    /** Sources of a file that begin at one line, and are read. */
    private static final int AT_ONE_LINE = 16;

    /** By their first lines. */
    private final Map<String, NavigableMap<Integer, List<Source>>> sourcesByFile = new HashMap<>();

    /** A source as it was read. */
    private record Source(int firstLine, byte[] yaml) {}

    /** Keeps a source that {@link DocumentReader#read} was given. */
    public void add(String file, int firstLine, byte[] yaml) {
        sourcesByFile
                .computeIfAbsent(file, any -> new TreeMap<>())
                .computeIfAbsent(firstLine, any -> new ArrayList<>())
                .add(new Source(firstLine, yaml));
    }

    /** The same problems, each at its field where that can be found. */
    public List<Problem> refine(List<Problem> problems) {
        Map<Source, List<YamlNode>> read = new HashMap<>();
        return problems.stream()
                .map(problem -> find(problem, read)
                        .map(place -> new Problem(place, problem.field(), problem.value(), problem.expected()))
                        .orElse(problem))
                .toList();
    }

    private Optional<SourcePlace> find(Problem problem, Map<Source, List<YamlNode>> read) {
        SourcePlace begin = problem.place();
        int title = problem.field().indexOf(": ");
        if (begin.line() == 0 || begin.column() > 0 || title < 0) {
            return Optional.empty();
        }
        return lastBefore(begin, read).map(root -> find(root, problem.field().substring(title + 2)));
    }

    /**
     * The document in which the place lies: of the last source that begins before, unless that has only comments there.
     * Where a file has several sources at one line nobody knows which is meant, and of many none is read.
     */
    private Optional<YamlNode> lastBefore(SourcePlace place, Map<Source, List<YamlNode>> read) {
        NavigableMap<Integer, List<Source>> sources = sourcesByFile.getOrDefault(place.file(), new TreeMap<>());
        for (List<Source> some :
                sources.headMap(place.line(), true).descendingMap().values()) {
            Optional<YamlNode> last = some.size() > AT_ONE_LINE ? Optional.empty() : lastBefore(place, some, read);
            if (last.isPresent() || some.size() > AT_ONE_LINE) {
                return last;
            }
        }
        return Optional.empty();
    }

    private static Optional<YamlNode> lastBefore(
            SourcePlace place, List<Source> sources, Map<Source, List<YamlNode>> read) {
        Optional<YamlNode> last = Optional.empty();
        for (Source source : sources) {
            for (YamlNode root : read.computeIfAbsent(source, it -> nodes(place.file(), it))) {
                int line = root.place().line();
                if (line <= place.line()
                        && (last.isEmpty() || line > last.get().place().line())) {
                    last = Optional.of(root);
                }
            }
        }
        return last;
    }

    private static List<YamlNode> nodes(String file, Source source) {
        return YamlSource.read(file, source.firstLine, source.yaml, new Problems()).stream()
                .map(YamlSource.Root::node)
                .toList();
    }

    /** The place of a field, or of what stands nearest above it. */
    private static SourcePlace find(YamlNode node, String path) {
        return switch (node) {
            case Mapping mapping ->
                entryOf(mapping, path)
                        .map(entry -> find(entry.value(), rest(path, entry.key().length())))
                        .orElse(mapping.place());
            case Sequence sequence ->
                itemOf(sequence, path)
                        .map(item -> find(item, rest(path, path.indexOf(']') + 1)))
                        .orElse(sequence.place());
            case Scalar scalar -> scalar.place();
            case Refused refused -> refused.place();
        };
    }

    /** Keys may contain what separates the parts of a path; the longest that fits is meant. */
    private static Optional<Entry> entryOf(Mapping mapping, String path) {
        return mapping.entries().stream()
                .filter(entry -> isFirstPart(entry.key(), path))
                .max((one, other) ->
                        Integer.compare(one.key().length(), other.key().length()));
    }

    private static boolean isFirstPart(String key, String path) {
        return !key.isEmpty()
                && path.startsWith(key)
                && (path.length() == key.length() || ".[".indexOf(path.charAt(key.length())) >= 0);
    }

    private static Optional<YamlNode> itemOf(Sequence sequence, String path) {
        int close = path.indexOf(']');
        if (!path.startsWith("[") || close < 0) {
            return Optional.empty();
        }
        int index = Integer.parseInt(path, 1, close, 10);
        return index < sequence.items().size() ? Optional.of(sequence.items().get(index)) : Optional.empty();
    }

    private static String rest(String path, int length) {
        String rest = path.substring(length);
        return rest.startsWith(".") ? rest.substring(1) : rest;
    }
}
