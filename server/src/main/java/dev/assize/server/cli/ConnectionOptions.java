package dev.assize.server.cli;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
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
            description = "How long to wait for an answer; default: 30. A verification may take as long as it needs.")
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
        merged.tenant = tenant == null ? others.tenant : tenant;
        merged.env = env == null ? others.env : env;
        merged.output = output == null ? others.output : output;
        merged.timeoutSeconds = timeoutSeconds == null ? others.timeoutSeconds : timeoutSeconds;
        return merged;
    }

    Duration timeout() {
        return Duration.ofSeconds(timeoutSeconds == null ? 30 : Math.max(1, timeoutSeconds));
    }
}
