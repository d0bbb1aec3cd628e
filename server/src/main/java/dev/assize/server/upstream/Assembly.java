package dev.assize.server.upstream;

import com.google.protobuf.ByteString;
import dev.assize.proto.v1.PlacedDocument;
import dev.assize.proto.v1.PolicyDocuments;
import dev.assize.proto.v1.PolicyState;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.Kind;
import dev.assize.server.policy.PolicyDigest;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.policy.PolicySum;
import dev.assize.server.policy.StoredDocuments;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What has been heard of the next state. It becomes one when its name comes in, and only if its documents have the digests
 * that it names. For one thread.
 */
final class Assembly {

    private final Part own;
    private final Part platform = new Part(PolicyScope.PLATFORM);
    private final @Nullable Followed base;

    /** The next state of a tenant behind one; null where there is none. */
    Assembly(PolicyScope scope, @Nullable Followed base) {
        this.own = new Part(scope);
        this.base = base;
    }

    /** Takes in one part. */
    void add(PolicyDocuments part) {
        (part.getPlatform() ? platform : own).add(part);
    }

    /** Whether it is made from nothing. */
    boolean isWhole() {
        return own.whole;
    }

    /**
     * The state of that name.
     *
     * @throws UpstreamMismatchException where what was heard is not that state
     */
    Followed state(PolicyState name) {
        Summed tenants = own.state(
                base == null ? null : new Summed(base.policy().tenant(), base.sum()),
                name.getRevision(),
                name.getPolicyDigest());
        Summed platforms = platform.state(
                base == null ? null : new Summed(base.policy().platform(), base.platformSum()),
                name.getPlatformRevision(),
                name.getPlatformPolicyDigest());
        PolicySnapshot policy = new PolicySnapshot(tenants.set, platforms.set);
        Set<DocumentKey> changed = new HashSet<>(own.changed.keySet());
        changed.addAll(platform.changed.keySet());
        return new Followed(
                policy,
                tenants.sum,
                platforms.sum,
                Mark.of(name),
                base == null || own.whole || platform.whole ? policy : base.policy(),
                changed);
    }

    /** Documents and what they add up to. */
    private record Summed(PolicySet set, PolicySum sum) {}

    /** What was heard of one scope. */
    private static final class Part {

        private final PolicyScope scope;
        private final StoredDocuments reader = new StoredDocuments();

        /** By name, as it is to be; empty where it is to be there no more. */
        private final Map<DocumentKey, Optional<Document>> changed = new LinkedHashMap<>();

        private boolean whole;

        Part(PolicyScope scope) {
            this.scope = scope;
        }

        void add(PolicyDocuments part) {
            if (part.getWhole()) {
                whole = true;
                changed.clear();
            }
            for (PlacedDocument put : part.getPutsList()) {
                Document document = reader.read(scope, put.getYaml().toStringUtf8(), put.getFile(), put.getLinesList());
                changed.put(document.key(), Optional.of(document));
            }
            for (dev.assize.proto.v1.DocumentKey delete : part.getDeletesList()) {
                Kind kind = Kind.ofText(delete.getKind())
                        .orElseThrow(() -> new UpstreamMismatchException(
                                "the centre deletes a `" + delete.getKind() + "`, which this version does not know"));
                changed.put(new DocumentKey(scope, kind, delete.getName()), Optional.empty());
            }
        }

        Summed state(@Nullable Summed before, long revision, ByteString digest) {
            if (before == null && !whole) {
                throw new UpstreamMismatchException("the centre sends changes of " + scope + " to what is not there");
            }
            Summed after = whole || before == null ? all(new Revision(revision)) : next(before, new Revision(revision));
            if (after.set.revision().equals(Revision.NONE) && after.set.size() > 0) {
                throw new UpstreamMismatchException(
                        "the centre sends documents of " + scope + " at revision 0, where" + " there are none");
            }
            ByteString own = after.set.revision().equals(Revision.NONE)
                    ? ByteString.EMPTY
                    : ByteString.copyFrom(PolicyDigest.ofPolicy(scope, after.set.size(), after.sum)
                            .bytes());
            if (!own.equals(digest)) {
                throw new UpstreamMismatchException("the documents of " + scope
                        + " that the centre sent do not have the digest that its ledger holds for revision "
                        + revision);
            }
            return after;
        }

        private Summed all(Revision revision) {
            List<Document> documents =
                    changed.values().stream().flatMap(Optional::stream).toList();
            return new Summed(PolicySet.of(scope, revision, documents), PolicySum.of(documents));
        }

        private Summed next(Summed before, Revision revision) {
            if (changed.isEmpty() && revision.equals(before.set.revision())) {
                return before;
            }
            Collection<Document> removed = new ArrayList<>();
            Collection<Document> added = new ArrayList<>();
            Collection<DocumentKey> deleted = new ArrayList<>();
            changed.forEach((key, document) -> {
                before.set.find(key).ifPresent(removed::add);
                document.ifPresentOrElse(added::add, () -> deleted.add(key));
            });
            return new Summed(before.set.with(revision, added, deleted), before.sum.with(removed, added));
        }
    }
}
