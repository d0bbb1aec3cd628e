package dev.assize.server.decision.compile;

import dev.assize.server.decision.evaluate.DecisionGraph;
import dev.assize.server.decision.evaluate.Memberships;
import dev.assize.server.decision.evaluate.Utf8Order;
import dev.assize.server.model.Environment;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Compiles the policy of a tenant, beside the platform's, into a graph. Takes policy that is valid; what could only be
 * there by a bug (a dangling name, a name in both scopes) is an {@link IllegalArgumentException}, because to skip it
 * could lose a deny.
 */
public final class GraphCompiler {

    private GraphCompiler() {}

    /** The graph of a tenant's policy and the platform's. */
    public static DecisionGraph compile(PolicySet tenant, PolicySet platform) {
        TenantId tenantId = tenant.scope().tenant().orElseThrow();
        if (!platform.scope().isPlatform()) {
            throw new IllegalArgumentException("Not the platform's policy, but that of " + platform.scope());
        }
        List<RoleBindingDocument> bindings = tenant.ofKind(RoleBindingDocument.class).stream()
                .sorted(Comparator.comparing(Document::name, Utf8Order.INSTANCE))
                .toList();
        Map<String, Integer> environments = environments(tenant);
        BoundRoles roles = new BoundRoles(visible(RoleDocument.class, tenant, platform), bindings);
        ResourceTable resources = new ResourceTable(
                visible(ResourceTypeDocument.class, tenant, platform).values(), roles, bindings);
        CellTable cells = new CellTable(environments, roles);
        GrantTable grants = new GrantTable(tenantId, environments, resources, roles, bindings);
        Memberships memberships = new Memberships(tenant.ofKind(GroupDocument.class));
        return new DecisionGraph(
                new DecisionGraph.Origin(tenant, platform),
                environments,
                new DecisionGraph.Types(resources.nodes(cells), resources.otherNode(cells)),
                grants.residents(memberships),
                grants.guests(),
                // The platform's documents are one object in all graphs.
                cells.weightBytes() + grants.weightBytes() + DocumentWeight.of(tenant));
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
        return compile(tenant, platform);
    }

    /** Numbered in the order of their declaration. */
    private static Map<String, Integer> environments(PolicySet tenant) {
        List<TenantDocument> documents = tenant.ofKind(TenantDocument.class);
        if (documents.size() != 1) {
            throw new IllegalArgumentException(documents.size() + " Tenant documents of " + tenant.scope());
        }
        Map<String, Integer> indexes = new LinkedHashMap<>();
        for (Environment environment : documents.getFirst().environments()) {
            indexes.putIfAbsent(environment.value(), indexes.size());
        }
        return indexes;
    }

    /** The tenant's documents of a kind and the platform's, by name. */
    private static <D extends Document> Map<String, D> visible(Class<D> kind, PolicySet tenant, PolicySet platform) {
        Map<String, D> byName = new HashMap<>();
        Stream.concat(tenant.ofKind(kind).stream(), platform.ofKind(kind).stream())
                .forEach(document -> {
                    if (byName.put(document.name(), document) != null) {
                        throw new IllegalArgumentException(
                                document.key() + " is in " + tenant.scope() + " and in the platform");
                    }
                });
        return byName;
    }
}
