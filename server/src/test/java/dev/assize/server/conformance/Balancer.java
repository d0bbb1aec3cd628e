package dev.assize.server.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A balancer of connections as there is one before any cluster: it knows nothing of gRPC, asks each node's {@code /readyz} ten
 * times a second, and gives a new connection to the next node that is ready. Those that are open stay where they are.
 */
public final class Balancer implements AutoCloseable {

    private static final Duration PROBE = Duration.ofMillis(100);
    private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(1);

    private final ServerSocket door;
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(PROBE_TIMEOUT).build();
    private final ConcurrentMap<String, Node> nodes = new ConcurrentHashMap<>();
    private final Set<String> ready = ConcurrentHashMap.newKeySet();
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final AtomicInteger turn = new AtomicInteger();
    private volatile boolean closed;

    private record Node(String address, String operations) {}

    public Balancer() {
        try {
            door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(this::accept);
        Thread.ofPlatform().daemon().start(this::probe);
    }

    public String address() {
        return "127.0.0.1:" + door.getLocalPort();
    }

    /** Where the node of this name is from now on; it gets connections once it is ready. */
    public void lead(String name, String address, String operations) {
        ready.remove(name);
        nodes.put(name, new Node(address, operations));
    }

    public boolean isReady(String name) {
        return ready.contains(name);
    }

    private void probe() {
        while (!closed) {
            nodes.forEach((name, node) -> {
                if (answers(node)) {
                    ready.add(name);
                } else {
                    ready.remove(name);
                }
            });
            LockSupport.parkNanos(PROBE.toNanos());
        }
    }

    private boolean answers(Node node) {
        try {
            return http.send(
                                    HttpRequest.newBuilder(URI.create("http://" + node.operations() + "/readyz"))
                                            .timeout(PROBE_TIMEOUT)
                                            .build(),
                                    HttpResponse.BodyHandlers.discarding())
                            .statusCode()
                    == 200;
        } catch (IOException unreachable) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket client = door.accept();
                sockets.add(client);
                Thread.ofVirtual().start(() -> relay(client));
            }
        } catch (IOException end) {
            // So that is the end.
        }
    }

    private void relay(Socket client) {
        try (client;
                Socket node = next()) {
            if (node == null) {
                return;
            }
            sockets.add(node);
            client.setTcpNoDelay(true);
            node.setTcpNoDelay(true);
            Thread back = Thread.ofVirtual().start(() -> pump(node, client));
            pump(client, node);
            back.join();
            sockets.remove(node);
        } catch (IOException | InterruptedException broken) {
            // So the connection is.
        } finally {
            sockets.remove(client);
        }
    }

    /** A connection to the next node that is ready and takes it; null where there is none. */
    private @Nullable Socket next() {
        List<Node> now = ready.stream().sorted().map(nodes::get).toList();
        for (int i = 0; i < now.size(); i++) {
            String address =
                    now.get(Math.floorMod(turn.getAndIncrement(), now.size())).address();
            try {
                return new Socket(
                        InetAddress.getLoopbackAddress(),
                        Integer.parseInt(address.substring(address.lastIndexOf(':') + 1)));
            } catch (IOException refused) {
                // The next one, then.
            }
        }
        return null;
    }

    private static void pump(Socket from, Socket to) {
        byte[] bytes = new byte[16_384];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
                out.write(bytes, 0, count);
            }
        } catch (IOException broken) {
            // So the connection is.
        } finally {
            close(from);
            close(to);
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException gone) {
            // So it is closed.
        }
    }

    @Override
    public void close() {
        closed = true;
        sockets.forEach(Balancer::close);
        http.close();
        try {
            door.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
