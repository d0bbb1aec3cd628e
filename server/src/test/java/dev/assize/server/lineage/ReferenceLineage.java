package dev.assize.server.lineage;

import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.lineage.LineageNode.Cut;
import dev.assize.server.lineage.LineageNode.Link;
import dev.assize.server.lineage.LineageTracer.Direction;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Lineage by its definition: every pair of entries is looked at. */
public final class ReferenceLineage {

    /** B is derived from A, by the newest pair of entries. */
    private final Map<String, Map<String, Link>> sources = new HashMap<>();

    public ReferenceLineage(List<RecordedEvent> entries) {
        for (RecordedEvent reading : entries) {
            for (RecordedEvent writing : entries) {
                if (isDone(reading) && isDone(writing) && belongTogether(reading, writing)) {
                    Link link = new Link(
                            reading.seq(), writing.seq(), writing.event().runId());
                    for (String from : reading.event().reads()) {
                        for (String to : writing.event().writes()) {
                            sources.computeIfAbsent(to, _ -> new HashMap<>())
                                    .merge(from, link, ReferenceLineage::newer);
                        }
                    }
                }
            }
        }
    }

    private static boolean isDone(RecordedEvent entry) {
        return entry.event().outcome() == Outcome.SUCCESS || entry.event().outcome() == Outcome.PARTIAL;
    }

    private static boolean belongTogether(RecordedEvent reading, RecordedEvent writing) {
        return reading.seq() == writing.seq()
                || (reading.seq() < writing.seq()
                        && reading.event().runId() != null
                        && Objects.equals(
                                reading.event().runId(), writing.event().runId()));
    }

    private static Link newer(Link one, Link other) {
        Comparator<Link> byAge = Comparator.comparingLong(Link::writeSeq).thenComparingLong(Link::readSeq);
        return byAge.compare(one, other) >= 0 ? one : other;
    }

    /** The tree of a record. */
    public LineageNode trace(String uri, Direction direction, int depth, int maxRecords) {
        Node root = new Node(uri, null, null, 0);
        Set<String> placed = new HashSet<>(Set.of(uri));
        Deque<Node> queue = new ArrayDeque<>(List.of(root));
        int count = 1;
        while (!queue.isEmpty()) {
            Node node = queue.remove();
            Map<String, Link> steps = steps(node.uri, direction);
            if (node.depth == depth) {
                node.cut = steps.isEmpty() ? Cut.NONE : Cut.DEPTH;
                continue;
            }
            for (Map.Entry<String, Link> step : steps.entrySet()) {
                if (count == maxRecords) {
                    node.truncated = true;
                    break;
                }
                count++;
                Node child = new Node(step.getKey(), step.getValue(), node, node.depth + 1);
                node.derived.add(child);
                if (placed.add(child.uri)) {
                    queue.add(child);
                } else {
                    child.cut = node.isUnder(child.uri) ? Cut.CYCLE : Cut.REPEATED;
                }
            }
        }
        return root.node();
    }

    private Map<String, Link> steps(String uri, Direction direction) {
        Map<String, Link> all = new HashMap<>();
        if (direction == Direction.UPSTREAM) {
            all.putAll(sources.getOrDefault(uri, Map.of()));
        } else {
            sources.forEach((to, from) -> {
                if (from.containsKey(uri)) {
                    all.put(to, from.get(uri));
                }
            });
        }
        Map<String, Link> sorted = new LinkedHashMap<>();
        all.entrySet().stream()
                .sorted(Comparator.comparingLong((Map.Entry<String, Link> step) ->
                                -step.getValue().writeSeq())
                        .thenComparingLong(step -> -step.getValue().readSeq())
                        .thenComparing(Map.Entry::getKey))
                .forEach(step -> sorted.put(step.getKey(), step.getValue()));
        return sorted;
    }

    private static final class Node {

        private final String uri;
        private final @Nullable Link link;
        private final @Nullable Node above;
        private final int depth;
        private final List<Node> derived = new ArrayList<>();
        private Cut cut = Cut.NONE;
        private boolean truncated;

        Node(String uri, @Nullable Link link, @Nullable Node above, int depth) {
            this.uri = uri;
            this.link = link;
            this.above = above;
            this.depth = depth;
        }

        boolean isUnder(String other) {
            for (Node node = this; node != null; node = node.above) {
                if (node.uri.equals(other)) {
                    return true;
                }
            }
            return false;
        }

        LineageNode node() {
            return new LineageNode(
                    uri, link, cut, truncated, derived.stream().map(Node::node).toList());
        }
    }
}
