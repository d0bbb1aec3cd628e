package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.FreezeTarget;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The freezes of a tenant. Each stands under one of the names it matches, the narrowest, so that a request meets few that
 * do not concern it; a tenant without freezes pays for a test of one field.
 */
public final class Freezes {

    private static final Comparator<FreezeDocument> BY_NAME =
            Comparator.comparing(FreezeDocument::name, Utf8Order.INSTANCE);

    // Behind the order, which it is made with.
    public static final Freezes NONE = new Freezes(List.of());

    private final boolean none;
    private final Map<String, List<FreezeDocument>> byRun = new HashMap<>();
    private final Map<Subject, List<FreezeDocument>> bySubject = new HashMap<>();
    private final Map<String, List<FreezeDocument>> byGroup = new HashMap<>();
    private final Map<String, List<FreezeDocument>> byResource = new HashMap<>();
    private final Map<String, List<FreezeDocument>> byAction = new HashMap<>();
    private final Map<String, List<FreezeDocument>> byType = new HashMap<>();
    private final List<FreezeDocument> others = new ArrayList<>();

    public Freezes(Collection<FreezeDocument> freezes) {
        none = freezes.isEmpty();
        freezes.stream()
                .sorted(BY_NAME)
                .forEach(freeze -> place(freeze.target()).add(freeze));
    }

    boolean areNone() {
        return none;
    }

    /**
     * Those that match a request, whenever they are active, by name.
     *
     * @param groups of the subject
     */
    List<FreezeDocument> matching(CheckQuery query, Supplier<? extends Set<String>> groups) {
        List<FreezeDocument> found = new ArrayList<>();
        add(found, byRun, query.runId(), query, groups);
        add(found, bySubject, query.subject(), query, groups);
        if (!byGroup.isEmpty()) {
            groups.get().forEach(group -> add(found, byGroup, group, query, groups));
        }
        if (!byResource.isEmpty()) {
            String path = query.resource().value();
            for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
                add(found, byResource, path.substring(0, slash), query, groups);
            }
            add(found, byResource, path, query, groups);
        }
        add(found, byAction, query.action().value(), query, groups);
        add(found, byType, query.resource().type(), query, groups);
        addMatching(found, others, query, groups);
        found.sort(BY_NAME);
        return found;
    }

    /** Whether it matches, whenever it is active. */
    static boolean matches(FreezeTarget target, CheckQuery query, Supplier<? extends Set<String>> groups) {
        ResourcePath path = target.resource();
        return (target.run() == null || target.run().equals(query.runId()))
                && (target.action() == null || target.action().equals(query.action()))
                && (path == null || query.resource().isUnder(path))
                && (target.resourceType() == null
                        || target.resourceType().equals(query.resource().type()))
                && (target.environment() == null || target.environment().equals(query.env()))
                && (target.subject() == null || matches(target.subject(), query.subject(), groups));
    }

    private static boolean matches(Subject frozen, Subject subject, Supplier<? extends Set<String>> groups) {
        return frozen.isGroup() ? groups.get().contains(frozen.id()) : frozen.equals(subject);
    }

    private List<FreezeDocument> place(FreezeTarget target) {
        if (target.run() != null) {
            return at(byRun, target.run());
        }
        if (target.subject() != null) {
            return target.subject().isGroup() ? at(byGroup, target.subject().id()) : at(bySubject, target.subject());
        }
        if (target.resource() != null) {
            return at(byResource, target.resource().value());
        }
        if (target.action() != null) {
            return at(byAction, target.action().value());
        }
        return target.resourceType() == null ? others : at(byType, target.resourceType());
    }

    private static <K> List<FreezeDocument> at(Map<K, List<FreezeDocument>> map, K key) {
        return map.computeIfAbsent(key, any -> new ArrayList<>());
    }

    private static <K> void add(
            List<FreezeDocument> found,
            Map<K, List<FreezeDocument>> map,
            @Nullable K key,
            CheckQuery query,
            Supplier<? extends Set<String>> groups) {
        if (!map.isEmpty() && key != null) {
            addMatching(found, map.getOrDefault(key, List.of()), query, groups);
        }
    }

    private static void addMatching(
            List<FreezeDocument> found,
            List<FreezeDocument> candidates,
            CheckQuery query,
            Supplier<? extends Set<String>> groups) {
        for (FreezeDocument candidate : candidates) {
            if (matches(candidate.target(), query, groups)) {
                found.add(candidate);
            }
        }
    }
}
