package dev.assize.server.app;

import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Module;
import com.google.inject.Stage;
import dev.assize.server.administration.Bootstrap;
import dev.assize.server.administration.CleanUpTask;
import dev.assize.server.administration.ExpiryRounds;
import dev.assize.server.administration.SnapshotRounds;
import dev.assize.server.anchor.Anchor;
import dev.assize.server.anchor.Checkpoints;
import dev.assize.server.anchor.OutsideStore;
import dev.assize.server.anchor.Witnesses;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.cli.Credentials;
import dev.assize.server.decision.PolicyWatch;
import dev.assize.server.endpoint.grpc.GrpcServer;
import dev.assize.server.endpoint.operations.OperationsServer;
import dev.assize.server.ledger.Appender;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.PackingRecorder;
import dev.assize.server.storage.Database;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.verification.Patrol;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running server: started in the order in which its parts need each other, stopped in the reverse. */
final class AssizeServer implements Startable {

    private static final Logger LOG = LoggerFactory.getLogger(AssizeServer.class);

    private final ServerConfig config;
    private final Injector injector;

    /** What runs, last started first. Guarded by this. */
    private final Deque<AutoCloseable> running = new ArrayDeque<>();

    /** Guarded by this. */
    private boolean closed;

    private AssizeServer(ServerConfig config, Injector injector) {
        this.config = config;
        this.injector = injector;
    }

    /** A server that is yet to be started. */
    static AssizeServer of(ServerConfig config) {
        return of(config, new ServerModule(config));
    }

    /** One that is made of this. */
    static AssizeServer of(ServerConfig config, Module parts) {
        makeHome(config.home());
        return new AssizeServer(config, Guice.createInjector(Stage.PRODUCTION, parts));
    }

    static void makeHome(Path home) {
        try {
            if (!Files.isDirectory(home)) {
                Files.createDirectories(
                        home, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            }
        } catch (IOException unable) {
            throw new ConfigurationException(
                    "data directory " + home + " cannot be made ("
                            + unable.getClass().getSimpleName() + "): choose another with ASSIZE_HOME",
                    unable);
        }
        if (!Files.isWritable(home)) {
            throw new ConfigurationException(
                    "data directory " + home + " cannot be written: choose another with ASSIZE_HOME");
        }
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
        // First, so that it is stopped last: what else stops is traced.
        part(Tracing.class);
        Database database = part(Database.class);
        database.start();
        Witnesses witnesses = part(Witnesses.class);
        part(Anchor.class).start();
        witnesses.start();
        part(Appender.class);
        Patrol patrol = part(Patrol.class);
        part(PackingRecorder.class);
        SnapshotRounds snapshots = part(SnapshotRounds.class);
        CleanUpTask cleanUp = part(CleanUpTask.class);
        ExpiryRounds expiry = part(ExpiryRounds.class);
        injector.getInstance(Bootstrap.class).run();
        part(PolicyWatch.class).start();
        OperationsServer operations = part(OperationsServer.class);
        operations.start();
        GrpcServer grpc = part(GrpcServer.class);
        grpc.open();
        new AdministratorKey(injector.getInstance(ApiKeys.class), config).ensure(grpcAddress());
        snapshots.start();
        expiry.start();
        giveWay(grpc, config.grpc().warmUp());
        // Their first rounds begin at once.
        patrol.start();
        cleanUp.start();
        Rehearsal.run(config.grpc().warmUp());
        part(ServingHealth.class).start();
        injector.getInstance(Serving.class).set(true);
    }

    /** The rehearsal wants all processors, and so does a first caller, who waits for an answer. */
    static void giveWay(GrpcServer grpc, Duration rehearsal) {
        if (!rehearsal.isZero()) {
            grpc.awaitFirstCaller();
        }
    }

    private <P extends AutoCloseable> P part(Class<P> type) {
        P part = injector.getInstance(type);
        running.push(part);
        return part;
    }

    /** Where clients on this machine reach gRPC. */
    String grpcAddress() {
        return reachable(config.grpc().host()) + ":"
                + injector.getInstance(GrpcServer.class).port();
    }

    /** Where the operator on this machine reaches HTTP. */
    String operationsAddress() {
        return reachable(config.operations().host()) + ":"
                + injector.getInstance(OperationsServer.class).port();
    }

    ServerConfig config() {
        return config;
    }

    /** The database as its owner, where this process may be it. */
    Optional<DatabaseAccess> databaseOwner() {
        return injector.getInstance(Database.class).owner();
    }

    /** Signs what was appended, and answers the ledger's checkpoint. */
    String sign(String tenant) {
        injector.getInstance(Anchor.class).round();
        return injector.getInstance(Checkpoints.class)
                .latest(new TenantId(tenant))
                .orElseThrow(() -> new IllegalStateException("Nothing of " + tenant + " could be signed"))
                .signed()
                .note();
    }

    /** Where the ledgers' heads are kept. */
    String outsidePlace() {
        return injector.getInstance(OutsideStore.class).describe();
    }

    /** What the administrator's commands use. */
    Credentials administrator() {
        return Credentials.read(config.home())
                .orElseThrow(() ->
                        new ConfigurationException("no administrator's key in " + Credentials.fileIn(config.home())
                                + ": delete nothing there, or make a key with another one"));
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

    static String reachable(String host) {
        return switch (host) {
            case "0.0.0.0", "::", "[::]", "" -> "127.0.0.1";
            default -> host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host;
        };
    }
}
