package dev.assize.server.decision.compile;

import dev.assize.server.decision.evaluate.BindingCounts;
import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.DecisionGraph.Directory;
import dev.assize.server.decision.evaluate.DecisionGraph.Origin;
import dev.assize.server.decision.evaluate.Schema;
import dev.assize.server.decision.evaluate.SubjectNode;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicySet;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Compiles the policy of a tenant, beside the platform's, into a graph, and brings a graph up to date. Takes policy that
 * is valid; what could only be there by a bug (a dangling name, a name in both scopes) is an
 * {@link IllegalArgumentException}, because to skip it could lose a deny.
 */
public final class GraphCompiler {

    /** Of a policy that has changed by more than one part in so many, the graph is compiled anew. */
    private static final int SMALL_PART = 4;

    private static final Set<Kind> OF_SCHEMA = EnumSet.of(Kind.TENANT, Kind.RESOURCE_TYPE, Kind.ROLE);
    private static final Set<Kind> OF_DUTIES = EnumSet.of(Kind.TENANT, Kind.SEPARATION_OF_DUTY, Kind.APPROVAL_RULE);

    private GraphCompiler() {}

    /** The graph of a tenant's policy and the platform's. */
    public static DecisionGraph compile(PolicySet tenant, PolicySet platform) {
        TenantId tenantId = tenant.scope().tenant().orElseThrow();
        requirePlatform(platform);
        BindingCounter counter = BindingCounter.ofNone();
        List<RoleBindingDocument> bindings = tenant.ofKind(RoleBindingDocument.class);
        bindings.forEach(counter::add);
        BindingCounts counts = counter.counts();
        requireRoles(counts.roleNumbers().keySet(), tenant, platform);
        bindings.forEach(binding -> requireGroups(binding, tenant));
        tenant.ofKind(GroupDocument.class).forEach(group -> requireGroups(group, tenant));
        SchemaCompiler compiler = new SchemaCompiler(tenant, platform);
        Schema schema = compiler.schema(counts.roleNumbers(), null);
        DirectoryEditor editor = new DirectoryEditor(tenantId, DirectoryEditor.empty(), counts, schema.conditions());
        tenant.documents().forEach(editor::add);
        Directory directory = editor.finish();
        // The platform's documents are one object in all graphs, and not counted.
        return new DecisionGraph(
                new Origin(tenant, platform),
                schema,
                compiler.freezes(),
                compiler.duties(),
                directory,
                counts,
                editor.addedWeightBytes());
    }

    /**
     * The graph of what a graph's policy has become. Costs what changed, not what there is; the old graph stays as it is,
     * and the new one shares with it what did not change.
     *
     * @param changed the names of all documents that were created, replaced or deleted in between
     */
    public static DecisionGraph update(
            DecisionGraph graph, PolicySet tenant, PolicySet platform, Set<DocumentKey> changed) {
        if (!graph.tenant().equals(tenant.scope().tenantOrNull())) {
            throw new IllegalArgumentException("The policy of " + tenant.scope() + " for a graph of " + graph.tenant());
        }
        requirePlatform(platform);
        Origin origin = new Origin(tenant, platform);
        List<Change> changes = changed.stream()
                .map(key -> new Change(key, find(graph.origin(), key), find(origin, key)))
                .filter(Change::isOne)
                .toList();
        BindingCounter counter = new BindingCounter(graph.bindingCounts());
        changes.forEach(change -> {
            change.before(RoleBindingDocument.class).ifPresent(counter::remove);
            change.after(RoleBindingDocument.class).ifPresent(counter::add);
        });
        Set<Kind> kinds = EnumSet.noneOf(Kind.class);
        changes.forEach(change -> kinds.add(change.key().kind()));
        if (counter.isWasteful() || changes.size() > tenant.size() / SMALL_PART) {
            return compile(tenant, platform);
        }
        return update(graph, origin, changes, kinds, counter);
    }

    private static DecisionGraph update(
            DecisionGraph graph, Origin origin, List<Change> changes, Set<Kind> kinds, BindingCounter counter) {
        SchemaCompiler compiler = new SchemaCompiler(origin.tenant(), origin.platform());
        BindingCounts counts = counter.counts();
        boolean otherSchema = counter.hasNewRoles() || kinds.stream().anyMatch(OF_SCHEMA::contains);
        requireNamed(changes, origin, counts);
        Schema schema = otherSchema
                ? compiler.schema(counts.roleNumbers(), graph.schema().conditions())
                : graph.schema();
        DirectoryEditor editor = new DirectoryEditor(graph.tenant(), graph.directory(), counts, schema.conditions());
        for (Change change : changes) {
            if (!change.key().scope().isPlatform()) {
                editor.change(change.before().orElse(null), change.after().orElse(null));
            }
        }
        if (isDeclaredOtherwise(graph, schema)) {
            retype(origin.tenant(), changes, editor);
        }
        Directory directory = editor.finish();
        requireUnused(changes, directory);
        return new DecisionGraph(
                origin,
                schema,
                kinds.contains(Kind.FREEZE) ? compiler.freezes() : graph.freezes(),
                kinds.stream().anyMatch(OF_DUTIES::contains) ? compiler.duties() : graph.duties(),
                directory,
                counts,
                graph.ownWeightBytes() + editor.addedWeightBytes());
    }

    /** Whether conditions are to be compiled anew, and some binding may have one. */
    private static boolean isDeclaredOtherwise(DecisionGraph graph, Schema schema) {
        return graph.bindingCounts().conditional() > 0
                && !graph.schema()
                        .conditions()
                        .attributes()
                        .equals(schema.conditions().attributes());
    }

    /** Bindings with a condition are compiled anew, though they are what they were. */
    private static void retype(PolicySet tenant, List<Change> changes, DirectoryEditor editor) {
        Set<DocumentKey> done = new HashSet<>();
        changes.forEach(change -> done.add(change.key()));
        tenant.conditionalBindings().stream()
                .filter(binding -> !done.contains(binding.key()))
                .forEach(binding -> editor.change(binding, binding));
    }

    /** A document that is not what it was. */
    private record Change(DocumentKey key, Optional<Document> before, Optional<Document> after) {

        boolean isOne() {
            return !before.equals(after);
        }

        <D extends Document> Optional<D> before(Class<D> kind) {
            return before.filter(kind::isInstance).map(kind::cast);
        }

        <D extends Document> Optional<D> after(Class<D> kind) {
            return after.filter(kind::isInstance).map(kind::cast);
        }
    }

    private static Optional<Document> find(Origin origin, DocumentKey key) {
        return (key.scope().isPlatform() ? origin.platform() : origin.tenant()).find(key);
    }

    private static void requirePlatform(PolicySet platform) {
        if (!platform.scope().isPlatform()) {
            throw new IllegalArgumentException("Not the platform's policy, but that of " + platform.scope());
        }
    }

    /** What the changed documents name is there, and roles that went are bound by none. */
    private static void requireNamed(List<Change> changes, Origin origin, BindingCounts counts) {
        for (Change change : changes) {
            change.after().ifPresent(document -> requireGroups(document, origin.tenant()));
            change.after(RoleBindingDocument.class)
                    .ifPresent(binding -> requireRoles(List.of(binding.role()), origin.tenant(), origin.platform()));
            Integer number = change.key().kind() == Kind.ROLE && change.after().isEmpty()
                    ? counts.roleNumbers().get(change.key().name())
                    : null;
            if (number != null && counts.uses()[number] > 0) {
                throw new IllegalArgumentException("No role `" + change.key().name() + "`");
            }
        }
    }

    /** Groups that went are named by no binding and no other group. */
    private static void requireUnused(List<Change> changes, Directory directory) {
        for (Change change : changes) {
            if (change.key().kind() == Kind.GROUP && change.after().isEmpty()) {
                SubjectNode node = directory.residents().group(change.key().name());
                if (node != null) {
                    throw new IllegalArgumentException(
                            "No group `" + change.key().name() + "`");
                }
            }
        }
    }

    private static void requireRoles(Collection<String> roles, PolicySet tenant, PolicySet platform) {
        for (String role : roles) {
            if (tenant.find(new DocumentKey(tenant.scope(), Kind.ROLE, role)).isEmpty()
                    && platform.find(new DocumentKey(PolicyScope.PLATFORM, Kind.ROLE, role))
                            .isEmpty()) {
                throw new IllegalArgumentException("No role `" + role + "`");
            }
        }
    }

    private static void requireGroups(Document document, PolicySet tenant) {
        boolean ofResidents = !(document instanceof RoleBindingDocument binding)
                || binding.fromTenant() == null
                || binding.fromTenant().equals(tenant.scope().tenantOrNull());
        for (String group : ofResidents ? DirectoryEditor.groupsNamed(document) : new ArrayList<String>()) {
            if (tenant.find(new DocumentKey(tenant.scope(), Kind.GROUP, group)).isEmpty()) {
                throw new IllegalArgumentException("No group `" + group + "`");
            }
        }
    }
}
