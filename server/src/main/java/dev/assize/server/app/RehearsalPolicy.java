package dev.assize.server.app;

import dev.assize.server.decision.PolicySource;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DocumentReader;
import dev.assize.server.policy.PolicySet;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The policy of the server's rehearsal, from the jar: a tenant to ask about, and tenant `assize` as it is when it is new. */
final class RehearsalPolicy implements PolicySource {

    static final TenantId TENANT = new TenantId("rehearsal");

    private final Map<PolicyScope, PolicySet> policies = new HashMap<>();

    RehearsalPolicy() {
        put(TENANT, "/rehearsal/policy.yaml");
        put(TenantId.ASSIZE, "/bootstrap/assize.yaml");
    }

    private void put(TenantId tenant, String resource) {
        PolicyScope scope = PolicyScope.of(tenant);
        try (InputStream in = RehearsalPolicy.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException(resource + " is not in the jar");
            }
            policies.put(
                    scope,
                    PolicySet.of(
                            scope,
                            new Revision(1),
                            DocumentReader.read(resource.substring(1), 1, in.readAllBytes())
                                    .documents()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Optional<PolicySnapshot> load(TenantId tenant) {
        return Optional.ofNullable(policies.get(PolicyScope.of(tenant)))
                .map(policy -> new PolicySnapshot(policy, PolicySet.empty(PolicyScope.PLATFORM)));
    }

    @Override
    public Optional<PolicyUpdate> update(PolicySnapshot known) {
        return Optional.of(new PolicyUpdate(known, Set.of()));
    }

    @Override
    public Optional<PastPolicy> loadPast(TenantId tenant, PointInTime.Past past) {
        return Optional.empty();
    }

    @Override
    public Map<PolicyScope, Revision> revisions(Set<PolicyScope> scopes) {
        return Map.of();
    }
}
