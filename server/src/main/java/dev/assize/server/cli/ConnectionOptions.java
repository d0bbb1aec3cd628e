package dev.assize.server.cli;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** Where the server is and who calls; accepted before and after the command's name. */
public final class ConnectionOptions {

    /** Under which a command line finds these options. */
    public static final String MIXIN = "connection";

    static final String DEFAULT_SERVER = "127.0.0.1:7443";

    @Option(
            names = "--server",
            paramLabel = "HOST:PORT",
            description = "Where the server listens. Else $$ASSIZE_SERVER, else the credentials file, else "
                    + DEFAULT_SERVER + ".")
    @Nullable
    String server;

    @Option(
            names = "--key",
            paramLabel = "KEY",
            description = "The API key. Else $$ASSIZE_KEY (which other users of the machine cannot see), else the "
                    + "credentials file.")
    @Nullable
    String key;

    @Option(
            names = "--tls",
            description = "Speak TLS, and trust whom the system trusts. Else $$ASSIZE_TLS (true), else the credentials "
                    + "file for the server it names.")
    @Nullable
    Boolean tls;

    @Option(
            names = "--ca",
            paramLabel = "FILE",
            description = "Speak TLS, and trust the certificates in this PEM file. Else $$ASSIZE_CA.")
    @Nullable
    Path ca;

    @Option(
            names = "--server-name",
            paramLabel = "NAME",
            description = "Speak TLS, and expect a certificate for this name, not for the host in --server. Else "
                    + "$$ASSIZE_SERVER_NAME.")
    @Nullable
    String serverName;

    @Option(names = "--tenant", paramLabel = "TENANT", description = "The tenant in question. Else $$ASSIZE_TENANT.")
    @Nullable
    String tenant;

    @Option(
            names = "--env",
            paramLabel = "ENV",
            description = "The environment in question. Else $$ASSIZE_ENV, else `default`.")
    @Nullable
    String env;

    @Option(names = "--output", paramLabel = "table|json", description = "How to print the answer; default: table.")
    @Nullable
    Output output;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            description = "How long to wait for an answer; default: 30. A verification may take as long as it needs, "
                    + "and a change a second more for every 500 documents.")
    @Nullable
    Integer timeoutSeconds;

    /** How an answer is printed. */
    enum Output {
        TABLE,
        JSON
    }

    /** These, and where they say nothing, the others. */
    ConnectionOptions orElse(ConnectionOptions others) {
        ConnectionOptions merged = new ConnectionOptions();
        merged.server = server == null ? others.server : server;
        merged.key = key == null ? others.key : key;
        merged.tls = tls == null ? others.tls : tls;
        merged.ca = ca == null ? others.ca : ca;
        merged.serverName = serverName == null ? others.serverName : serverName;
        merged.tenant = tenant == null ? others.tenant : tenant;
        merged.env = env == null ? others.env : env;
        merged.output = output == null ? others.output : output;
        merged.timeoutSeconds = timeoutSeconds == null ? others.timeoutSeconds : timeoutSeconds;
        return merged;
    }

    /** For commands without a server, whose `--output` may stand before their name all the same. */
    static boolean wantsJson(@Nullable Output own, CommandSpec spec) {
        CommandSpec root = spec.root().mixins().get(MIXIN);
        Output before = root != null && root.userObject() instanceof ConnectionOptions options ? options.output : null;
        return (own == null ? before : own) == Output.JSON;
    }

    Duration timeout() {
        return Duration.ofSeconds(timeoutSeconds == null ? 30 : Math.max(1, timeoutSeconds));
    }
}
