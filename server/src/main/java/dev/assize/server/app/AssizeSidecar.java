package dev.assize.server.app;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Stage;
import dev.assize.server.authentication.LocalKeys;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.PolicyStates;
import dev.assize.server.decision.PolicyWatch;
import dev.assize.server.endpoint.grpc.GrpcServer;
import dev.assize.server.endpoint.operations.OperationsServer;
import dev.assize.server.model.TenantId;
import dev.assize.server.upstream.Upstream;
import dev.assize.server.upstream.forward.Forwarding;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running sidecar: started in the order in which its parts need each other, stopped in the reverse. */
final class AssizeSidecar implements Startable {

    private static final Logger LOG = LoggerFactory.getLogger(AssizeSidecar.class);

    private final SidecarConfig config;
    private final Injector injector;

    /** What runs, last started first. Guarded by this. */
    private final Deque<AutoCloseable> running = new ArrayDeque<>();

    /** Guarded by this. */
    private boolean closed;

    private AssizeSidecar(SidecarConfig config, Injector injector) {
        this.config = config;
        this.injector = injector;
    }

    /** A sidecar that is yet to be started. */
    static AssizeSidecar of(SidecarConfig config) {
        return of(config, InstantSource.system(), Ticker.systemTicker());
    }

    /**
     * The same by other clocks.
     *
     * @param steady what has passed
     */
    static AssizeSidecar of(SidecarConfig config, InstantSource clock, Ticker steady) {
        AssizeServer.makeHome(config.home());
        return new AssizeSidecar(
                config, Guice.createInjector(Stage.PRODUCTION, new SidecarModule(config, clock, steady)));
    }

    @Override
    public synchronized void start() {
        if (closed) {
            throw new IllegalStateException("Stopped before it was started");
        }
        try {
            startParts();
        } catch (RuntimeException | Error failure) {
            close();
            throw failure;
        }
    }

    private void startParts() {
        part(Tracing.class);
        part(Upstream.class).start();
        part(PolicyWatch.class).start();
        config.upstream().tenants().forEach(this::load);
        part(Forwarding.class).start();
        part(OperationsServer.class).start();
        GrpcServer grpc = part(GrpcServer.class);
        grpc.open();
        AssizeServer.giveWay(grpc, config.grpc().warmUp());
        Rehearsal.run(config.grpc().warmUp());
        part(ServingHealth.class).start();
        injector.getInstance(Serving.class).set(true);
    }

    /** So that no question waits for it. */
    private void load(TenantId tenant) {
        try {
            var _ = injector.getInstance(PolicyStates.class).state(tenant);
        } catch (PolicyStaleException notYet) {
            LOG.debug("Nothing is known of tenant {} yet", tenant, notYet);
        }
    }

    private <P extends AutoCloseable> P part(Class<P> type) {
        P part = injector.getInstance(type);
        running.push(part);
        return part;
    }

    /** Where callers on this machine reach gRPC. */
    String grpcAddress() {
        return AssizeServer.reachable(config.grpc().host()) + ":"
                + injector.getInstance(GrpcServer.class).port();
    }

    /** Where the operator on this machine reaches HTTP. */
    String operationsAddress() {
        return AssizeServer.reachable(config.operations().host()) + ":"
                + injector.getInstance(OperationsServer.class).port();
    }

    SidecarConfig config() {
        return config;
    }

    /** What callers on this machine present. */
    String localKey() {
        return injector.getInstance(LocalKeys.class).credential();
    }

    /** Stops what runs; a part that fails to stop does not keep the others from it. */
    @Override
    public synchronized void close() {
        closed = true;
        injector.getInstance(Serving.class).set(false);
        while (!running.isEmpty()) {
            AutoCloseable part = running.pop();
            try {
                part.close();
            } catch (Exception failure) {
                LOG.warn("{} does not stop cleanly", part.getClass().getSimpleName(), failure);
            }
        }
    }
}
