package dev.assize.server.decision.evaluate;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.PolicySet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An immutable, compiled policy of one tenant at one revision, beside the platform's at one. Inheritance, groups and
 * implied actions are worked out once, when it is compiled: a request finds its cell by type, action and environment,
 * its grants by subject, and meets both in the few grants whose role has a rule in the cell. Maps on a request's path
 * are HashMaps that nobody changes: a look-up in those of {@link Map#copyOf} costs a division.
 */
public final class DecisionGraph {

    /** What a graph was compiled from. */
    public record Origin(PolicySet tenant, PolicySet platform) {}

    /**
     * The types of resource.
     *
     * @param others the node of every other type; null where there are no others
     */
    public record Types(
            Map<String, ResourceNode> byName, @Nullable ResourceNode others) {
        public Types {
            byName = new HashMap<>(byName);
        }
    }

    private final TenantId tenant;
    private final Origin origin;
    private final Map<String, Integer> environments;
    private final Types types;
    private final SubjectIndex residents;
    private final Map<TenantId, SubjectIndex> guests;
    private final long weightBytes;

    /**
     * A graph.
     *
     * @param residents grants of the tenant's own subjects
     * @param guests grants of other tenants' subjects, by their home
     * @param sharedWeightBytes the heap of cells, grants and documents
     */
    public DecisionGraph(
            Origin origin,
            Map<String, Integer> environments,
            Types types,
            SubjectIndex residents,
            Map<TenantId, SubjectIndex> guests,
            long sharedWeightBytes) {
        this.tenant = origin.tenant().scope().tenant().orElseThrow();
        this.origin = origin;
        this.environments = new HashMap<>(environments);
        this.types = types;
        this.residents = residents;
        this.guests = Map.copyOf(guests);
        this.weightBytes = sharedWeightBytes + ownWeightBytes();
    }

    public TenantId tenant() {
        return tenant;
    }

    public Revision revision() {
        return origin.tenant().revision();
    }

    public Revision platformRevision() {
        return origin.platform().revision();
    }

    /** The revision of one of the two scopes it was compiled from. */
    public Revision revision(PolicyScope scope) {
        return scope.isPlatform() ? platformRevision() : revision();
    }

    /** An estimate of its heap, documents included, for the cache. */
    public long weightBytes() {
        return weightBytes;
    }

    /** What it was compiled from. */
    public Origin origin() {
        return origin;
    }

    /** The index of an environment, negative where the tenant does not declare it. */
    int environment(Environment environment) {
        Integer index = environments.get(environment.value());
        return index == null ? -1 : index;
    }

    /** The node of a type, null where types are declared and it is not among them. */
    @Nullable
    ResourceNode type(String type) {
        ResourceNode node = types.byName().get(type);
        return node == null ? types.others() : node;
    }

    /** The index of a home tenant's subjects, null where no grant names one. */
    @Nullable
    SubjectIndex subjects(TenantId home) {
        return home.equals(tenant) ? residents : guests.get(home);
    }

    /**
     * The subjects of a home tenant that the policy knows by name, in the order of their names' bytes.
     *
     * @param type of subjects; null for all
     * @param after the name to begin behind; null for the first
     */
    public Iterator<Subject> knownSubjects(TenantId home, @Nullable String type, @Nullable String after) {
        return Known.subjects(origin.tenant(), home).stream()
                .filter(subject -> type == null || subject.type().equals(type))
                .filter(subject -> after == null || Utf8Order.INSTANCE.compare(subject.toString(), after) > 0)
                .iterator();
    }

    /** The `*` and `type:*` by which bindings name subjects of a home tenant: of one type, or of every type. */
    public List<String> wildcards(TenantId home, @Nullable String type) {
        return Known.wildcards(origin.tenant(), home, type);
    }

    /**
     * The resources of a type that the policy knows by name, in the order of their names' bytes.
     *
     * @param after the name to begin behind; null for the first
     */
    public Iterator<ResourcePath> knownResources(String type, @Nullable String after) {
        return Known.resources(origin.tenant()).stream()
                .filter(path -> path.type().equals(type))
                .filter(path -> after == null || Utf8Order.INSTANCE.compare(path.value(), after) > 0)
                .iterator();
    }

    /** The actions that a type declares, or where none are declared those that roles name for it, by name. */
    public List<Action> knownActions(String type) {
        ResourceNode node = type(type);
        return node == null ? List.of() : node.actions();
    }

    private long ownWeightBytes() {
        return 200
                + 64L * environments.size()
                + types.byName().values().stream()
                        .mapToLong(ResourceNode::weightBytes)
                        .sum()
                + residents.weightBytes()
                + guests.values().stream().mapToLong(SubjectIndex::weightBytes).sum();
    }
}
