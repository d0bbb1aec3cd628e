package dev.assize.benchmarks.world;

import com.cedarpolicy.model.entity.Entities;
import com.cedarpolicy.model.entity.Entity;
import com.cedarpolicy.value.EntityTypeName;
import com.cedarpolicy.value.EntityUID;
import com.cedarpolicy.value.Value;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** A world's entities as Cedar takes them, and of these the few that one question needs. */
final class CedarEntities {

    private final Map<EntityUID, Map<String, Value>> attributes = new HashMap<>();
    private final Map<EntityUID, Set<EntityUID>> parents = new HashMap<>();

    static EntityUID uid(String type, String id) {
        return new EntityUID(EntityTypeName.parse(type).orElseThrow(), id);
    }

    void attribute(EntityUID entity, String name, Value value) {
        attributes.computeIfAbsent(entity, absent -> new HashMap<>()).put(name, value);
    }

    void parent(EntityUID entity, EntityUID parent) {
        parents.computeIfAbsent(entity, absent -> new HashSet<>()).add(parent);
    }

    /** These and all that they are in. */
    Entities with(EntityUID... named) {
        Map<EntityUID, Entity> found = new HashMap<>();
        Deque<EntityUID> open = new ArrayDeque<>(Set.of(named));
        while (!open.isEmpty()) {
            EntityUID next = open.remove();
            if (!found.containsKey(next)) {
                Set<EntityUID> in = parents.getOrDefault(next, Set.of());
                found.put(next, new Entity(next, attributes.getOrDefault(next, Map.of()), in));
                open.addAll(in);
            }
        }
        return new Entities(new HashSet<>(found.values()));
    }
}
