package dev.assize.server.decision.compile;

import dev.assize.server.decision.evaluate.Attributes;
import dev.assize.server.decision.evaluate.Conditions;
import dev.assize.server.decision.evaluate.Duties;
import dev.assize.server.decision.evaluate.Freezes;
import dev.assize.server.decision.evaluate.RoleGraph;
import dev.assize.server.decision.evaluate.Schema;
import dev.assize.server.model.Environment;
import dev.assize.server.policy.AttributeDeclarations;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ApprovalRuleDocument;
import dev.assize.server.policy.Document.FreezeDocument;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.SeparationOfDutyDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.condition.AttributeDeclaration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Compiles what a policy says apart from whom it names. */
final class SchemaCompiler {

    private final PolicySet tenant;
    private final PolicySet platform;

    SchemaCompiler(PolicySet tenant, PolicySet platform) {
        this.tenant = tenant;
        this.platform = platform;
    }

    /** What is declared of attributes. */
    Attributes attributes() {
        Map<String, SortedMap<String, AttributeDeclaration>> ofResources = new HashMap<>();
        visible(ResourceTypeDocument.class).forEach((name, type) -> ofResources.put(name, type.attributes()));
        return new Attributes(Map.copyOf(self().subjectAttributes()), ofResources);
    }

    /**
     * The schema for the bound roles of these numbers.
     *
     * @param known conditions of an older schema; null for none
     */
    Schema schema(Map<String, Integer> roleNumbers, @Nullable Conditions known) {
        Attributes attributes = attributes();
        Conditions conditions = known != null && known.attributes().equals(attributes)
                ? known
                : new Conditions(attributes, AttributeDeclarations.of(tenant, platform));
        Map<String, Integer> environments = environments();
        Map<String, RoleDocument> roles = visible(RoleDocument.class);
        RoleGraph graph = new RoleGraph(roles);
        BoundRoles bound = new BoundRoles(roles, graph, roleNumbers);
        ResourceTable resources =
                new ResourceTable(visible(ResourceTypeDocument.class).values(), bound);
        CellTable cells = new CellTable(environments, bound, conditions);
        Schema.Types types = new Schema.Types(resources.nodes(cells), resources.otherNode(cells));
        return new Schema(environments, types, graph, conditions, cells.weightBytes());
    }

    Freezes freezes() {
        List<FreezeDocument> freezes = tenant.ofKind(FreezeDocument.class);
        return freezes.isEmpty() ? Freezes.NONE : new Freezes(freezes);
    }

    Duties duties() {
        return new Duties(
                self().environments(),
                visible(SeparationOfDutyDocument.class).values(),
                tenant.ofKind(ApprovalRuleDocument.class));
    }

    private TenantDocument self() {
        List<TenantDocument> documents = tenant.ofKind(TenantDocument.class);
        if (documents.size() != 1) {
            throw new IllegalArgumentException(documents.size() + " Tenant documents of " + tenant.scope());
        }
        return documents.getFirst();
    }

    /** Numbered in the order of their declaration. */
    private Map<String, Integer> environments() {
        Map<String, Integer> indexes = new LinkedHashMap<>();
        for (Environment environment : self().environments()) {
            indexes.putIfAbsent(environment.value(), indexes.size());
        }
        return indexes;
    }

    /** The tenant's documents of a kind and the platform's, by name. */
    private <D extends Document> Map<String, D> visible(Class<D> kind) {
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
