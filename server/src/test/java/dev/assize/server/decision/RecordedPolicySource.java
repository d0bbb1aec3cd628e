package dev.assize.server.decision;

import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One tenant's policy with every revision it had, all committed by now, and a platform's that has only one. */
final class RecordedPolicySource implements PolicySource {

    /** A revision, and when it was committed. */
    record Recorded(PolicySet tenant, Instant committedAt) {}

    private final PolicySet platform;
    private final List<Recorded> revisions = new ArrayList<>();

    RecordedPolicySource(PolicySet platform) {
        this.platform = platform;
    }

    RecordedPolicySource commit(PolicySet tenant, Instant at) {
        revisions.add(new Recorded(tenant, at));
        return this;
    }

    PolicySet platform() {
        return platform;
    }

    /** The one in force, or that a question about the past is answered from; empty where the tenant was not there yet. */
    Optional<Recorded> find(PointInTime at) {
        return switch (at) {
            case PointInTime.Now() -> Optional.of(revisions.getLast());
            case PointInTime.Past(@Nullable Revision revision, @Nullable Instant asOf) ->
                revisions.stream()
                        .filter(recorded -> revision == null
                                ? !recorded.committedAt.isAfter(Objects.requireNonNull(asOf))
                                : recorded.tenant.revision().equals(revision))
                        .reduce((earlier, later) -> later);
        };
    }

    @Override
    public Optional<PolicySnapshot> load(TenantId tenant) {
        return Optional.of(revisions.getLast().tenant)
                .filter(latest -> latest.scope().equals(PolicyScope.of(tenant)))
                .map(latest -> new PolicySnapshot(latest, platform));
    }

    @Override
    public Optional<PolicyUpdate> update(PolicySnapshot known) {
        PolicySet latest = revisions.getLast().tenant;
        Set<DocumentKey> changed = new HashSet<>();
        for (Document document : known.tenant().documents()) {
            if (!latest.find(document.key()).equals(Optional.of(document))) {
                changed.add(document.key());
            }
        }
        for (Document document : latest.documents()) {
            if (!known.tenant().find(document.key()).equals(Optional.of(document))) {
                changed.add(document.key());
            }
        }
        return Optional.of(new PolicyUpdate(new PolicySnapshot(latest, platform), changed));
    }

    @Override
    public Optional<PastPolicy> loadPast(TenantId tenant, PointInTime.Past past) {
        Optional<Recorded> found = find(past);
        if (past.revision() != null && found.isEmpty()) {
            throw new RevisionNeverCommittedException(tenant, past.revision());
        }
        Instant asOf = past.asOf();
        if (past.revision() != null && asOf != null && asOf.isBefore(found.orElseThrow().committedAt)) {
            throw new MalformedException("as_of", asOf.toString(), "a moment at which the revision was there");
        }
        return found.map(recorded -> new PastPolicy(
                new PolicySnapshot(recorded.tenant, platform),
                past.asOf() == null ? recorded.committedAt : past.asOf()));
    }

    @Override
    public Map<PolicyScope, Revision> revisions(Set<PolicyScope> scopes) {
        Map<PolicyScope, Revision> latest = new HashMap<>();
        latest.put(platform.scope(), platform.revision());
        latest.put(
                revisions.getLast().tenant.scope(), revisions.getLast().tenant.revision());
        latest.keySet().retainAll(scopes);
        return latest;
    }
}
