package dev.assize.server.endpoint.grpc;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Scheduler;
import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.Inject;
import com.google.protobuf.ByteString;
import dev.assize.proto.v1.PlacedDocument;
import dev.assize.proto.v1.PolicyDocuments;
import dev.assize.proto.v1.PolicyState;
import dev.assize.proto.v1.WatchPolicyResponse;
import dev.assize.server.decision.PolicyRecords;
import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.PolicyStates.Held;
import dev.assize.server.decision.PolicyStates.State;
import dev.assize.server.decision.PolicyStates.Step;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.DocumentText;
import dev.assize.server.policy.PolicySet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is told of a policy to those who decide by it: the documents of a state, in parts of a bounded size, and its name.
 * All of it is made once, however many listen.
 */
final class PolicyParts {

    /** A part is sent when it has so many bytes; one document makes it larger. */
    static final int PART_BYTES = 256 * 1_024;

    /** Steps and names that are kept. */
    private static final int KEPT = 256;

    /** For how long: those who listen ask for the same one within a moment. */
    static final Duration KEPT_FOR = Duration.ofSeconds(5);

    /** Of scopes whose documents are kept as messages, because many begin at once when a server has started anew. */
    static final long WHOLE_BYTES = 64 * 1_024 * 1_024;

    /** Of one of them; more than that is made for each listener as it takes it. */
    static final int LARGEST_WHOLE_BYTES = 16 * 1_024 * 1_024;

    private final PolicyRecords records;
    private final Cache<Way, List<WatchPolicyResponse>> steps = cache();
    private final Cache<Name, PolicyState> names = cache();
    private final Cache<At, ByteString> digests = cache();

    /** All documents of a scope; none of one that is too large to be kept. */
    private final Cache<At, List<WatchPolicyResponse>> wholes;

    @Inject
    PolicyParts(PolicyRecords records) {
        this(records, Ticker.systemTicker());
    }

    PolicyParts(PolicyRecords records, Ticker ticker) {
        this.records = records;
        // However often they are asked for: another history may have come to the same revision, as after a restore.
        this.wholes = Caffeine.newBuilder()
                .maximumWeight(WHOLE_BYTES)
                .weigher((At at, List<WatchPolicyResponse> parts) -> weight(parts))
                .expireAfterWrite(KEPT_FOR)
                .ticker(ticker)
                .scheduler(Scheduler.systemScheduler())
                .executor(Runnable::run)
                .build();
    }

    private static <K, V> Cache<K, V> cache() {
        return Caffeine.newBuilder()
                .maximumSize(KEPT)
                .expireAfterWrite(KEPT_FOR)
                .executor(Runnable::run)
                .build();
    }

    /** The state by name, without when it was confirmed. */
    PolicyState name(TenantId tenant, State state) {
        return names.get(Name.of(tenant, state), this::name);
    }

    private PolicyState name(Name name) {
        PolicyScope scope = PolicyScope.of(name.tenant);
        return PolicyState.newBuilder()
                .setRevision(name.revision.value())
                .setPlatformRevision(name.platformRevision.value())
                .setPolicyDigest(named(scope, name.revision))
                .setPlatformPolicyDigest(named(PolicyScope.PLATFORM, name.platformRevision))
                .setIncarnation(records.incarnation(scope))
                .setPlatformIncarnation(records.incarnation(PolicyScope.PLATFORM))
                .build();
    }

    /** As it is recorded now: what is kept may be of another history that had come to the same revision. */
    private ByteString named(PolicyScope scope, Revision revision) {
        return Optional.ofNullable(digest(new At(scope, revision))).orElse(ByteString.EMPTY);
    }

    /** Of all documents of a scope at a revision; empty where that was never committed. */
    @SuppressWarnings("NullAway") // A cache keeps nothing of what is null, and gives it on.
    Optional<ByteString> digest(PolicyScope scope, Revision revision) {
        return Optional.ofNullable(digests.get(new At(scope, revision), this::digest));
    }

    private @Nullable ByteString digest(At at) {
        return records.digest(at.scope, at.revision)
                .map(Digest::bytes)
                .map(ByteString::copyFrom)
                .orElse(null);
    }

    /** All documents of a state. */
    Iterator<WatchPolicyResponse> whole(PolicySnapshot policy) {
        Iterator<WatchPolicyResponse> platform = whole(policy.platform());
        Iterator<WatchPolicyResponse> tenant = whole(policy.tenant());
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return platform.hasNext() || tenant.hasNext();
            }

            @Override
            public WatchPolicyResponse next() {
                return platform.hasNext() ? platform.next() : tenant.next();
            }
        };
    }

    private Iterator<WatchPolicyResponse> whole(PolicySet set) {
        List<WatchPolicyResponse> kept = wholes.get(new At(set.scope(), set.revision()), any -> kept(set));
        return kept.isEmpty() ? new Whole(set) : kept.iterator();
    }

    private static List<WatchPolicyResponse> kept(PolicySet set) {
        List<WatchPolicyResponse> parts = new ArrayList<>();
        long bytes = 0;
        for (Whole whole = new Whole(set); whole.hasNext(); ) {
            WatchPolicyResponse part = whole.next();
            bytes += part.getSerializedSize();
            if (bytes > LARGEST_WHOLE_BYTES) {
                return List.of();
            }
            parts.add(part);
        }
        return parts;
    }

    private static int weight(List<WatchPolicyResponse> parts) {
        return parts.stream().mapToInt(WatchPolicyResponse::getSerializedSize).sum();
    }

    /** From a state whose documents are at hand to a later one. */
    Iterator<WatchPolicyResponse> next(PolicySnapshot known, Held held) {
        return steps.get(
                        Way.of(known.tenant().revision(), known.platform().revision(), held),
                        any -> parts(held.policy(), changed(known, held)))
                .iterator();
    }

    /** From a state of which only the name is known to a later one of the same history. */
    Iterator<WatchPolicyResponse> since(Revision known, Revision knownOfPlatform, Held held) {
        return steps.get(
                        Way.of(known, knownOfPlatform, held),
                        any -> parts(held.policy(), changed(known, knownOfPlatform, held)))
                .iterator();
    }

    private Set<DocumentKey> changed(Revision known, Revision knownOfPlatform, Held held) {
        Set<DocumentKey> changed = new HashSet<>();
        changed.addAll(changed(held.policy().tenant(), known));
        changed.addAll(changed(held.policy().platform(), knownOfPlatform));
        return changed;
    }

    private Set<DocumentKey> changed(PolicySet now, Revision known) {
        return now.revision().equals(known) ? Set.of() : records.changed(now.scope(), known, now.revision());
    }

    private static Set<DocumentKey> changed(PolicySnapshot known, Held held) {
        Step step = held.step();
        if (step != null
                && step.revisionBefore().equals(known.tenant().revision())
                && step.platformRevisionBefore().equals(known.platform().revision())) {
            return step.changed();
        }
        Set<DocumentKey> changed = new HashSet<>();
        addDiffering(known.tenant(), held.policy().tenant(), changed);
        addDiffering(known.platform(), held.policy().platform(), changed);
        return changed;
    }

    private static void addDiffering(PolicySet before, PolicySet after, Set<DocumentKey> changed) {
        before.documents().stream()
                .map(Document::key)
                .filter(key -> after.find(key).isEmpty())
                .forEach(changed::add);
        after.documents().stream()
                .filter(document -> !before.find(document.key()).equals(Optional.of(document)))
                .forEach(document -> changed.add(document.key()));
    }

    private static List<WatchPolicyResponse> parts(PolicySnapshot policy, Set<DocumentKey> changed) {
        List<WatchPolicyResponse> parts = new ArrayList<>();
        addParts(policy.platform(), changed, parts);
        addParts(policy.tenant(), changed, parts);
        return Collections.unmodifiableList(parts);
    }

    private static void addParts(PolicySet set, Collection<DocumentKey> changed, List<WatchPolicyResponse> parts) {
        PolicyDocuments.Builder part = part(set);
        int bytes = 0;
        for (DocumentKey key : changed) {
            if (!key.scope().equals(set.scope())) {
                continue;
            }
            Optional<Document> document = set.find(key);
            if (document.isPresent()) {
                PlacedDocument placed = placed(document.get());
                bytes += placed.getSerializedSize();
                part.addPuts(placed);
            } else {
                dev.assize.proto.v1.DocumentKey deleted = deleted(key);
                bytes += deleted.getSerializedSize();
                part.addDeletes(deleted);
            }
            if (bytes >= PART_BYTES) {
                parts.add(message(part));
                part = part(set);
                bytes = 0;
            }
        }
        if (bytes > 0) {
            parts.add(message(part));
        }
    }

    private static PolicyDocuments.Builder part(PolicySet set) {
        return PolicyDocuments.newBuilder().setPlatform(set.scope().isPlatform());
    }

    private static dev.assize.proto.v1.DocumentKey deleted(DocumentKey key) {
        return dev.assize.proto.v1.DocumentKey.newBuilder()
                .setTenant(key.scope().tenant().map(TenantId::value).orElse(""))
                .setKind(key.kind().text())
                .setName(key.name())
                .build();
    }

    private static PlacedDocument placed(Document document) {
        return PlacedDocument.newBuilder()
                .setYaml(ByteString.copyFromUtf8(DocumentText.write(document)))
                .setFile(document.place().file())
                .addAllLines(DocumentText.lines(document))
                .build();
    }

    private static WatchPolicyResponse message(PolicyDocuments.Builder part) {
        return WatchPolicyResponse.newBuilder().setDocuments(part).build();
    }

    /** All documents of a scope; the first part says that they are all, even where there is none. */
    private static final class Whole implements Iterator<WatchPolicyResponse> {

        private final PolicySet set;
        private final Iterator<Document> documents;
        private boolean begun;

        Whole(PolicySet set) {
            this.set = set;
            this.documents = set.documents().iterator();
        }

        @Override
        public boolean hasNext() {
            return !begun || documents.hasNext();
        }

        @Override
        public WatchPolicyResponse next() {
            PolicyDocuments.Builder part = part(set).setWhole(!begun);
            begun = true;
            for (int bytes = 0; bytes < PART_BYTES && documents.hasNext(); ) {
                PlacedDocument placed = placed(documents.next());
                bytes += placed.getSerializedSize();
                part.addPuts(placed);
            }
            return message(part);
        }
    }

    /** A state of a scope. */
    private record At(PolicyScope scope, Revision revision) {}

    /** What names a state of a tenant, and by which graph it is answered from. */
    private record Name(TenantId tenant, Revision revision, Revision platformRevision, long graph) {

        static Name of(TenantId tenant, State state) {
            return new Name(tenant, state.revision(), state.platformRevision(), state.graph());
        }
    }

    /** From one state of a tenant to another. */
    private record Way(Name to, Revision from, Revision fromPlatform) {

        static Way of(Revision known, Revision knownOfPlatform, Held held) {
            TenantId tenant = held.policy().tenant().scope().ledgerTenant();
            State state = held.state();
            return new Way(Name.of(tenant, state), known, knownOfPlatform);
        }
    }
}
