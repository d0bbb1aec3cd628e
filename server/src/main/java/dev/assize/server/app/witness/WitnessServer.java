package dev.assize.server.app.witness;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A witness over HTTP: `POST /add-checkpoint` and `GET /<origin hash>/checkpoint` (C2SP tlog-witness). It needs no
 * credential: a checkpoint that its log has not signed goes nowhere.
 */
final class WitnessServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(WitnessServer.class);

    private static final int CONCURRENT_REQUESTS = 64;
    private static final int STOP_SECONDS = 1;
    private static final String TEXT = "text/plain; charset=utf-8";
    private static final String SIZE = "text/x.tlog.size";
    private static final Pattern CHECKPOINT = Pattern.compile("/([0-9a-f]{64})/checkpoint");

    private final Witness witness;
    private final HttpServer server;
    private final Semaphore slots = new Semaphore(CONCURRENT_REQUESTS);
    private final ExecutorService executor = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("witness-", 0).factory());

    private final AtomicBoolean closed = new AtomicBoolean();

    private WitnessServer(Witness witness, HttpServer server) {
        this.witness = witness;
        this.server = server;
    }

    /** Opens the port; 0 for any free one. */
    static WitnessServer start(Witness witness, String host, int port) throws IOException {
        WitnessServer opened = new WitnessServer(witness, HttpServer.create(new InetSocketAddress(host, port), 0));
        opened.server.setExecutor(opened.executor);
        opened.server.createContext("/", opened::handle);
        opened.server.start();
        return opened;
    }

    int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            server.stop(STOP_SECONDS);
            executor.shutdownNow();
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            if (!slots.tryAcquire()) {
                send(exchange, 503, TEXT, "too many requests at a time\n");
                return;
            }
            try {
                route(exchange);
            } catch (RuntimeException failure) {
                LOG.error("A request fails: {}", failure.getMessage());
                LOG.debug("A request fails", failure);
                send(exchange, 500, TEXT, "the witness fails; nothing was signed\n");
            } finally {
                slots.release();
            }
        }
    }

    private void route(HttpExchange exchange) throws IOException {
        String method = exchange.getRequestMethod();
        String path = exchange.getRequestURI().getRawPath();
        Matcher checkpoint = CHECKPOINT.matcher(path == null ? "" : path);
        if ("/add-checkpoint".equals(path)) {
            if (allows(exchange, method, "POST")) {
                add(exchange);
            }
        } else if (checkpoint.matches()) {
            if (allows(exchange, method, "GET")) {
                get(exchange, checkpoint.group(1));
            }
        } else {
            send(exchange, 404, TEXT, "expected /add-checkpoint or /<origin hash>/checkpoint\n");
        }
    }

    private static boolean allows(HttpExchange exchange, String method, String expected) throws IOException {
        if (method.equals(expected)) {
            return true;
        }
        exchange.getResponseHeaders().set("Allow", expected);
        send(exchange, 405, TEXT, "only " + expected + "\n");
        return false;
    }

    private void add(HttpExchange exchange) throws IOException {
        // One byte more than there may be: that it is too much is told by the parser.
        byte[] body = exchange.getRequestBody().readNBytes(AddCheckpoint.MAX_BYTES + 1);
        switch (witness.add(body)) {
            case WitnessAnswer.Cosigned cosigned -> send(exchange, 200, TEXT, cosigned.line());
            case WitnessAnswer.Malformed malformed -> send(exchange, 400, TEXT, malformed.reason() + "\n");
            case WitnessAnswer.NotSigned refused -> send(exchange, 403, TEXT, refused.reason() + "\n");
            case WitnessAnswer.UnknownLog unknown ->
                send(exchange, 404, TEXT, "the log `" + unknown.origin() + "` is not watched here\n");
            case WitnessAnswer.Conflict conflict -> send(exchange, 409, SIZE, conflict.size() + "\n");
            case WitnessAnswer.Inconsistent inconsistent -> {
                LOG.error(
                        "A log does not continue what was signed before: {}. It said:\n{}",
                        inconsistent.reason(),
                        inconsistent.checkpoint());
                send(exchange, 422, TEXT, inconsistent.reason() + "\n");
            }
        }
    }

    private void get(HttpExchange exchange, String originHash) throws IOException {
        Optional<byte[]> checkpoint = witness.checkpoint(originHash);
        if (checkpoint.isEmpty()) {
            send(exchange, 404, TEXT, "nothing was signed of such a log\n");
            return;
        }
        send(exchange, 200, TEXT, new String(checkpoint.get(), UTF_8));
    }

    private static void send(HttpExchange exchange, int status, String type, String body) throws IOException {
        byte[] bytes = body.getBytes(UTF_8);
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        exchange.sendResponseHeaders(status, head ? -1 : bytes.length);
        if (!head) {
            exchange.getResponseBody().write(bytes);
        }
    }
}
