package dev.assize.server.policy;

import dev.assize.server.model.PolicyScope;
import java.util.Comparator;

/** What names a document: a name lives once in a kind and a scope. */
public record DocumentKey(PolicyScope scope, Kind kind, String name) implements Comparable<DocumentKey> {

    private static final Comparator<DocumentKey> ORDER = Comparator.comparing(DocumentKey::scope)
            .thenComparing(DocumentKey::kind)
            .thenComparing(DocumentKey::name);

    @Override
    public int compareTo(DocumentKey other) {
        return ORDER.compare(this, other);
    }

    /** For messages: `RoleBinding/noc-operators`. */
    @Override
    public String toString() {
        return kind.text() + "/" + name;
    }
}
