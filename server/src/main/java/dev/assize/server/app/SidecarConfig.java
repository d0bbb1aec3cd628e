package dev.assize.server.app;

import static dev.assize.server.app.ServerConfig.checked;

import dev.assize.server.authentication.AuthenticationConfig;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.endpoint.authzen.AuthzenConfig;
import dev.assize.server.endpoint.envoy.EnvoyConfig;
import dev.assize.server.endpoint.grpc.GrpcConfig;
import dev.assize.server.endpoint.operations.OperationsConfig;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.TenantId;
import dev.assize.server.spool.SpoolConfig;
import dev.assize.server.upstream.UpstreamConfig;
import dev.assize.server.upstream.UpstreamConfig.Tls;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The configuration of a sidecar: one record for each room. */
record SidecarConfig(
        Path home,
        String nodeName,
        GrpcConfig grpc,
        OperationsConfig operations,
        AuthzenConfig authzen,
        DecisionConfig decision,
        AuthenticationConfig authentication,
        UpstreamConfig upstream,
        SpoolConfig spool,
        EnvoyConfig envoy,
        TracingConfig tracing,
        LogFormat logFormat) {

    /** The centre says each second that nothing has changed; a sidecar outlives some that are late. */
    static final Duration LEAST_FRESHNESS_BOUND = Duration.ofSeconds(5);

    /** Keys that mean nothing where there is no database: whoever sets them has something else in mind. */
    private static final List<String> NOT_OF_A_SIDECAR = List.of(
            "database.", "ledger.", "anchor.", "archive.", "verification.", "policy.", "decisionLog.", "authzen.");

    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "::1");

    /** Whether the settings are those of a sidecar. */
    static boolean isWanted(Settings settings) {
        return settings.given(ConfigKey.UPSTREAM_ADDRESS).isPresent();
    }

    static SidecarConfig of(Path home, Settings settings) {
        Arrays.stream(ConfigKey.values())
                .filter(key -> settings.isSet(key) && NOT_OF_A_SIDECAR.stream().anyMatch(key.text()::startsWith))
                .findFirst()
                .ifPresent(key -> {
                    throw settings.bad(key, "nothing: a sidecar has no database, and upstream.address makes this one");
                });
        return new SidecarConfig(
                home,
                checked(() -> ServerConfig.nodeName(settings)),
                checked(() -> ServerConfig.grpc(settings)),
                checked(() -> ServerConfig.operations(settings)),
                checked(() -> ServerConfig.authzen(settings)),
                checked(() -> decision(settings)),
                checked(() -> new AuthenticationConfig(
                        home.resolve("pepper"),
                        settings.duration(ConfigKey.AUTHENTICATION_CACHE_TTL),
                        settings.number(ConfigKey.AUTHENTICATION_CACHE_SIZE, 0, Integer.MAX_VALUE))),
                checked(() -> upstream(home, settings)),
                checked(() -> spool(home, settings)),
                checked(() -> ServerConfig.envoy(settings)),
                checked(() -> ServerConfig.tracing(settings)),
                settings.oneOf(ConfigKey.LOG_FORMAT, LogFormat.class));
    }

    private static DecisionConfig decision(Settings settings) {
        DecisionConfig decision = ServerConfig.decision(settings);
        if (decision.freshnessBound().compareTo(LEAST_FRESHNESS_BOUND) < 0) {
            throw settings.bad(
                    ConfigKey.DECISION_FRESHNESS_BOUND, LEAST_FRESHNESS_BOUND.toSeconds() + "s or more, for a sidecar");
        }
        return decision;
    }

    private static UpstreamConfig upstream(Path home, Settings settings) {
        String address = settings.text(ConfigKey.UPSTREAM_ADDRESS);
        int colon = address.lastIndexOf(':');
        String host = colon < 0 ? address : address.substring(0, colon).replaceAll("^\\[|\\]$", "");
        if (colon <= 0 || !address.substring(colon + 1).matches("[0-9]{1,5}") || host.isBlank()) {
            throw settings.bad(ConfigKey.UPSTREAM_ADDRESS, "host:port of the centre, for example assize.internal:7443");
        }
        return new UpstreamConfig(
                host,
                Integer.parseInt(address.substring(colon + 1)),
                tenants(settings),
                settings.given(ConfigKey.UPSTREAM_KEY_FILE).map(Path::of).orElse(home.resolve("upstream-key")),
                tls(host, settings),
                words(settings, ConfigKey.UPSTREAM_ACT_AS).toList(),
                settings.duration(ConfigKey.UPSTREAM_TIMEOUT),
                home);
    }

    private static SpoolConfig spool(Path home, Settings settings) {
        Duration maxAge = settings.duration(ConfigKey.SPOOL_MAX_AGE);
        if (!maxAge.isPositive()) {
            throw settings.bad(ConfigKey.SPOOL_MAX_AGE, "more than 0");
        }
        return SpoolConfig.of(
                home,
                settings.number(ConfigKey.SPOOL_MAX_BYTES, SpoolConfig.MIN_MAX_BYTES, Long.MAX_VALUE),
                maxAge,
                settings.duration(ConfigKey.SPOOL_KEEP_FORWARDED));
    }

    private static List<TenantId> tenants(Settings settings) {
        try {
            return words(settings, ConfigKey.UPSTREAM_TENANTS)
                    .map(TenantId::new)
                    .distinct()
                    .toList();
        } catch (MalformedException malformed) {
            throw settings.bad(ConfigKey.UPSTREAM_TENANTS, "names of tenants with commas between them");
        }
    }

    private static Stream<String> words(Settings settings, ConfigKey key) {
        return Stream.of(settings.text(key).split(",", -1)).map(String::strip).filter(word -> !word.isEmpty());
    }

    private static @Nullable Tls tls(String host, Settings settings) {
        Optional<Path> ca = settings.given(ConfigKey.UPSTREAM_CA).map(Path::of);
        Optional<Path> certificate =
                settings.given(ConfigKey.UPSTREAM_CERTIFICATE).map(Path::of);
        Optional<Path> key = settings.given(ConfigKey.UPSTREAM_PRIVATE_KEY).map(Path::of);
        if (certificate.isPresent() != key.isPresent()) {
            throw new ConfigurationException("upstream.certificate and upstream.privateKey: expected both or neither");
        }
        if (settings.flag(ConfigKey.UPSTREAM_TLS)) {
            return new Tls(
                    ca.orElse(null),
                    certificate.orElse(null),
                    key.orElse(null),
                    settings.text(ConfigKey.UPSTREAM_SERVER_NAME));
        }
        if (!LOOPBACK.contains(host)) {
            throw settings.bad(
                    ConfigKey.UPSTREAM_TLS, "true: in plain text the key of this sidecar is there for all to read");
        }
        if (ca.isPresent() || certificate.isPresent()) {
            throw new ConfigurationException("upstream.ca and upstream.certificate: expected neither without TLS");
        }
        return null;
    }
}
