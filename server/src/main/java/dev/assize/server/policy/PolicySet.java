package dev.assize.server.policy;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document.RoleBindingDocument;
import dev.assize.server.policy.PolicyIndex.Sort;
import java.util.AbstractCollection;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.pcollections.PSortedMap;
import org.pcollections.TreePMap;

/**
 * All documents of one scope at one revision. Immutable; a set that differs in a few documents shares the rest with the
 * one it was made from, so that a change costs what it changes.
 */
public final class PolicySet {

    private final PolicyScope scope;
    private final Revision revision;
    private final Map<Kind, PSortedMap<String, Document>> documentsByKind;
    private final int size;

    /**
     * A function of the documents. Made when it is first asked for, once; sets that are made from this one from then on
     * have theirs from it, as soon as it is there. Guarded by this.
     */
    private @Nullable CompletableFuture<PolicyIndex> index;

    private PolicySet(
            PolicyScope scope,
            Revision revision,
            Map<Kind, PSortedMap<String, Document>> documentsByKind,
            @Nullable CompletableFuture<PolicyIndex> index) {
        this.index = index;
        this.scope = scope;
        this.revision = revision;
        this.documentsByKind = documentsByKind;
        this.size = documentsByKind.values().stream().mapToInt(Map::size).sum();
    }

    /** The documents of a scope; each must belong to it and no two may share a key. */
    public static PolicySet of(PolicyScope scope, Revision revision, Collection<? extends Document> documents) {
        Map<Kind, TreeMap<String, Document>> byKind = new EnumMap<>(Kind.class);
        for (Document document : documents) {
            TreeMap<String, Document> byName = byKind.computeIfAbsent(document.kind(), any -> new TreeMap<>());
            if (!document.scope().equals(scope) || byName.put(document.name(), document) != null) {
                throw new IllegalArgumentException("Foreign or repeated document " + document.key());
            }
        }
        Map<Kind, PSortedMap<String, Document>> shared = new EnumMap<>(Kind.class);
        byKind.forEach((kind, byName) -> shared.put(kind, TreePMap.fromSortedMap(byName)));
        return new PolicySet(scope, revision, shared, null);
    }

    public static PolicySet empty(PolicyScope scope) {
        return new PolicySet(scope, Revision.NONE, new EnumMap<>(Kind.class), null);
    }

    /** The set with some documents put and others deleted, at another revision. Deleting what is not there is nothing. */
    public PolicySet with(Revision next, Collection<? extends Document> puts, Collection<DocumentKey> deletes) {
        Map<Kind, PSortedMap<String, Document>> changed = new EnumMap<>(Kind.class);
        changed.putAll(documentsByKind);
        List<PolicyIndex.Change> changes = new ArrayList<>();
        for (DocumentKey key : deletes) {
            requireOwn(key);
            PSortedMap<String, Document> byName = changed.getOrDefault(key.kind(), TreePMap.empty());
            changes.add(new PolicyIndex.Change(byName.get(key.name()), null));
            changed.put(key.kind(), byName.minus(key.name()));
        }
        for (Document document : puts) {
            requireOwn(document.key());
            PSortedMap<String, Document> byName = changed.getOrDefault(document.kind(), TreePMap.empty());
            changes.add(new PolicyIndex.Change(byName.get(document.name()), document));
            changed.put(document.kind(), byName.plus(document.name(), document));
        }
        CompletableFuture<PolicyIndex> known = knownIndex();
        return new PolicySet(scope, next, changed, known == null ? null : known.thenApply(made -> made.with(changes)));
    }

    /**
     * Makes what judging a change takes, if it is not there. Costs the whole set, once: the sets that are made from this
     * one keep it up with what they change.
     */
    public void prepareForChange() {
        var _ = index();
    }

    /** Whether this set names every resource type that another one names. */
    public boolean namesAllTypesOf(PolicySet other) {
        return other.namedTypes().stream().allMatch(type -> index().refersTo(Sort.TYPE, type));
    }

    /** The resource types that bindings, resources and freezes name. */
    public Collection<String> namedTypes() {
        return index().targets(Sort.TYPE);
    }

    /** The bindings that have a condition. */
    public Collection<RoleBindingDocument> conditionalBindings() {
        return index().targets(Sort.CONDITIONAL).stream()
                .flatMap(name -> find(new DocumentKey(scope, Kind.ROLE_BINDING, name)).stream())
                .map(RoleBindingDocument.class::cast)
                .toList();
    }

    /** What its documents refer to. */
    @SuppressWarnings("ReferenceEquality") // Whether this very call is to make it.
    PolicyIndex index() {
        CompletableFuture<PolicyIndex> own = new CompletableFuture<>();
        CompletableFuture<PolicyIndex> known = knownIndexOr(own);
        if (known == own) {
            try {
                own.complete(PolicyIndex.of(documents()));
            } catch (Throwable broken) {
                own.completeExceptionally(broken);
            }
        }
        return known.join();
    }

    private synchronized @Nullable CompletableFuture<PolicyIndex> knownIndex() {
        return index;
    }

    /** One that could not be made, for want of memory, may be made another time. */
    private synchronized CompletableFuture<PolicyIndex> knownIndexOr(CompletableFuture<PolicyIndex> own) {
        CompletableFuture<PolicyIndex> known = index;
        if (known == null || known.isCompletedExceptionally()) {
            known = own;
            index = own;
        }
        return known;
    }

    public PolicyScope scope() {
        return scope;
    }

    public Revision revision() {
        return revision;
    }

    /** How many documents there are. */
    public int size() {
        return size;
    }

    /** By kind, then name; a view that copies nothing. */
    public Collection<Document> documents() {
        return new AbstractCollection<>() {
            @Override
            public Iterator<Document> iterator() {
                return new KindByKind(documentsByKind.values().iterator());
            }

            @Override
            public int size() {
                return size;
            }
        };
    }

    public Optional<Document> find(DocumentKey key) {
        PSortedMap<String, Document> byName = documentsByKind.get(key.kind());
        return byName == null || !key.scope().equals(scope)
                ? Optional.empty()
                : Optional.ofNullable(byName.get(key.name()));
    }

    /** The documents of a kind, by name. */
    public <D extends Document> List<D> ofKind(Class<D> kind) {
        return documentsByKind.values().stream()
                .filter(byName -> !byName.isEmpty()
                        && kind.isInstance(byName.values().iterator().next()))
                .flatMap(byName -> byName.values().stream())
                .map(kind::cast)
                .toList();
    }

    private void requireOwn(DocumentKey key) {
        if (!key.scope().equals(scope)) {
            throw new IllegalArgumentException("Foreign document " + key);
        }
    }

    /** Goes through the documents of one kind after the other. */
    private static final class KindByKind implements Iterator<Document> {

        private final Iterator<PSortedMap<String, Document>> kinds;
        private Iterator<Document> documents = Collections.emptyIterator();

        KindByKind(Iterator<PSortedMap<String, Document>> kinds) {
            this.kinds = kinds;
        }

        @Override
        public boolean hasNext() {
            while (!documents.hasNext() && kinds.hasNext()) {
                documents = kinds.next().values().iterator();
            }
            return documents.hasNext();
        }

        @Override
        public Document next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return documents.next();
        }
    }
}
