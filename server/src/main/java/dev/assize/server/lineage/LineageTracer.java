package dev.assize.server.lineage;

import dev.assize.server.lineage.LineageIndex.Found;
import dev.assize.server.lineage.LineageIndex.Kind;
import dev.assize.server.lineage.LineageIndex.Scope;
import dev.assize.server.lineage.LineageIndex.Span;
import dev.assize.server.lineage.LineageIndex.Touch;
import dev.assize.server.lineage.LineageNode.Cut;
import dev.assize.server.lineage.LineageNode.Link;
import jakarta.inject.Inject;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Follows records from what they were derived from, or to what was derived from them, level by level: two questions to the
 * index for each, however many records there are on it. A record is expanded where it stands first.
 *
 * <p>B is derived from A if an entry that succeeded read A and wrote B, or if two such entries of one run did, the one that
 * read first. What failed or was denied has moved nothing.
 */
public final class LineageTracer {

    /** Entries that are looked at for each record, and records of each of their runs: the newest. */
    public static final int LOOKED_AT = 100;

    /** Newest first; that of two links with one write, the newer read; then by name. */
    private static final Comparator<Step> NEWEST_FIRST = Comparator.comparingLong(
                    (Step step) -> step.link().writeSeq())
            .thenComparingLong(step -> step.link().readSeq())
            .reversed()
            .thenComparing(Step::uri);

    private final LineageIndex index;

    @Inject
    LineageTracer(LineageIndex index) {
        this.index = index;
    }

    /** Which way to go. */
    public enum Direction {
        UPSTREAM(Kind.WRITTEN, Kind.READ),
        DOWNSTREAM(Kind.READ, Kind.WRITTEN);

        private final Kind from;
        private final Kind to;

        Direction(Kind from, Kind to) {
            this.from = from;
            this.to = to;
        }
    }

    /**
     * The tree of a record.
     *
     * @param depth steps from the record
     * @param maxRecords in the tree, the record itself included
     */
    public LineageNode trace(Scope scope, String uri, Direction direction, int depth, int maxRecords) {
        Branch root = new Branch(uri, null, null);
        Set<String> placed = new HashSet<>(Set.of(uri));
        List<Branch> level = List.of(root);
        int left = maxRecords - 1;
        for (int at = 0; at < depth && !level.isEmpty(); at++) {
            List<Branch> next = new ArrayList<>();
            Map<String, Steps> steps = steps(scope, level, direction);
            for (Branch branch : level) {
                left -= branch.grow(steps.getOrDefault(branch.uri, Steps.NONE), left, placed, next);
            }
            level = next;
        }
        Map<String, Steps> beyond = steps(scope, level, direction);
        level.stream().filter(branch -> beyond.containsKey(branch.uri)).forEach(branch -> branch.cut = Cut.DEPTH);
        return root.node();
    }

    /** One step from each record of a level; records without any are not there. */
    private Map<String, Steps> steps(Scope scope, List<Branch> level, Direction direction) {
        if (level.isEmpty()) {
            return Map.of();
        }
        List<String> uris = level.stream().map(branch -> branch.uri).toList();
        Map<String, List<Touch>> touches = new LinkedHashMap<>();
        for (Touch touch : index.touches(scope, direction.from, uris, LOOKED_AT + 1)) {
            touches.computeIfAbsent(touch.uri(), _ -> new ArrayList<>()).add(touch);
        }
        List<Group> groups = new ArrayList<>();
        Set<String> more = new HashSet<>();
        touches.forEach((uri, all) -> {
            if (all.size() > LOOKED_AT) {
                more.add(uri);
            }
            groups.addAll(groups(uri, all.subList(0, Math.min(all.size(), LOOKED_AT)), direction, scope.toSeq()));
        });
        List<Found> found = index.within(
                scope, direction.to, groups.stream().map(Group::span).toList(), LOOKED_AT + 1);
        Map<String, Map<String, Step>> best = new HashMap<>();
        Map<Integer, Integer> counts = new HashMap<>();
        for (Found one : found) {
            Group group = groups.get(one.span());
            if (counts.merge(one.span(), 1, Integer::sum) > LOOKED_AT) {
                more.add(group.uri);
                continue;
            }
            Step step = new Step(one.uri(), group.link(one.seq(), direction));
            best.computeIfAbsent(group.uri, _ -> new HashMap<>())
                    .merge(one.uri(), step, (before, now) -> NEWEST_FIRST.compare(before, now) <= 0 ? before : now);
        }
        Map<String, Steps> steps = new HashMap<>();
        for (String uri : uris) {
            Map<String, Step> own = best.getOrDefault(uri, Map.of());
            if (!own.isEmpty() || more.contains(uri)) {
                steps.put(
                        uri,
                        new Steps(own.values().stream().sorted(NEWEST_FIRST).toList(), more.contains(uri)));
            }
        }
        return steps;
    }

    /** Entries of one run together: what any of them could have been derived from, or what from any of them. */
    private static List<Group> groups(String uri, List<Touch> touches, Direction direction, long toSeq) {
        Map<String, TreeSet<Long>> byRun = new LinkedHashMap<>();
        List<Group> groups = new ArrayList<>();
        for (Touch touch : touches) {
            if (touch.runId() == null) {
                groups.add(
                        new Group(uri, new Span(null, touch.seq(), touch.seq()), new TreeSet<>(Set.of(touch.seq()))));
            } else {
                byRun.computeIfAbsent(touch.runId(), _ -> new TreeSet<>()).add(touch.seq());
            }
        }
        byRun.forEach((run, seqs) -> groups.add(new Group(
                uri,
                direction == Direction.UPSTREAM ? new Span(run, 0, seqs.last()) : new Span(run, seqs.first(), toSeq),
                seqs)));
        return groups;
    }

    /** Entries that list a record, and where to look for what they belong together with. */
    private record Group(String uri, Span span, NavigableSet<Long> seqs) {

        /** The newest pair with an entry that was found in the span. */
        Link link(long found, Direction direction) {
            return direction == Direction.UPSTREAM
                    ? new Link(found, seqs.last(), span.runId())
                    : new Link(Objects.requireNonNull(seqs.floor(found)), found, span.runId());
        }
    }

    private record Step(String uri, Link link) {}

    private record Steps(List<Step> all, boolean more) {

        static final Steps NONE = new Steps(List.of(), false);
    }

    /** A node that grows. */
    private static final class Branch {

        private final String uri;
        private final @Nullable Link link;
        private final @Nullable Branch above;
        private final List<Branch> derived = new ArrayList<>();
        private Cut cut = Cut.NONE;
        private boolean truncated;

        Branch(String uri, @Nullable Link link, @Nullable Branch above) {
            this.uri = uri;
            this.link = link;
            this.above = above;
        }

        /** Takes what there is room for; how much that is. Those to be expanded are added to the next level. */
        int grow(Steps steps, int room, Set<String> placed, List<Branch> next) {
            int taken = Math.min(room, steps.all().size());
            truncated = steps.more() || taken < steps.all().size();
            for (Step step : steps.all().subList(0, taken)) {
                Branch branch = new Branch(step.uri(), step.link(), this);
                derived.add(branch);
                if (placed.add(step.uri())) {
                    next.add(branch);
                } else {
                    branch.cut = isUnder(step.uri()) ? Cut.CYCLE : Cut.REPEATED;
                }
            }
            return taken;
        }

        private boolean isUnder(String other) {
            return uri.equals(other) || (above != null && above.isUnder(other));
        }

        LineageNode node() {
            return new LineageNode(
                    uri,
                    link,
                    cut,
                    truncated,
                    derived.stream().map(Branch::node).toList());
        }
    }
}
