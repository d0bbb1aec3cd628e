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

    private final @Nullable Object[] environments;
    private final @Nullable Object[] nodes;
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
        this.environments = new NameTable<>(environments).slots();
        this.nodes = new NameTable<>(types.byName()).slots();
        this.types = types;
        this.roles = roles;
        this.conditions = conditions;
        this.weightBytes = cellWeightBytes
                + 64L * environments.size()
                + 4L * nodes.length
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
        byte[] name = NameTable.utf8(environment.value());
        return environment(name, 0, name.length);
    }

    /** The number of a question's environment. */
    int environment(CheckBytes names) {
        return environment(names.envBytes(), names.envOffset(), names.envLength());
    }

    private int environment(byte[] bytes, int offset, int length) {
        return NameTable.at(environments, bytes, offset, length) instanceof Integer index ? index : -1;
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
        ResourceNode node = types.byName().get(type);
        return node == null ? types.others() : node;
    }

    /** The node of the type that a question is about. */
    @Nullable
    ResourceNode type(CheckBytes names) {
        return NameTable.at(nodes, names.bytes(), names.typeOffset(), names.typeLength()) instanceof ResourceNode node
                ? node
                : types.others();
    }
}
