package dev.assize.server.upstream;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.Inject;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.decision.FactsElsewhereException;
import dev.assize.server.decision.PolicyRecords;
import dev.assize.server.decision.PolicySource;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.DocumentKey;
import dev.assize.server.policy.PolicySet;
import dev.assize.server.upstream.Mark.Place;
import dev.assize.server.upstream.TenantPolicy.Confirmed;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The policies that this sidecar follows, as the engine asks for them: from memory, and never younger than the centre
 * confirmed them.
 */
final class UpstreamPolicy implements PolicySource, PolicyRecords {

    /** The age of what was never confirmed. */
    static final Duration NEVER = Duration.ofDays(36_500);

    /** What no graph is at: whoever holds one reads it anew, and does not have it confirmed. */
    private static final Revision AHEAD = new Revision(Long.MAX_VALUE);

    private final Map<TenantId, TenantPolicy> tenants = new LinkedHashMap<>();
    private final DecisionConfig config;

    @Inject
    UpstreamPolicy(
            UpstreamConfig upstream,
            DecisionConfig config,
            InstantSource clock,
            Ticker steady,
            UpstreamMetrics metrics) {
        this.config = config;
        upstream.tenants().forEach(tenant -> tenants.put(tenant, new TenantPolicy(tenant, clock, steady)));
        metrics.observe(
                () -> tenants.values().stream()
                        .filter(TenantPolicy::isConnected)
                        .count(),
                () -> tenants.values().stream()
                        .map(TenantPolicy::age)
                        .max(Comparator.naturalOrder())
                        .orElse(Duration.ZERO)
                        .toSeconds());
    }

    Collection<TenantPolicy> tenants() {
        return tenants.values();
    }

    /** What is known of a tenant; null where it is not followed here. */
    @Nullable
    TenantPolicy find(TenantId tenant) {
        return tenants.get(tenant);
    }

    @Override
    public Optional<PolicySnapshot> load(TenantId tenant) {
        TenantPolicy known = tenants.get(tenant);
        return known == null ? Optional.empty() : Optional.of(required(known).policy());
    }

    private Followed required(TenantPolicy known) {
        Followed state = known.state();
        if (state == null) {
            throw new PolicyStaleException(NEVER, config.freshnessBound());
        }
        return state;
    }

    @Override
    public Optional<PolicyUpdate> update(PolicySnapshot held) {
        TenantPolicy known = tenants.get(held.tenant().scope().ledgerTenant());
        if (known == null) {
            return Optional.empty();
        }
        Followed state = required(known);
        return Optional.of(new PolicyUpdate(state.policy(), changed(held, state)));
    }

    private static Set<DocumentKey> changed(PolicySnapshot held, Followed state) {
        if (isAt(held, state.before()) && !isAt(held, state.policy())) {
            return state.changed();
        }
        Set<DocumentKey> changed = new HashSet<>();
        addDiffering(held.tenant(), state.policy().tenant(), changed);
        addDiffering(held.platform(), state.policy().platform(), changed);
        return changed;
    }

    private static boolean isAt(PolicySnapshot one, PolicySnapshot other) {
        return one.tenant().revision().equals(other.tenant().revision())
                && one.platform().revision().equals(other.platform().revision());
    }

    @SuppressWarnings("ReferenceEquality") // The same set has the same documents; others are compared.
    private static void addDiffering(PolicySet before, PolicySet after, Set<DocumentKey> changed) {
        if (before == after) {
            return;
        }
        before.documents().stream()
                .map(Document::key)
                .filter(key -> after.find(key).isEmpty())
                .forEach(changed::add);
        after.documents().stream()
                .filter(document -> !before.find(document.key()).equals(Optional.of(document)))
                .forEach(document -> changed.add(document.key()));
    }

    /** Whoever asks about the past asks the centre. */
    @Override
    public Optional<PastPolicy> loadPast(TenantId tenant, PointInTime.Past past) {
        throw new FactsElsewhereException();
    }

    @Override
    public Map<PolicyScope, Revision> revisions(Set<PolicyScope> scopes) {
        Map<PolicyScope, Revision> revisions = new HashMap<>();
        for (TenantPolicy tenant : tenants.values()) {
            Followed state = tenant.state();
            if (state != null) {
                add(tenant.tenant(), state.policy(), scopes, revisions);
            }
        }
        return revisions;
    }

    private static void add(
            TenantId tenant, PolicySnapshot policy, Set<PolicyScope> scopes, Map<PolicyScope, Revision> revisions) {
        PolicyScope scope = PolicyScope.of(tenant);
        if (scopes.contains(scope)) {
            revisions.put(scope, policy.tenant().revision());
        }
        revisions.merge(PolicyScope.PLATFORM, policy.platform().revision(), UpstreamPolicy::lower);
    }

    /**
     * The platform is said to be where the tenant is that is furthest behind: no state is put together of two. Of a tenant
     * that is ahead of that nothing is confirmed by this, for what is held of it may be behind; it is read each time.
     */
    @Override
    public Heads heads(Set<PolicyScope> scopes) {
        Map<PolicyScope, Revision> revisions = new HashMap<>();
        Map<TenantId, Revision> platforms = new HashMap<>();
        Map<TenantId, Duration> ages = new HashMap<>();
        Instant centreNow = null;
        for (TenantPolicy tenant : tenants.values()) {
            Confirmed known = tenant.confirmed();
            ages.put(tenant.tenant(), known == null ? NEVER : known.at().until(tenant.read()));
            if (known == null) {
                continue;
            }
            PolicySnapshot policy = known.state().policy();
            add(tenant.tenant(), policy, scopes, revisions);
            platforms.put(tenant.tenant(), policy.platform().revision());
            centreNow = centreNow == null ? centreNow(known, tenant.read()) : centreNow;
        }
        platforms.forEach((tenant, platform) -> {
            if (!platform.equals(revisions.get(PolicyScope.PLATFORM))) {
                revisions.replace(PolicyScope.of(tenant), AHEAD);
            }
        });
        return new Heads(revisions, centreNow, ages);
    }

    private static Revision lower(Revision one, Revision other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /** What the centre's clock may say now that is nearest to this one: how long the word was on its way is not known. */
    private static Instant centreNow(Confirmed known, TenantPolicy.Reading now) {
        Instant earliest =
                known.centreAt().plusNanos(now.nanos() - known.heardAt().nanos());
        Instant latest = known.centreAt().plusNanos(now.nanos() - known.at().nanos());
        Instant own = now.instant();
        return own.isBefore(earliest) ? earliest : own.isAfter(latest) ? latest : own;
    }

    @Override
    public Duration age(TenantId tenant) {
        TenantPolicy known = tenants.get(tenant);
        return known == null ? Duration.ZERO : known.age();
    }

    @Override
    public boolean knowsWhatIsCommitted() {
        return false;
    }

    @Override
    public Revision present(PolicyScope scope) {
        return marks(scope)
                .map(mark -> new Revision(mark.revision()))
                .max(Comparator.naturalOrder())
                .orElse(Revision.NONE);
    }

    @Override
    public Optional<Digest> digest(PolicyScope scope, Revision revision) {
        return marks(scope)
                .filter(mark ->
                        mark.revision() == revision.value() && !mark.digest().isEmpty())
                .map(mark -> Digest.of(mark.digest().toByteArray()))
                .findFirst();
    }

    @Override
    public int incarnation(PolicyScope scope) {
        return marks(scope).mapToInt(Place::incarnation).max().orElse(0);
    }

    @Override
    public Set<DocumentKey> changed(PolicyScope scope, Revision from, Revision to) {
        throw new FactsElsewhereException();
    }

    private Stream<Place> marks(PolicyScope scope) {
        return tenants.values().stream()
                .filter(tenant -> scope.isPlatform() || tenant.tenant().equals(scope.ledgerTenant()))
                .map(TenantPolicy::state)
                .flatMap(state -> state == null
                        ? Stream.empty()
                        : Stream.of(
                                scope.isPlatform()
                                        ? state.mark().platform()
                                        : state.mark().own()));
    }
}
