package dev.assize.server.decision.evaluate;

import dev.assize.server.decision.check.CheckBytes;
import dev.assize.server.model.Environment;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a graph knows apart from subjects: environments, types with their cells, roles, and what is declared of
 * attributes.
 */
public final class Schema {

    /**
     * The types of resource.
     *
     * @param others the node of every other type; null where there are no others
     */
    public record Types(
            Map<String, ResourceNode> byName, @Nullable ResourceNode others) {
        public Types {
            byName = Map.copyOf(byName);
        }
    }

    private final NameTable<Integer> environments;
    private final NameTable<ResourceNode> nodes;
    private final Types types;
    private final RoleGraph roles;
    private final Conditions conditions;
    private final long weightBytes;

    /**
     * A schema.
     *
     * @param environments their numbers, as cells count them
     * @param cellWeightBytes the heap of the cells
     */
    public Schema(
            Map<String, Integer> environments,
            Types types,
            RoleGraph roles,
            Conditions conditions,
            long cellWeightBytes) {
        this.environments = new NameTable<>(environments);
        this.nodes = new NameTable<>(types.byName());
        this.types = types;
        this.roles = roles;
        this.conditions = conditions;
        this.weightBytes = cellWeightBytes
                + 64L * environments.size()
                + nodes.tableWeightBytes()
                + types.byName().values().stream()
                        .mapToLong(ResourceNode::weightBytes)
                        .sum();
    }

    RoleGraph roles() {
        return roles;
    }

    Attributes attributes() {
        return conditions.attributes();
    }

    public Conditions conditions() {
        return conditions;
    }

    /** An estimate of its heap, for the cache. */
    public long weightBytes() {
        return weightBytes;
    }

    /** The number of an environment, negative where the tenant does not declare it. */
    int environment(Environment environment) {
        Integer index = environments.find(environment.value());
        return index == null ? -1 : index;
    }

    /** The number of a question's environment. */
    int environment(CheckBytes names) {
        Integer index = environments.find(names.envBytes(), names.envOffset(), names.envLength());
        return index == null ? -1 : index;
    }

    List<String> typeNames() {
        return types.byName().keySet().stream().sorted(Utf8Order.INSTANCE).toList();
    }

    boolean hasOtherTypes() {
        return types.others() != null;
    }

    /** The node of a type, null where types are declared and it is not among them. */
    @Nullable
    ResourceNode type(String type) {
        ResourceNode node = nodes.find(type);
        return node == null ? types.others() : node;
    }

    /** The node of the type that a question is about. */
    @Nullable
    ResourceNode type(CheckBytes names) {
        ResourceNode node = nodes.find(names.bytes(), names.typeOffset(), names.typeLength());
        return node == null ? types.others() : node;
    }
}
