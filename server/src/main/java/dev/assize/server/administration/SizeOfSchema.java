package dev.assize.server.administration;

import dev.assize.server.decision.compile.GraphCompiler;
import dev.assize.server.decision.compile.PolicyTooLargeException;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.policy.AnyOf;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.RoleDocument;
import dev.assize.server.policy.Document.Scope;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.Metadata;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.SourcePlace;
import dev.assize.server.policy.SubjectPattern;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whether a tenant's policy fits into a graph, judged from its schema alone.
 *
 * <p>What a graph may be too large for grows with its types, actions, environments and bound roles, and not with how many
 * bindings bind them. So the schema is compiled with every role bound once, at the cost of the schema. What passes here
 * passes whatever is bound; a change of bindings needs no compilation.
 */
final class SizeOfSchema {

    private static final Set<Kind> SCHEMA = EnumSet.of(Kind.TENANT, Kind.RESOURCE_TYPE, Kind.ROLE);

    private final PolicySet before;
    private final PolicySet tenant;
    private final PolicySet platform;
    private final boolean declaresTypes;

    /**
     * The size of a policy.
     *
     * @param before the tenant's documents before a change, which fitted
     * @param tenant its documents now
     */
    SizeOfSchema(PolicySet before, PolicySet tenant, PolicySet platform) {
        this.before = before;
        this.tenant = tenant;
        this.platform = platform;
        this.declaresTypes = Stream.of(tenant, platform)
                .anyMatch(set -> !set.ofKind(ResourceTypeDocument.class).isEmpty());
    }

    /**
     * Whether a change of these documents can change the size. Where no types are declared, it can by naming one that
     * nothing named before.
     */
    boolean dependsOn(Set<DocumentKey> changed) {
        return changed.stream().anyMatch(key -> SCHEMA.contains(key.kind()))
                || (!declaresTypes && !before.namesAllTypesOf(tenant));
    }

    /** Why it does not fit; null where it does, or where there is no tenant any more. */
    @Nullable
    PolicyTooLargeException excess() {
        if (tenant.ofKind(TenantDocument.class).isEmpty()) {
            return null;
        }
        try {
            var _ = GraphCompiler.compile(everyRoleBound(), platform);
            return null;
        } catch (PolicyTooLargeException e) {
            return e;
        }
    }

    private PolicySet everyRoleBound() {
        List<Document> documents = new ArrayList<>();
        documents.addAll(tenant.ofKind(TenantDocument.class));
        documents.addAll(tenant.ofKind(ResourceTypeDocument.class));
        documents.addAll(tenant.ofKind(RoleDocument.class));
        Scope scope = declaresTypes ? Scope.ALL : typesInScopes();
        Stream.of(tenant, platform)
                .flatMap(set -> set.ofKind(RoleDocument.class).stream())
                .forEach(role -> documents.add(binding(role, scope)));
        return PolicySet.of(tenant.scope(), Revision.NONE, documents);
    }

    private Scope typesInScopes() {
        Collection<String> types = tenant.namedTypes();
        return types.isEmpty()
                ? Scope.ALL
                : new Scope(Optional.empty(), Optional.of(new AnyOf.Listed<>(List.copyOf(types))), Optional.empty());
    }

    private RoleBindingDocument binding(RoleDocument role, Scope scope) {
        return new RoleBindingDocument(
                new Metadata(tenant.scope(), role.name(), new TreeMap<>(), null),
                SourcePlace.UNKNOWN,
                List.of(new SubjectPattern.Named(new Subject("user", "anybody"))),
                role.name(),
                scope,
                null,
                null,
                null,
                null,
                null);
    }
}
