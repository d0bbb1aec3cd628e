package dev.assize.server.decision;

import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Policy in memory, which can be slow and can be broken. */
final class FakePolicySource implements PolicySource {

    private final Map<PolicyScope, PolicySet> policies = new ConcurrentHashMap<>();
    private final Set<TenantId> deleted = ConcurrentHashMap.newKeySet();
    private final AtomicInteger loads = new AtomicInteger();
    private final AtomicInteger updates = new AtomicInteger();
    private final AtomicInteger pastLoads = new AtomicInteger();
    private volatile boolean broken;
    private volatile @Nullable InstantSource clock;
    private volatile Runnable beforeHeads = () -> {};
    private volatile Runnable afterRead = () -> {};
    private volatile Function<PointInTime.Past, Optional<PastPolicy>> past = any -> Optional.empty();

    FakePolicySource put(PolicySet policy) {
        policies.put(policy.scope(), policy);
        return this;
    }

    void remove(TenantId tenant) {
        policies.remove(PolicyScope.of(tenant));
    }

    /** A tenant that is no more keeps its revisions. */
    void delete(TenantId tenant, Revision revision) {
        put(PolicySet.of(PolicyScope.of(tenant), revision, List.of()));
        deleted.add(tenant);
    }

    void setBroken(boolean isBroken) {
        broken = isBroken;
    }

    /** Runs in each read between its reading and its return. */
    void afterRead(Runnable action) {
        afterRead = action;
    }

    /** What there was then. */
    void past(Function<PointInTime.Past, Optional<PastPolicy>> answers) {
        past = answers;
    }

    /** How often a policy was read as a whole. */
    int loads() {
        return loads.get();
    }

    /** How often only what had changed was read. */
    int updates() {
        return updates.get();
    }

    int pastLoads() {
        return pastLoads.get();
    }

    @Override
    public Optional<PolicySnapshot> load(TenantId tenant) {
        loads.incrementAndGet();
        return read(tenant);
    }

    private Optional<PolicySnapshot> read(TenantId tenant) {
        requireSound();
        PolicySet platform = policies.getOrDefault(PolicyScope.PLATFORM, PolicySet.empty(PolicyScope.PLATFORM));
        Optional<PolicySnapshot> snapshot = Optional.ofNullable(policies.get(PolicyScope.of(tenant)))
                .filter(found -> !deleted.contains(tenant))
                .map(found -> new PolicySnapshot(found, platform));
        afterRead.run();
        return snapshot;
    }

    @Override
    public Optional<PolicyUpdate> update(PolicySnapshot known) {
        updates.incrementAndGet();
        return read(known.tenant().scope().tenant().orElseThrow())
                .map(now -> new PolicyUpdate(now, changed(known, now)));
    }

    @Override
    public Optional<PastPolicy> loadPast(TenantId tenant, PointInTime.Past asked) {
        pastLoads.incrementAndGet();
        requireSound();
        afterRead.run();
        return past.apply(asked);
    }

    private static Set<DocumentKey> changed(PolicySnapshot before, PolicySnapshot after) {
        Set<DocumentKey> changed = new HashSet<>();
        for (PolicySet set : List.of(before.tenant(), before.platform(), after.tenant(), after.platform())) {
            set.documents().forEach(document -> changed.add(document.key()));
        }
        return changed;
    }

    @Override
    public Map<PolicyScope, Revision> revisions(Set<PolicyScope> scopes) {
        requireSound();
        Map<PolicyScope, Revision> revisions = new HashMap<>();
        policies.forEach((scope, policy) -> {
            if (scopes.contains(scope)) {
                revisions.put(scope, policy.revision());
            }
        });
        return revisions;
    }

    /** What time it is where policy is kept; without one it has none. */
    void setClock(InstantSource newClock) {
        clock = newClock;
    }

    /** Runs before the revisions are read together with the time. */
    void beforeHeads(Runnable action) {
        beforeHeads = action;
    }

    @Override
    public Heads heads(Set<PolicyScope> scopes) {
        InstantSource own = clock;
        Instant readAt = own == null ? null : own.instant();
        beforeHeads.run();
        return new Heads(revisions(scopes), readAt);
    }

    private void requireSound() {
        if (broken) {
            throw new IllegalStateException("the fake source is broken");
        }
    }
}
