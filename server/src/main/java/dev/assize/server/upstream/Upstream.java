package dev.assize.server.upstream;

import com.google.inject.Inject;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The front desk of a sidecar's centre: begins to follow it, and says how that goes. */
public final class Upstream implements AutoCloseable {

    private static final Duration LOOK = Duration.ofMillis(20);

    private static final Logger LOG = LoggerFactory.getLogger(Upstream.class);

    private final UpstreamPolicy policy;
    private final UpstreamConfig config;
    private final DecisionConfig decision;
    private final List<PolicyStream> streams;
    private final Centre centre;
    private final ScheduledExecutorService watchdog = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("upstream-watchdog").daemon().factory());

    @Inject
    Upstream(
            UpstreamPolicy policy,
            UpstreamSignals signals,
            UpstreamConfig config,
            DecisionConfig decision,
            Centre centre,
            Marks marks,
            PlatformShare platforms,
            UpstreamMetrics metrics) {
        this.policy = policy;
        this.config = config;
        this.decision = decision;
        this.centre = centre;
        this.streams = policy.tenants().stream()
                .map(tenant -> new PolicyStream(tenant, centre, marks, platforms, config, metrics, signals::tell))
                .toList();
    }

    /**
     * Begins, and waits a while for a first state of each tenant. Where the centre cannot be reached the sidecar goes on
     * without: it answers nothing until it can.
     *
     * @throws UpstreamRefusedException where it would not be served later either
     */
    public void start() {
        streams.forEach(PolicyStream::start);
        var _ = watchdog.scheduleWithFixedDelay(
                () -> streams.forEach(PolicyStream::endIfSilent), 1, 1, TimeUnit.SECONDS);
        long deadline = System.nanoTime() + config.timeout().toNanos();
        while (!isThere() && System.nanoTime() < deadline) {
            streams.forEach(Upstream::requireNoRefusal);
            LockSupport.parkNanos(LOOK.toNanos());
        }
        if (!isThere()) {
            LOG.warn("Not ready: {}", complaint().orElse("the centre has not said anything yet"));
        }
    }

    private boolean isThere() {
        return policy.tenants().stream().allMatch(tenant -> tenant.state() != null);
    }

    private static void requireNoRefusal(PolicyStream stream) {
        RuntimeException failure = stream.failure();
        if (failure != null && PolicyStream.isFinal(failure)) {
            throw new UpstreamRefusedException(stream.reason(failure), failure);
        }
    }

    /** What this sidecar's credential may do in a tenant, as it was told last; empty where it was not, or was refused. */
    public Optional<Authority> authority(TenantId tenant) {
        TenantPolicy known = policy.find(tenant);
        return known == null ? Optional.empty() : known.authority();
    }

    /**
     * Whom the credential authenticates.
     *
     * @throws PolicyStaleException where no tenant's stream has told
     */
    public Authority self() {
        return policy.tenants().stream()
                .map(TenantPolicy::authority)
                .flatMap(Optional::stream)
                .findFirst()
                .orElseThrow(() -> new PolicyStaleException(UpstreamPolicy.NEVER, decision.freshnessBound()));
    }

    /** Why policy is not followed, tenant by tenant; empty where it is. */
    public Optional<String> complaint() {
        String complaints = policy.tenants().stream()
                .flatMap(tenant -> tenant.complaint().map(why -> "`" + tenant.tenant() + "`: " + why).stream())
                .collect(Collectors.joining("; "));
        return complaints.isEmpty() ? Optional.empty() : Optional.of(complaints);
    }

    @Override
    public void close() {
        watchdog.shutdownNow();
        streams.forEach(PolicyStream::close);
        centre.close();
    }
}
