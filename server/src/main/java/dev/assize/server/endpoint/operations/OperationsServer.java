package dev.assize.server.endpoint.operations;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.inject.Inject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves `/metrics`, `/livez` and `/readyz` to whoever reaches the port, which is the loopback address unless the
 * operator says otherwise; every other path is another handler's. Of its own at most {@value #CONCURRENT_REQUESTS}
 * requests are worked on at a time; more get a 503.
 */
public final class OperationsServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(OperationsServer.class);
    private static final int CONCURRENT_REQUESTS = 16;
    private static final int STOP_SECONDS = 1;

    /** How long a request may take to arrive, and its answer to be made and taken. */
    private static final int REQUEST_SECONDS = 30;

    private static final int RESPONSE_SECONDS = 60;
    private static final int CONNECTIONS = 2_000;
    private static final Set<String> OWN = Set.of("/metrics", "/livez", "/readyz");
    private static final String TEXT = "text/plain; charset=utf-8";
    private static final String OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

    private final OperationsConfig config;
    private final PrometheusMeterRegistry registry;
    private final List<ReadinessCheck> checks;
    private final HttpHandler others;
    private final Semaphore slots = new Semaphore(CONCURRENT_REQUESTS);
    private final ExecutorService executor = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("operations-", 0).factory());

    /** Guarded by this; null before the start. */
    private @Nullable HttpServer server;

    @Inject
    OperationsServer(
            OperationsConfig config,
            PrometheusMeterRegistry registry,
            List<ReadinessCheck> checks,
            HttpHandler others) {
        this.config = config;
        this.registry = registry;
        this.checks = List.copyOf(checks);
        this.others = others;
    }

    /**
     * Opens the port.
     *
     * @throws OperationsStartException where it cannot
     */
    public synchronized void start() {
        if (server != null) {
            throw new IllegalStateException("Started already");
        }
        String address = config.host() + ":" + config.port();
        try {
            boundSlowness();
            HttpServer opened = open(new InetSocketAddress(config.host(), config.port()));
            opened.setExecutor(executor);
            opened.createContext("/", this::handle);
            opened.start();
            server = opened;
        } catch (OperationsStartException own) {
            throw own;
        } catch (BindException taken) {
            throw new OperationsStartException(
                    "cannot listen on " + address
                            + ": the port is in use or not ours; stop what listens there or set http.port",
                    taken);
        } catch (IOException | RuntimeException unable) {
            throw new OperationsStartException("cannot listen on " + address + ": " + unable.getMessage(), unable);
        }
    }

    /** With TLS it speaks nothing else; what does not is hung up on. */
    private HttpServer open(InetSocketAddress address) throws IOException {
        OperationsConfig.Tls tls = config.tls();
        if (tls == null) {
            return HttpServer.create(address, 0);
        }
        HttpsConfigurator configurator = new HttpsConfigurator(ServerTls.context(tls));
        HttpsServer secured = HttpsServer.create(address, 0);
        secured.setHttpsConfigurator(configurator);
        return secured;
    }

    /** The port it listens on. */
    public synchronized int port() {
        if (server == null) {
            throw new IllegalStateException("Not started");
        }
        return server.getAddress().getPort();
    }

    @Override
    public synchronized void close() {
        if (server != null) {
            server.stop(STOP_SECONDS);
            server = null;
        }
        executor.shutdownNow();
    }

    /** The JDK's server knows these bounds as properties only, read once; who has set them otherwise is obeyed. */
    private static void boundSlowness() {
        setUnlessSet("sun.net.httpserver.maxReqTime", Integer.toString(REQUEST_SECONDS));
        setUnlessSet("sun.net.httpserver.maxRspTime", Integer.toString(RESPONSE_SECONDS));
        setUnlessSet("jdk.httpserver.maxConnections", Integer.toString(CONNECTIONS));
        setUnlessSet("sun.net.httpserver.nodelay", "true");
    }

    private static void setUnlessSet(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            if (path == null || !OWN.contains(path)) {
                others.handle(exchange);
                return;
            }
            if (!slots.tryAcquire()) {
                send(exchange, 503, TEXT, "too many requests at a time\n");
                return;
            }
            try {
                answer(exchange);
            } finally {
                slots.release();
            }
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        String method = exchange.getRequestMethod();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            exchange.getResponseHeaders().set("Allow", "GET, HEAD");
            send(exchange, 405, TEXT, "only GET and HEAD\n");
            return;
        }
        switch (exchange.getRequestURI().getPath()) {
            case "/metrics" -> meters(exchange);
            case "/livez" -> send(exchange, 200, TEXT, "ok\n");
            case "/readyz" -> ready(exchange);
            case null, default -> send(exchange, 404, TEXT, "expected /metrics, /livez or /readyz\n");
        }
    }

    /** Prometheus asks for OpenMetrics, which alone has exemplars. */
    private void meters(HttpExchange exchange) throws IOException {
        String accepted = String.join(",", exchange.getRequestHeaders().getOrDefault("Accept", List.of()));
        String type = accepted.contains("application/openmetrics-text") ? OPEN_METRICS : PROMETHEUS;
        send(exchange, 200, type, registry.scrape(type));
    }

    private void ready(HttpExchange exchange) throws IOException {
        List<String> lines = new ArrayList<>();
        boolean ready = true;
        for (ReadinessCheck check : checks) {
            Optional<String> complaint = complaint(check);
            ready &= complaint.isEmpty() || !check.required();
            String mark = check.required() ? "" : "ATTENTION: ";
            lines.add(check.name() + ": " + complaint.map(mark::concat).orElse("ok"));
        }
        send(exchange, ready ? 200 : 503, TEXT, String.join("\n", lines) + "\n");
    }

    /** A check that fails is a complaint. */
    private static Optional<String> complaint(ReadinessCheck check) {
        try {
            return check.complaint().get();
        } catch (RuntimeException failure) {
            LOG.warn("The readiness check `{}` fails", check.name(), failure);
            return Optional.of("the check fails");
        }
    }

    private static void send(HttpExchange exchange, int status, String type, String body) throws IOException {
        byte[] bytes = body.getBytes(UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, head ? -1 : bytes.length);
        if (!head) {
            exchange.getResponseBody().write(bytes);
        }
    }
}
