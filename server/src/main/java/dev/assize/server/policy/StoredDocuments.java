package dev.assize.server.policy;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.policy.Document.GroupDocument;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.Document.Scope;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads many stored documents, and lets those that say the same share it: a million bindings name few roles, and most
 * subjects more than once. For one thread, and for as long as one load takes: it keeps whatever it has seen.
 */
public final class StoredDocuments {

    private final Map<Object, Object> seen = new HashMap<>();

    /** As {@link DocumentText#readStored}. */
    public Document read(PolicyScope scope, String yaml, String file, List<Integer> lines) {
        return shared(DocumentText.readStored(scope, yaml, file, lines));
    }

    /** The same document, of parts that were there before where they are equal. */
    public Document shared(Document document) {
        if (document instanceof RoleBindingDocument binding) {
            return shared(binding);
        }
        return document instanceof GroupDocument group
                ? new GroupDocument(shared(group.metadata()), one(group.place()), all(group.members()))
                : document;
    }

    private RoleBindingDocument shared(RoleBindingDocument binding) {
        return new RoleBindingDocument(
                shared(binding.metadata()),
                one(binding.place()),
                all(binding.subjects()),
                one(binding.role()),
                one(shared(binding.scopeOfGrant())),
                binding.fromTenant(),
                binding.notBefore(),
                binding.notAfter(),
                binding.when() == null ? null : one(binding.when()),
                binding.reason());
    }

    private Metadata shared(Metadata metadata) {
        return new Metadata(one(metadata.scope()), metadata.name(), one(metadata.labels()), metadata.manager());
    }

    private Scope shared(Scope scope) {
        return new Scope(
                scope.environments().map(this::one), scope.resourceTypes().map(this::one), scope.resources());
    }

    private <T> List<T> all(List<T> values) {
        return one(values.stream().map(this::one).toList());
    }

    /** The first that was equal. */
    @SuppressWarnings("unchecked") // Equal values of the kinds that are asked for here have one class.
    private <T> T one(T value) {
        Object first = seen.putIfAbsent(value, value);
        return first == null ? value : (T) first;
    }
}
