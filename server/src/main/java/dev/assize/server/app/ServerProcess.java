package dev.assize.server.app;

import com.google.inject.CreationException;
import com.google.inject.spi.Message;
import dev.assize.server.cli.CommandException;
import dev.assize.server.endpoint.envoy.MappingException;
import dev.assize.server.endpoint.grpc.GrpcStartException;
import dev.assize.server.endpoint.operations.OperationsStartException;
import dev.assize.server.secret.OwnedFileException;
import dev.assize.server.spool.SpoolFailedException;
import dev.assize.server.storage.StorageException;
import dev.assize.server.upstream.UpstreamRefusedException;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A server that stops with its process: on Ctrl-C, on SIGTERM, or when told to. */
final class ServerProcess<S extends Startable> implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ServerProcess.class);

    private final S server;
    private final CountDownLatch stopped = new CountDownLatch(1);

    /** A signal during the start waits for its end: what was started by then is stopped. */
    private final Thread hook = new Thread(this::stop, "stop");

    private ServerProcess(S server) {
        this.server = server;
    }

    /**
     * Starts a server.
     *
     * @throws CommandException where it cannot; the message says why in one line
     */
    static ServerProcess<AssizeServer> start(ServerConfig config) {
        LogLines.become(config.logFormat());
        return start(() -> AssizeServer.of(config));
    }

    /** The same for a sidecar. */
    static ServerProcess<AssizeSidecar> start(SidecarConfig config) {
        LogLines.become(config.logFormat());
        return start(() -> AssizeSidecar.of(config));
    }

    static <S extends Startable> ServerProcess<S> start(Supplier<S> made) {
        try {
            ServerProcess<S> process = new ServerProcess<>(made.get());
            Runtime.getRuntime().addShutdownHook(process.hook);
            try {
                process.server.start();
            } catch (RuntimeException | Error failure) {
                process.unhook();
                throw failure;
            }
            return process;
        } catch (RuntimeException | Error failure) {
            String reason = reason(failure);
            LogLines.end();
            throw new CommandException(reason, failure);
        }
    }

    S server() {
        return server;
    }

    void awaitStop() throws InterruptedException {
        stopped.await();
    }

    @Override
    public void close() {
        if (unhook()) {
            stop();
        }
    }

    /** False where the process is ending already, and the hook does the rest. */
    private boolean unhook() {
        try {
            return Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException ending) {
            return false;
        }
    }

    private void stop() {
        LOG.info("Stopping");
        server.close();
        LOG.info("Stopped");
        LogLines.end();
        stopped.countDown();
    }

    /** What the operator is told: the message of what was thrown for him; anything else is a bug, and logged whole. */
    private static String reason(Throwable failure) {
        Optional<Throwable> told =
                causes(failure).filter(ServerProcess::isForTheOperator).findFirst();
        if (told.isPresent()) {
            return String.valueOf(told.get().getMessage());
        }
        LOG.error("The server does not start", failure);
        return "the server does not start: "
                + failure.toString().lines().findFirst().orElse("");
    }

    /** The failure and what caused it. Wiring reports several failures at once, each with a cause of its own. */
    private static Stream<Throwable> causes(Throwable failure) {
        Stream<Throwable> inner = failure instanceof CreationException wiring
                ? wiring.getErrorMessages().stream().map(Message::getCause)
                : Stream.of(failure).map(Throwable::getCause);
        return Stream.concat(Stream.of(failure), inner.filter(Objects::nonNull).flatMap(ServerProcess::causes));
    }

    private static boolean isForTheOperator(Throwable failure) {
        return failure instanceof ConfigurationException
                || failure instanceof StorageException
                || failure instanceof OwnedFileException
                || failure instanceof GrpcStartException
                || failure instanceof OperationsStartException
                || failure instanceof MappingException
                || failure instanceof UpstreamRefusedException
                || failure instanceof SpoolFailedException
                || failure instanceof CommandException;
    }
}
