package dev.assize.server.administration.review;

import dev.assize.server.administration.review.GrantRow.Position;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SubjectPattern;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the bindings of a tenant give at a moment, one binding after the other: by binding, subject and role. In memory is
 * what one binding gives. Not for two threads.
 */
public final class GrantRows {

    private final PolicySet tenant;
    private final PolicySet platform;
    private final TenantId self;
    private final Instant now;
    private final GrantFilter filter;
    private final Iterator<RoleBindingDocument> bindings;
    private final Map<String, SortedMap<String, List<String>>> rolesByRole = new HashMap<>();
    private Iterator<GrantRow> rows = Stream.<GrantRow>empty().iterator();
    private @Nullable Position position;

    /**
     * Those of a tenant.
     *
     * @param after behind which to begin; null for the beginning
     */
    public GrantRows(PolicySet tenant, PolicySet platform, Instant now, GrantFilter filter, @Nullable Position after) {
        this.tenant = tenant;
        this.platform = platform;
        this.self = tenant.scope().ledgerTenant();
        this.now = now;
        this.filter = filter;
        this.position = after;
        this.bindings = tenant.ofKind(RoleBindingDocument.class).stream()
                .filter(binding -> after == null || binding.name().compareTo(after.binding()) >= 0)
                .iterator();
    }

    /**
     * The next rows.
     *
     * @param max how many at the most
     * @param goOn asked before each binding; where it says no, there are fewer
     */
    public List<GrantRow> next(int max, BooleanSupplier goOn) {
        List<GrantRow> next = new ArrayList<>();
        while (next.size() < max && hasNext()) {
            if (rows.hasNext()) {
                GrantRow row = rows.next();
                position = row.position();
                next.add(row);
            } else if (goOn.getAsBoolean()) {
                open(bindings.next());
            } else {
                return next;
            }
        }
        return next;
    }

    /** Whether there may be more. */
    public boolean hasNext() {
        return rows.hasNext() || bindings.hasNext();
    }

    /** Behind what was looked at so far; null before the beginning. */
    public @Nullable Position position() {
        return position;
    }

    private void open(RoleBindingDocument binding) {
        Position after = position != null && position.binding().equals(binding.name()) ? position : null;
        position = new Position(binding.name(), null, null);
        if (!isActive(binding) || (after != null && after.subject() == null)) {
            return;
        }
        SortedMap<String, List<String>> roles = roles(binding.role());
        TenantId home = Objects.requireNonNullElse(binding.fromTenant(), self);
        rows = holders(binding, home).values().stream()
                .filter(holder -> filter.wants(holder.pattern, home))
                .flatMap(holder -> roles.entrySet().stream()
                        .filter(role -> filter.wants(role.getKey()))
                        .filter(role -> after == null || !after.isBehind(holder.pattern.toString(), role.getKey()))
                        .map(role -> new GrantRow(
                                binding, home, holder.pattern, role.getKey(), holder.groups, role.getValue())))
                .iterator();
    }

    private boolean isActive(RoleBindingDocument binding) {
        Instant from = binding.notBefore();
        Instant until = binding.notAfter();
        return (from == null || !now.isBefore(from)) && (until == null || now.isBefore(until));
    }

    /** A group has members of this tenant only: one that a binding for another tenant's subjects names has none. */
    private SortedMap<String, Holder> holders(RoleBindingDocument binding, TenantId home) {
        SortedMap<String, Holder> holders = new TreeMap<>();
        Deque<Holder> groups = new ArrayDeque<>();
        Set<Subject> seen = new HashSet<>();
        for (SubjectPattern pattern : binding.subjects()) {
            if (pattern instanceof SubjectPattern.Named(Subject subject) && subject.isGroup()) {
                if (home.equals(self) && seen.add(subject)) {
                    groups.add(new Holder(pattern, List.of(subject.id())));
                }
            } else {
                holders.putIfAbsent(pattern.toString(), new Holder(pattern, List.of()));
            }
        }
        while (!groups.isEmpty()) {
            Holder group = groups.remove();
            for (Subject member : members(group.groups.getLast())) {
                SubjectPattern pattern = new SubjectPattern.Named(member);
                if (!member.isGroup()) {
                    holders.putIfAbsent(pattern.toString(), new Holder(pattern, group.groups));
                } else if (seen.add(member)) {
                    groups.add(new Holder(pattern, with(group.groups, member.id())));
                }
            }
        }
        return holders;
    }

    private List<Subject> members(String group) {
        return tenant.find(new DocumentKey(tenant.scope(), Kind.GROUP, group))
                .map(GroupDocument.class::cast)
                .map(GroupDocument::members)
                .orElse(List.of());
    }

    /** A role and all that it inherits, each with the shortest way to it. */
    private SortedMap<String, List<String>> roles(String bound) {
        SortedMap<String, List<String>> known = rolesByRole.get(bound);
        if (known == null) {
            known = closure(bound);
            rolesByRole.put(bound, known);
        }
        return known;
    }

    private SortedMap<String, List<String>> closure(String bound) {
        SortedMap<String, List<String>> reached = new TreeMap<>(Map.of(bound, List.of()));
        Deque<String> rest = new ArrayDeque<>(List.of(bound));
        while (!rest.isEmpty()) {
            String role = rest.remove();
            List<String> way = with(reached.getOrDefault(role, List.of()), role);
            for (String inherited : inherits(role)) {
                if (reached.putIfAbsent(inherited, way) == null) {
                    rest.add(inherited);
                }
            }
        }
        return reached;
    }

    private List<String> inherits(String role) {
        return tenant.find(new DocumentKey(tenant.scope(), Kind.ROLE, role))
                .or(() -> platform.find(new DocumentKey(platform.scope(), Kind.ROLE, role)))
                .map(RoleDocument.class::cast)
                .map(RoleDocument::inherits)
                .orElse(List.of());
    }

    private static List<String> with(List<String> names, String last) {
        return Stream.concat(names.stream(), Stream.of(last)).toList();
    }

    /** Whom a binding reaches, and by which groups. */
    private record Holder(SubjectPattern pattern, List<String> groups) {}
}
