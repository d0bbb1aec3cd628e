package dev.assize.server.app;

import dev.assize.server.cli.ExitCodes;
import dev.assize.server.cli.Surroundings;
import dev.assize.server.endpoint.grpc.GrpcConfig;
import dev.assize.server.model.TenantId;
import dev.assize.server.storage.StorageConfig;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the server until it is told to stop. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        description = {
            "Runs the server: gRPC on 127.0.0.1:7443, metrics and health on 127.0.0.1:7480, data under $$ASSIZE_HOME"
                    + " (default ~/.assize), with its own PostgreSQL unless database.url names another. With --upstream it"
                    + " is a sidecar of another server, and has no database. Ctrl-C stops it."
        })
final class ServeCommand implements Callable<Integer> {

    @Option(
            names = "--upstream",
            paramLabel = "HOST:PORT",
            description = "Be a sidecar of the server there: decide by its policy, without a database.")
    @Nullable
    String upstream;

    @Option(names = "--tenants", paramLabel = "TENANT,…", description = "The tenants that the sidecar decides for.")
    @Nullable
    String tenants;

    @Mixin
    private StartOptions options = new StartOptions();

    @Spec
    private @Nullable CommandSpec spec;

    private final Surroundings surroundings;

    /** Null where that of the command line is meant. */
    private final @Nullable PrintWriter out;

    ServeCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
        this.out = null;
    }

    /** One without a command line. */
    ServeCommand(Surroundings surroundings, PrintWriter out) {
        this.surroundings = surroundings;
        this.out = out;
    }

    @Override
    public Integer call() throws InterruptedException {
        SidecarConfig sidecar = options.read(surroundings, said(), settings -> sidecar(surroundings.home(), settings));
        if (sidecar != null) {
            ServerProcess<AssizeSidecar> process = ServerProcess.start(sidecar);
            tell(out -> banner(process.server(), out));
            process.awaitStop();
        } else {
            ServerProcess<AssizeServer> process = ServerProcess.start(options.read(surroundings));
            tell(out -> banner(process.server(), out));
            process.awaitStop();
        }
        return ExitCodes.DONE;
    }

    /** What the command line says in the place of variables. */
    private Map<String, String> said() {
        Map<String, String> said = new HashMap<>();
        if (upstream != null) {
            said.put(ConfigKey.UPSTREAM_ADDRESS.variable(), upstream);
        }
        if (tenants != null) {
            said.put(ConfigKey.UPSTREAM_TENANTS.variable(), tenants);
        }
        return said;
    }

    private static @Nullable SidecarConfig sidecar(Path home, Settings settings) {
        if (SidecarConfig.isWanted(settings)) {
            return SidecarConfig.of(home, settings);
        }
        settings.given(ConfigKey.UPSTREAM_TENANTS).ifPresent(without -> {
            throw settings.bad(ConfigKey.UPSTREAM_TENANTS, "nothing without upstream.address");
        });
        return null;
    }

    private void tell(Consumer<PrintWriter> banner) {
        if (out != null) {
            banner.accept(out);
        } else if (spec != null) {
            banner.accept(spec.commandLine().getOut());
        }
    }

    private static void banner(AssizeSidecar sidecar, PrintWriter out) {
        SidecarConfig config = sidecar.config();
        out.println("Assize " + Version.text());
        doors(
                config.grpc(),
                sidecar.grpcAddress(),
                config.operations().scheme() + "://" + sidecar.operationsAddress(),
                out);
        out.println("  centre   " + config.upstream().address()
                + (config.upstream().tls() == null ? "  (plain text)" : "  (TLS)"));
        out.println("  tenants  "
                + config.upstream().tenants().stream().map(TenantId::value).collect(Collectors.joining(", ")));
        out.println("  key      " + config.home().resolve("local-key"));
        out.println("Ctrl-C stops it.");
        out.flush();
    }

    private static void doors(GrpcConfig grpc, String grpcAddress, String operationsAddress, PrintWriter out) {
        out.println("  gRPC     " + grpcAddress + (grpc.tls() == null ? "  (plain text)" : "  (TLS)"));
        if (grpc.unixSocket() != null) {
            out.println("           unix:" + grpc.unixSocket().file() + "  (plain text)");
        }
        out.println("  HTTP     " + operationsAddress + "  (/metrics /livez /readyz)");
    }

    static void banner(AssizeServer server, PrintWriter out) {
        ServerConfig config = server.config();
        String database = switch (config.storage().location()) {
            case StorageConfig.Location.Embedded embedded -> "PostgreSQL of its own in " + embedded.home();
            case StorageConfig.Location.Outside outside -> withoutParameters(outside.url());
        };
        out.println("Assize " + Version.text());
        doors(
                config.grpc(),
                server.grpcAddress(),
                config.operations().scheme() + "://" + server.operationsAddress(),
                out);
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
