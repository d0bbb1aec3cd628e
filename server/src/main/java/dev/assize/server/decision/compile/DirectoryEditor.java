package dev.assize.server.decision.compile;

import dev.assize.server.decision.evaluate.BindingCounts;
import dev.assize.server.decision.evaluate.Conditions;
import dev.assize.server.decision.evaluate.DecisionGraph.Directory;
import dev.assize.server.decision.evaluate.Grant;
import dev.assize.server.decision.evaluate.GrantScope;
import dev.assize.server.decision.evaluate.GrantTerms;
import dev.assize.server.decision.evaluate.HomeDirectory;
import dev.assize.server.decision.evaluate.KnownResource;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.ResourceDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.SubjectDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.SortedNames;
import dev.assize.server.policy.SubjectPattern;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Changes a directory: takes documents away, adds others, and makes a directory that shares with the old one what no
 * document touched. Subjects of the tenant are found by themselves and through their groups; those of another tenant only
 * by a grant that names their home, and in no group.
 */
final class DirectoryEditor {

    private final TenantId tenant;
    private final Directory base;
    private final BindingCounts counts;
    private final Conditions conditions;
    private final HomeEditor residents;
    private final Map<TenantId, HomeEditor> guests = new HashMap<>();
    private final Map<ResourcePath, Integer> mentions = new HashMap<>();
    private final Map<Limits, GrantTerms> terms = new HashMap<>();
    private long addedWeightBytes;

    /** What limits a grant, as its document says it. */
    private record Limits(Scope scope, @Nullable String when, boolean timed) {}

    /**
     * An editor.
     *
     * @param counts of the bindings that there will be: every role has its number
     */
    DirectoryEditor(TenantId tenant, Directory base, BindingCounts counts, Conditions conditions) {
        this.tenant = tenant;
        this.base = base;
        this.counts = counts;
        this.conditions = conditions;
        this.residents = new HomeEditor(base.residents());
    }

    /** Of a tenant of which nothing is known. */
    static Directory empty() {
        return new Directory(HomeDirectory.NOBODY, Map.of(), SortedNames.of(KnownResource.ORDER, List.of()));
    }

    /** What a document was, and what it is now; at least one of the two is there. */
    void change(@Nullable Document before, @Nullable Document after) {
        if (before instanceof GroupDocument was && after instanceof GroupDocument is) {
            addedWeightBytes += DocumentWeight.of(is) - DocumentWeight.of(was);
            change(is.name(), was.members(), is.members());
            return;
        }
        if (before != null) {
            remove(before);
        }
        if (after != null) {
            add(after);
        }
    }

    void add(Document document) {
        addedWeightBytes += DocumentWeight.of(document);
        switch (document) {
            case RoleBindingDocument binding -> add(binding);
            case GroupDocument group -> change(group.name(), List.of(), group.members());
            case SubjectDocument subject -> residents.document(subject.subject(), true);
            case ResourceDocument resource -> mentions.merge(resource.resource(), 1, Integer::sum);
            case TenantDocument _,
                    ResourceTypeDocument _,
                    RoleDocument _,
                    SeparationOfDutyDocument _,
                    ApprovalRuleDocument _,
                    FreezeDocument _ -> {}
        }
    }

    private void remove(Document document) {
        addedWeightBytes -= DocumentWeight.of(document);
        switch (document) {
            case RoleBindingDocument binding -> remove(binding);
            case GroupDocument group -> change(group.name(), group.members(), List.of());
            case SubjectDocument subject -> residents.document(subject.subject(), false);
            case ResourceDocument resource -> mentions.merge(resource.resource(), -1, Integer::sum);
            case TenantDocument _,
                    ResourceTypeDocument _,
                    RoleDocument _,
                    SeparationOfDutyDocument _,
                    ApprovalRuleDocument _,
                    FreezeDocument _ -> {}
        }
    }

    /** Members that stay are not touched. */
    private void change(String group, List<Subject> was, List<Subject> is) {
        Set<Subject> added = new LinkedHashSet<>(is);
        for (Subject member : distinct(was)) {
            if (!added.remove(member)) {
                residents.removeMember(group, member);
            }
        }
        added.forEach(member -> residents.addMember(group, member));
    }

    Directory finish() {
        Map<TenantId, HomeDirectory> homes = new HashMap<>(base.guests());
        guests.forEach((home, editor) -> {
            HomeDirectory changed = editor.finish();
            addedWeightBytes += editor.addedWeightBytes();
            if (changed.isEmpty()) {
                homes.remove(home);
            } else {
                homes.put(home, changed);
            }
        });
        HomeDirectory own = residents.finish();
        addedWeightBytes += residents.addedWeightBytes();
        return new Directory(own, homes, resources());
    }

    /** What the changes add to the weight of directory and documents. */
    long addedWeightBytes() {
        return addedWeightBytes;
    }

    private void add(RoleBindingDocument binding) {
        int role = Objects.requireNonNull(counts.roleNumbers().get(binding.role()));
        Grant grant = new Grant(binding, role, terms(binding));
        HomeEditor home = home(binding);
        for (SubjectPattern pattern : distinct(binding.subjects())) {
            home.add(pattern, grant);
        }
        mention(binding, 1);
    }

    private void remove(RoleBindingDocument binding) {
        HomeEditor home = home(binding);
        for (SubjectPattern pattern : distinct(binding.subjects())) {
            home.remove(pattern, binding.name());
        }
        mention(binding, -1);
    }

    private HomeEditor home(RoleBindingDocument binding) {
        TenantId home = binding.fromTenant();
        return home == null || home.equals(tenant)
                ? residents
                : guests.computeIfAbsent(
                        home, any -> new HomeEditor(base.guests().getOrDefault(home, HomeDirectory.NOBODY)));
    }

    private void mention(RoleBindingDocument binding, int times) {
        binding.scopeOfGrant()
                .resources()
                .ifPresent(paths -> paths.forEach(path -> mentions.merge(path, times, Integer::sum)));
    }

    /** Grants that are limited alike share what limits them. */
    private @Nullable GrantTerms terms(RoleBindingDocument binding) {
        boolean timed = binding.notBefore() != null || binding.notAfter() != null;
        if (!timed && binding.when() == null && binding.scopeOfGrant().equals(Scope.ALL)) {
            return null;
        }
        return terms.computeIfAbsent(new Limits(binding.scopeOfGrant(), binding.when(), timed), limits -> {
            GrantTerms made = new GrantTerms(GrantScope.of(limits.scope()), conditions.of(binding), limits.timed());
            addedWeightBytes += made.weightBytes();
            return made;
        });
    }

    private SortedNames<KnownResource> resources() {
        mentions.values().removeIf(times -> times == 0);
        if (base.resources().isEmpty()) {
            addedWeightBytes += KnownResource.WEIGHT_BYTES * mentions.size();
            return SortedNames.of(
                    KnownResource.ORDER,
                    mentions.entrySet().stream()
                            .map(entry -> new KnownResource(entry.getKey(), entry.getValue()))
                            .toList());
        }
        SortedNames<KnownResource> resources = base.resources();
        for (Map.Entry<ResourcePath, Integer> entry : mentions.entrySet()) {
            KnownResource found = resources.find(new KnownResource(entry.getKey(), 0));
            int times = entry.getValue() + (found == null ? 0 : found.mentions());
            KnownResource changed = new KnownResource(entry.getKey(), times);
            resources = times == 0 ? resources.without(changed) : resources.with(changed);
            addedWeightBytes += KnownResource.WEIGHT_BYTES * ((times == 0 ? 0 : 1) - (found == null ? 0 : 1));
        }
        return resources;
    }

    /** A list that names something twice names it once. */
    private static <T> Collection<T> distinct(List<T> elements) {
        return elements.size() == 1 ? elements : new LinkedHashSet<>(elements);
    }

    /** The groups among the subjects that a document says something about. */
    static List<String> groupsNamed(Document document) {
        return switch (document) {
            case GroupDocument group -> groups(group.members());
            case RoleBindingDocument binding ->
                groups(binding.subjects().stream()
                        .flatMap(pattern -> pattern instanceof SubjectPattern.Named(Subject subject)
                                ? Stream.of(subject)
                                : Stream.empty())
                        .toList());
            case TenantDocument _,
                    ResourceTypeDocument _,
                    RoleDocument _,
                    SubjectDocument _,
                    ResourceDocument _,
                    SeparationOfDutyDocument _,
                    ApprovalRuleDocument _,
                    FreezeDocument _ -> List.of();
        };
    }

    private static List<String> groups(List<Subject> subjects) {
        return subjects.stream().filter(Subject::isGroup).map(Subject::id).toList();
    }
}
