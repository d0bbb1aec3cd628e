package dev.assize.server.policy;

import dev.assize.server.model.AttributeValue;
import dev.assize.server.policy.Document.Permission;
import dev.assize.server.policy.Document.ResourceTypeDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.TenantDocument;
import dev.assize.server.policy.condition.AttributeDeclaration;
import dev.assize.server.policy.condition.AttributeType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** What a tenant, beside the platform, declares of attributes, and how what is stored is read by it. */
public final class AttributeDeclarations {

    private final SortedMap<String, AttributeDeclaration> subject;
    private final Map<String, SortedMap<String, AttributeDeclaration>> byType = new HashMap<>();
    private final Map<AnyOf<String>, SortedMap<String, AttributeDeclaration>> merged = new HashMap<>();

    private AttributeDeclarations(PolicySet tenant, PolicySet platform) {
        List<TenantDocument> self = tenant.ofKind(TenantDocument.class);
        subject =
                self.isEmpty() ? Collections.emptySortedMap() : self.getFirst().subjectAttributes();
        for (PolicySet set : List.of(platform, tenant)) {
            set.ofKind(ResourceTypeDocument.class).forEach(type -> byType.put(type.name(), type.attributes()));
        }
    }

    public static AttributeDeclarations of(PolicySet tenant, PolicySet platform) {
        return new AttributeDeclarations(tenant, platform);
    }

    /** Of all subjects. */
    public SortedMap<String, AttributeDeclaration> ofSubjects() {
        return subject;
    }

    /** Of the resources of a type. */
    public SortedMap<String, AttributeDeclaration> ofType(String type) {
        return byType.getOrDefault(type, Collections.emptySortedMap());
    }

    /** What the condition of a permission is told of resources: they are of the types that the permission covers. */
    public SortedMap<String, AttributeDeclaration> seenBy(Permission permission) {
        return ofTypes(permission.resources());
    }

    /** What the condition of a binding is told of resources: they are of the types in its scope. */
    public SortedMap<String, AttributeDeclaration> seenBy(RoleBindingDocument binding) {
        return ofTypes(binding.scopeOfGrant().resourceTypes().orElseGet(AnyOf.All::new));
    }

    /** Together, without the names that two types declare as different things. */
    private SortedMap<String, AttributeDeclaration> ofTypes(AnyOf<String> types) {
        return merged.computeIfAbsent(types, this::merge);
    }

    private SortedMap<String, AttributeDeclaration> merge(AnyOf<String> types) {
        SortedMap<String, AttributeDeclaration> all = new TreeMap<>();
        Set<String> ambiguous = new HashSet<>();
        for (String type : listed(types)) {
            ofType(type).forEach((name, declaration) -> {
                AttributeDeclaration other = all.putIfAbsent(name, declaration);
                if (other != null && !other.type().equals(declaration.type())) {
                    ambiguous.add(name);
                }
            });
        }
        all.keySet().removeAll(ambiguous);
        return Collections.unmodifiableSortedMap(all);
    }

    private Collection<String> listed(AnyOf<String> types) {
        return switch (types) {
            case AnyOf.All<String> _ -> new TreeMap<>(byType).keySet();
            case AnyOf.Listed<String> some -> some.values();
        };
    }

    /**
     * A stored value as its declaration reads it: documents know no moments, which are strings there, and a whole number
     * will do for one with a fraction. Empty where it is not of the type.
     */
    public static Optional<AttributeValue> read(AttributeType type, AttributeValue stored) {
        return switch (type.form()) {
            case STRING -> Optional.of(stored).filter(AttributeValue.Text.class::isInstance);
            case INT -> Optional.of(stored).filter(AttributeValue.Whole.class::isInstance);
            case BOOL -> Optional.of(stored).filter(AttributeValue.Truth.class::isInstance);
            case DOUBLE ->
                switch (stored) {
                    case AttributeValue.Whole whole -> Optional.of(new AttributeValue.Fraction(whole.value()));
                    case AttributeValue.Fraction fraction -> Optional.of(fraction);
                    default -> Optional.empty();
                };
            case TIMESTAMP ->
                switch (stored) {
                    case AttributeValue.Time time -> Optional.of(time);
                    case AttributeValue.Text text ->
                        Forms.timeIfAny(text.value()).map(AttributeValue.Time::new);
                    default -> Optional.empty();
                };
            case LIST -> stored instanceof AttributeValue.Many many ? readMany(type, many) : Optional.empty();
            case MAP -> stored instanceof AttributeValue.Fields fields ? readFields(type, fields) : Optional.empty();
        };
    }

    private static Optional<AttributeValue> readMany(AttributeType type, AttributeValue.Many many) {
        List<AttributeValue> read = new ArrayList<>();
        for (AttributeValue value : many.values()) {
            Optional<AttributeValue> element = readElement(type, value);
            if (element.isEmpty()) {
                return Optional.empty();
            }
            read.add(element.get());
        }
        return Optional.of(new AttributeValue.Many(read));
    }

    private static Optional<AttributeValue> readFields(AttributeType type, AttributeValue.Fields fields) {
        SortedMap<String, AttributeValue> read = new TreeMap<>();
        for (Map.Entry<String, AttributeValue> field : fields.values().entrySet()) {
            Optional<AttributeValue> element = readElement(type, field.getValue());
            if (element.isEmpty()) {
                return Optional.empty();
            }
            read.put(field.getKey(), element.get());
        }
        return Optional.of(new AttributeValue.Fields(read));
    }

    private static Optional<AttributeValue> readElement(AttributeType type, AttributeValue value) {
        AttributeType element = type.element();
        return element == null ? Optional.of(value) : read(element, value);
    }
}
