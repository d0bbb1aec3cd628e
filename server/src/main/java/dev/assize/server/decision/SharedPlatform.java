package dev.assize.server.decision;

import dev.assize.server.decision.PolicySource.PolicySnapshot;
import dev.assize.server.decision.PolicySource.PolicyUpdate;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The platform's latest policy that this node has seen: the same in every snapshot at a revision, and one object for all. */
final class SharedPlatform {

    private final AtomicReference<PolicySet> latest = new AtomicReference<>(PolicySet.empty(PolicyScope.PLATFORM));
    private final AtomicReference<@Nullable Change> lastChange = new AtomicReference<>();

    Revision revision() {
        return latest.get().revision();
    }

    /** The snapshot with the platform's documents that graphs hold already, where they are of the same revision. */
    PolicySnapshot seen(PolicySnapshot snapshot) {
        PolicySet read = snapshot.platform();
        PolicySet newest =
                latest.updateAndGet(known -> known.revision().compareTo(read.revision()) >= 0 ? known : read);
        return with(newest, snapshot);
    }

    /** The same for a snapshot of the past, which says nothing about what is the latest. */
    PolicySnapshot ifHeld(PolicySnapshot snapshot) {
        return with(latest.get(), snapshot);
    }

    /** The snapshot of the same tenant's policy beside the latest platform. */
    PolicyUpdate update(PolicySnapshot snapshot) {
        PolicySet newest = latest.get();
        return new PolicyUpdate(
                new PolicySnapshot(snapshot.tenant(), newest), differences(snapshot.platform(), newest));
    }

    private static PolicySnapshot with(PolicySet platform, PolicySnapshot snapshot) {
        return platform.revision().equals(snapshot.platform().revision())
                ? new PolicySnapshot(snapshot.tenant(), platform)
                : snapshot;
    }

    /** The same for all tenants that were at the same platform; the last pair is remembered. */
    private Set<DocumentKey> differences(PolicySet before, PolicySet after) {
        Change known = lastChange.get();
        if (known == null || known.before != before || known.after != after) {
            known = new Change(before, after, differing(before, after));
            lastChange.set(known);
        }
        return known.changed;
    }

    private static Set<DocumentKey> differing(PolicySet before, PolicySet after) {
        Set<DocumentKey> differing = new HashSet<>();
        before.documents().stream()
                .filter(document -> !after.find(document.key()).equals(Optional.of(document)))
                .forEach(document -> differing.add(document.key()));
        after.documents().stream()
                .filter(document -> before.find(document.key()).isEmpty())
                .forEach(document -> differing.add(document.key()));
        return differing;
    }

    /** What a change of the platform changed. */
    private record Change(PolicySet before, PolicySet after, Set<DocumentKey> changed) {}
}
