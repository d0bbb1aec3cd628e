package dev.assize.server.app;

import dev.assize.server.cli.ExitCodes;
import dev.assize.server.cli.Surroundings;
import dev.assize.server.storage.StorageConfig;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Runs the server until it is told to stop. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        description = {
            "Runs the server: gRPC on 127.0.0.1:7443, metrics and health on 127.0.0.1:7480, data under $$ASSIZE_HOME"
                    + " (default ~/.assize), with its own PostgreSQL unless database.url names another. Ctrl-C stops it."
        })
final class ServeCommand implements Callable<Integer> {

    @Mixin
    private StartOptions options = new StartOptions();

    @Spec
    private @Nullable CommandSpec spec;

    private final Surroundings surroundings;

    ServeCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws InterruptedException {
        ServerProcess process = ServerProcess.start(options.read(surroundings));
        if (spec != null) {
            banner(process.server(), spec.commandLine().getOut());
        }
        process.awaitStop();
        return ExitCodes.DONE;
    }

    static void banner(AssizeServer server, PrintWriter out) {
        ServerConfig config = server.config();
        String database = switch (config.storage().location()) {
            case StorageConfig.Location.Embedded embedded -> "PostgreSQL of its own in " + embedded.home();
            case StorageConfig.Location.Outside outside -> withoutParameters(outside.url());
        };
        out.println("Assize " + Version.text());
        out.println(
                "  gRPC     " + server.grpcAddress() + (config.grpc().tls() == null ? "  (plain text)" : "  (TLS)"));
        if (config.grpc().unixSocket() != null) {
            out.println("           unix:" + config.grpc().unixSocket().file() + "  (plain text)");
        }
        out.println("  HTTP     " + config.operations().scheme() + "://" + server.operationsAddress()
                + "  (/metrics /livez /readyz)");
        out.println("  data     " + database);
        out.println("Ctrl-C stops it.");
        out.flush();
    }

    /** A URL's parameters may hold a password. */
    private static String withoutParameters(String url) {
        int question = url.indexOf('?');
        return question < 0 ? url : url.substring(0, question);
    }
}
