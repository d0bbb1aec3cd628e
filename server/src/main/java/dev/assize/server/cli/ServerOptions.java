package dev.assize.server.cli;

import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the server is and who calls; accepted before and after the command's name. */
public class ServerOptions {

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

    @Option(
            names = "--client-certificate",
            paramLabel = "FILE",
            description = "Speak TLS, and show the certificates in this PEM file, the caller's own first. Else "
                    + "$$ASSIZE_CLIENT_CERTIFICATE.")
    @Nullable
    Path clientCertificate;

    @Option(
            names = "--client-key",
            paramLabel = "FILE",
            description = "The private key of --client-certificate, PKCS #8 in a PEM file. Else $$ASSIZE_CLIENT_KEY.")
    @Nullable
    Path clientKey;

    @Option(names = "--tenant", paramLabel = "TENANT", description = "The tenant in question. Else $$ASSIZE_TENANT.")
    @Nullable
    String tenant;

    @Option(
            names = "--env",
            paramLabel = "ENV",
            description = "The environment in question. Else $$ASSIZE_ENV, else `default`.")
    @Nullable
    String env;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            converter = Count.class,
            description = "How long to wait for an answer; default: 30. A verification may take as long as it needs, "
                    + "and a change a second more for every 500 documents.")
    @Nullable
    Integer timeoutSeconds;

    /** These, and where they say nothing, the others. */
    ServerOptions orElse(ServerOptions others) {
        ServerOptions merged = new ServerOptions();
        merged.server = server == null ? others.server : server;
        merged.key = key == null ? others.key : key;
        merged.tls = tls == null ? others.tls : tls;
        merged.ca = ca == null ? others.ca : ca;
        merged.serverName = serverName == null ? others.serverName : serverName;
        merged.clientCertificate = clientCertificate == null ? others.clientCertificate : clientCertificate;
        merged.clientKey = clientKey == null ? others.clientKey : clientKey;
        merged.tenant = tenant == null ? others.tenant : tenant;
        merged.env = env == null ? others.env : env;
        merged.timeoutSeconds = timeoutSeconds == null ? others.timeoutSeconds : timeoutSeconds;
        return merged;
    }

    Duration timeout() {
        return Duration.ofSeconds(timeoutSeconds == null ? 30 : timeoutSeconds);
    }
}
