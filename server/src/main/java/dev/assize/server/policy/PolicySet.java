package dev.assize.server.policy;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** All documents of one scope at one revision. Immutable. */
public final class PolicySet {

    private final PolicyScope scope;
    private final Revision revision;
    private final SortedMap<DocumentKey, Document> documents;

    private PolicySet(PolicyScope scope, Revision revision, SortedMap<DocumentKey, Document> documents) {
        this.scope = scope;
        this.revision = revision;
        this.documents = Collections.unmodifiableSortedMap(documents);
    }

    /** The documents of a scope; each must belong to it and no two may share a key. */
    public static PolicySet of(PolicyScope scope, Revision revision, Collection<? extends Document> documents) {
        TreeMap<DocumentKey, Document> byKey = new TreeMap<>();
        for (Document document : documents) {
            if (!document.scope().equals(scope) || byKey.put(document.key(), document) != null) {
                throw new IllegalArgumentException("Foreign or repeated document " + document.key());
            }
        }
        return new PolicySet(scope, revision, byKey);
    }

    public static PolicySet empty(PolicyScope scope) {
        return new PolicySet(scope, Revision.NONE, new TreeMap<>());
    }

    public PolicyScope scope() {
        return scope;
    }

    public Revision revision() {
        return revision;
    }

    /** By kind, then name. */
    public Collection<Document> documents() {
        return documents.values();
    }

    public Optional<Document> find(DocumentKey key) {
        return Optional.ofNullable(documents.get(key));
    }

    /** The documents of a kind, by name. */
    public <D extends Document> List<D> ofKind(Class<D> kind) {
        return documents.values().stream()
                .filter(kind::isInstance)
                .map(kind::cast)
                .toList();
    }
}
