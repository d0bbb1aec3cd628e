package dev.assize.server.cli;

import dev.assize.client.AssizeClient;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command that asks a running server. Its options may stand before or after its name. */
@Command(mixinStandardHelpOptions = true)
abstract class ServerCommand implements Callable<Integer> {

    @Spec
    private @Nullable CommandSpec spec;

    private final Surroundings surroundings;

    ServerCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /** The options that stand behind its name. */
    abstract ServerOptions own();

    /** Asks, prints, and gives the exit code. */
    abstract int run(Connection connection) throws Exception;

    @Override
    public Integer call() throws Exception {
        try (Connection connection = connect()) {
            return run(connection);
        } finally {
            out().flush();
        }
    }

    private Connection connect() {
        try {
            return new Connection(server(), trust(), key(), options().timeout());
        } catch (IllegalArgumentException malformed) {
            throw usage(String.valueOf(malformed.getMessage()));
        }
    }

    /** A client of the SDK, for what it does better than a stub. */
    AssizeClient client() {
        return clientBuilder().build();
    }

    AssizeClient.Builder clientBuilder() {
        return trust().applyTo(AssizeClient.builder())
                .target(server())
                .apiKey(key())
                .tenant(tenant())
                .env(env())
                .appendDeadline(options().timeout());
    }

    String tenant() {
        String tenant = tenantOrEmpty();
        if (tenant.isEmpty()) {
            throw usage("Missing required option: '--tenant=TENANT' (or the variable ASSIZE_TENANT)");
        }
        return tenant;
    }

    String tenantOrEmpty() {
        return first(options().tenant, surroundings.variable("ASSIZE_TENANT"));
    }

    String env() {
        return first(options().env, surroundings.variable("ASSIZE_ENV"));
    }

    Surroundings surroundings() {
        return surroundings;
    }

    PrintWriter out() {
        return spec().commandLine().getOut();
    }

    PrintWriter err() {
        return spec().commandLine().getErr();
    }

    ParameterException usage(String message) {
        return new ParameterException(spec().commandLine(), message);
    }

    String serverForMessages() {
        return server();
    }

    private String server() {
        String named = first(options().server, surroundings.variable("ASSIZE_SERVER"));
        return named.isEmpty()
                ? Credentials.read(surroundings.home()).map(Credentials::server).orElse(ServerOptions.DEFAULT_SERVER)
                : named;
    }

    /** What is said here, else what the file says of its own server. */
    private ServerTrust trust() {
        ServerOptions options = options();
        String ca = file(options.ca, "ASSIZE_CA");
        String name = first(options.serverName, surroundings.variable("ASSIZE_SERVER_NAME"));
        boolean tls = options.tls == null ? flag("ASSIZE_TLS") : options.tls;
        ServerTrust.Own own = own(options);
        if (tls || !ca.isEmpty() || !name.isEmpty()) {
            return new ServerTrust.Tls(ca.isEmpty() ? null : Path.of(ca), name, own);
        }
        return Credentials.read(surroundings.home())
                .filter(file -> file.server().equals(server()))
                .map(Credentials::trust)
                .map(trust -> own == null ? trust : trust.showing(own))
                .orElse(own == null ? new ServerTrust.PlainText() : new ServerTrust.Tls(null, "", own));
    }

    private ServerTrust.@Nullable Own own(ServerOptions options) {
        String chain = file(options.clientCertificate, "ASSIZE_CLIENT_CERTIFICATE");
        String key = file(options.clientKey, "ASSIZE_CLIENT_KEY");
        if (chain.isEmpty() != key.isEmpty()) {
            throw usage("--client-certificate and --client-key (or ASSIZE_CLIENT_CERTIFICATE and ASSIZE_CLIENT_KEY)"
                    + " go together: " + (key.isEmpty() ? "the key" : "the certificate") + " is missing");
        }
        return chain.isEmpty() ? null : new ServerTrust.Own(Path.of(chain), Path.of(key));
    }

    private String file(@Nullable Path option, String variable) {
        return option == null ? surroundings.variable(variable) : option.toString();
    }

    private boolean flag(String variable) {
        return switch (surroundings.variable(variable)) {
            case "true" -> true;
            case "false", "" -> false;
            default -> throw usage(variable + " `" + surroundings.variable(variable) + "`: expected true or false");
        };
    }

    /** The file's key goes to the file's server only: another one named by mistake does not learn it. */
    private String key() {
        String named = first(options().key, surroundings.variable("ASSIZE_KEY"));
        if (!named.isEmpty()) {
            return named.strip();
        }
        Optional<Credentials> file = Credentials.read(surroundings.home());
        if (file.isEmpty()) {
            throw new CommandException("no API key: give --key or set ASSIZE_KEY ("
                    + Credentials.fileIn(surroundings.home()) + " does not exist; `assize serve` makes it)");
        }
        if (!file.get().server().equals(server())) {
            throw new CommandException("the key in " + Credentials.fileIn(surroundings.home()) + " is for "
                    + file.get().server() + ": give --key or set ASSIZE_KEY for " + server());
        }
        return file.get().key();
    }

    private ServerOptions options() {
        CommandSpec root = spec().root().mixins().get(ServerOptions.MIXIN);
        return root != null && root.userObject() instanceof ServerOptions before ? own().orElse(before) : own();
    }

    CommandSpec spec() {
        if (spec == null) {
            throw new IllegalStateException("Not run by a command line");
        }
        return spec;
    }

    private static String first(@Nullable String option, String variable) {
        return option == null ? variable : option;
    }
}
