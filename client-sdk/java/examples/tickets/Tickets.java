import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.assize.client.AssizeClient;
import dev.assize.client.AssizeException;
import dev.assize.client.AuditEvent;
import dev.assize.client.Question;
import dev.assize.client.enforcement.Enforcer;
import dev.assize.client.enforcement.EnforcingFilter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;

/**
 * A small service for support tickets that protects itself with Assize: it asks before it serves or changes one, and changes
 * nothing that is not in the ledger. {@code policy.yaml} is the policy that it needs.
 *
 * <pre>
 * export ASSIZE_KEY=$(./assize key create --tenant assize --subject service:tickets --tenants support)
 * TICKETS_SESSIONS=secret1=user:alice,secret2=user:bob java --class-path 'server/target/lib/*' \
 *     client-sdk/java/examples/tickets/Tickets.java
 * curl -H 'Authorization: Bearer secret1' -X PUT -d 'the printer is on fire' http://127.0.0.1:8080/tickets/7
 * </pre>
 */
public final class Tickets {

    private static final int LONGEST_TICKET = 64 << 10;

    private final AssizeClient assize;

    /** Subjects by token; a real service has a login. */
    private final Map<String, String> sessions;

    private final Map<String, String> tickets = new ConcurrentHashMap<>();

    private Tickets(AssizeClient assize, Map<String, String> sessions) {
        this.assize = assize;
        this.sessions = sessions;
    }

    public static void main(String[] arguments) throws IOException {
        AssizeClient.Builder connection = AssizeClient.builder()
                .target(variable("ASSIZE_SERVER", "127.0.0.1:7443"))
                .tenant("support");
        if (variable("ASSIZE_SERVER", "127.0.0.1:7443").startsWith("127.0.0.1:")) {
            connection.plaintext(); // the key does not leave this machine
        }
        // Recording needs no obligations, so it has a client of its own.
        Tickets service = new Tickets(connection.build(), sessions(variable("TICKETS_SESSIONS", "")));
        Enforcer enforcer = Enforcer.of(connection.cache(10_000))
                .on(
                        "notify/customer",
                        (_, result) -> System.out.println("the customer is told: " + result.decisionId()))
                .build();
        HttpServer server = service.serve(enforcer, Integer.parseInt(variable("TICKETS_PORT", "8080")));
        System.out.println("tickets at http://127.0.0.1:" + server.getAddress().getPort());
    }

    private HttpServer serve(Enforcer enforcer, int port) throws IOException {
        EnforcingFilter door = EnforcingFilter.of(enforcer, this::subject)
                .route("GET /tickets/{id}", "read", "ticket:{id}")
                .route("PUT /tickets/{id}", "write", "ticket:{id}")
                .route("DELETE /tickets/{id}", "close", "ticket:{id}")
                .open("GET /health")
                .build();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        HttpContext all = server.createContext("/", this::handle);
        all.getFilters().add(door);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
        return server;
    }

    /** Stands for whatever your service verifies: a token's signature, a session, a client certificate. */
    private Optional<String> subject(HttpExchange exchange) {
        String authorization = exchange.getRequestHeaders().getFirst("Authorization");
        return authorization != null && authorization.startsWith("Bearer ")
                ? Optional.ofNullable(sessions.get(authorization.substring("Bearer ".length())))
                : Optional.empty();
    }

    /** What the door has let through. */
    private void handle(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        if (path.equals("/health")) {
            answer(exchange, 200, "well");
            return;
        }
        String id = path.substring("/tickets/".length());
        switch (exchange.getRequestMethod()) {
            case "PUT" -> write(exchange, id);
            case "DELETE" -> change(exchange, "ticket.closed", "close", id, () -> tickets.remove(id));
            default -> read(exchange, id);
        }
    }

    private void read(HttpExchange exchange, String id) throws IOException {
        String ticket = tickets.get(id);
        answer(exchange, ticket == null ? 404 : 200, ticket == null ? "" : ticket);
    }

    private void write(HttpExchange exchange, String id) throws IOException {
        byte[] body = exchange.getRequestBody().readNBytes(LONGEST_TICKET + 1);
        if (body.length > LONGEST_TICKET) {
            answer(exchange, 413, "");
            return;
        }
        change(
                exchange,
                "ticket.written",
                "write",
                id,
                () -> tickets.put(id, new String(body, StandardCharsets.UTF_8)));
    }

    /** Records what is about to be done and then does it: what is not in the ledger does not happen. */
    private void change(HttpExchange exchange, String type, String action, String id, Runnable change)
            throws IOException {
        AuditEvent event = AuditEvent.ofType(type)
                .actor(subject(exchange).orElseThrow())
                .action(action)
                .resource("ticket:" + Question.pathId(id))
                .decision(EnforcingFilter.RESULT.get())
                .build();
        try {
            assize.appendAudit(event);
        } catch (AssizeException unrecorded) {
            System.err.println(
                    type + " of ticket " + id + " is not recorded, and so not done: " + unrecorded.getMessage());
            answer(exchange, 503, "");
            return;
        }
        change.run();
        answer(exchange, 204, "");
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        boolean isEmpty = body.length == 0 || exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(status, isEmpty ? -1 : body.length);
        if (!isEmpty) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    /** Reads {@code token=subject,…}. */
    private static Map<String, String> sessions(String text) {
        Map<String, String> subjects = new HashMap<>();
        for (String session : text.split(",")) {
            int equals = session.indexOf('=');
            if (equals > 0) {
                subjects.put(session.substring(0, equals), session.substring(equals + 1));
            }
        }
        return subjects;
    }

    private static String variable(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isBlank() ? otherwise : value;
    }
}
