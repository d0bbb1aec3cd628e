package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Stands between a node and its PostgreSQL, understands what they say, and lets something happen at one statement of
 * it: before the server gets to see that statement, while it is carried out, or behind it, before the node hears of it.
 * So every step between two statements can be the last one, and neither of the two has anything in it for that.
 *
 * <p>What it understands is protocol 3.0, without encryption: {@link #url} says so to the driver.
 */
final class PostgresRelay implements AutoCloseable {

    private static final byte[] FLUSH = {'H', 0, 0, 0, 4};
    private static final long PATIENCE_SECONDS = 60;

    private final InetSocketAddress server;
    private final ServerSocket listener;
    private final Set<Link> links = ConcurrentHashMap.newKeySet();
    private final AtomicReference<@Nullable Fault> armed = new AtomicReference<>();

    PostgresRelay(int serverPort) throws IOException {
        server = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), serverPort);
        listener = new ServerSocket(0, 64, server.getAddress());
        Thread.ofVirtual().start(this::accept);
    }

    /** The address of a server's database through this relay. */
    String url(String address) {
        return address.replaceFirst(":[0-9]+/", ":" + listener.getLocalPort() + "/")
                + "?sslmode=disable&gssEncMode=disable";
    }

    /** From now on statements are counted, from 1; at the wanted one the fault happens, once. */
    Fault arm(int statement, Moment moment, Death death) {
        return arm(seen -> seen.size() == statement, moment, death);
    }

    /** The same, at the statement with which those that were seen by then are as they are wanted. */
    Fault arm(Predicate<List<String>> wanted, Moment moment, Death death) {
        Fault fault = new Fault(wanted, moment, death);
        armed.set(fault);
        return fault;
    }

    void disarm() {
        armed.set(null);
    }

    @Override
    public void close() throws IOException {
        listener.close();
        links.forEach(Link::cut);
    }

    private void accept() {
        try {
            while (true) {
                connect(listener.accept());
            }
        } catch (IOException e) {
            links.forEach(Link::cut);
        }
    }

    private void connect(Socket node) throws IOException {
        try {
            Link link = new Link(node);
            links.add(link);
            Thread.ofVirtual().start(link::fromNode);
            Thread.ofVirtual().start(link::fromServer);
        } catch (IOException e) {
            // The server is down; the node finds that out as it would without a relay.
            node.close();
        }
    }

    enum Moment {
        BEFORE,
        DURING,
        AFTER
    }

    /** What happens; what is not cut by it goes on. */
    @FunctionalInterface
    interface Death {
        void of(Link link) throws Exception;
    }

    /** Something that is to happen, or has. */
    static final class Fault {

        private final Predicate<List<String>> wanted;
        private final Moment moment;
        private final Death death;
        private final List<String> statements = new ArrayList<>();
        private final List<Integer> roundStarts = new ArrayList<>();
        private final CountDownLatch happened = new CountDownLatch(1);

        /** Guarded by this fault, as what was seen is. */
        private boolean met;

        private Fault(Predicate<List<String>> wanted, Moment moment, Death death) {
            this.wanted = wanted;
            this.moment = moment;
            this.death = death;
        }

        boolean hasHappened() {
            return happened.getCount() == 0;
        }

        void await() throws InterruptedException {
            if (!happened.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("nothing happened at any of " + statements());
            }
        }

        /** The statement at which it happened, or the last one seen. */
        synchronized String at() {
            return statements.isEmpty() ? "" : statements.getLast();
        }

        synchronized List<String> statements() {
            return List.copyOf(statements);
        }

        /** Those that the node sent after it had heard how the one before ended: there the server waits for it. */
        synchronized List<Integer> roundStarts() {
            return List.copyOf(roundStarts);
        }

        /** Counts a statement; says whether it is the one. */
        private synchronized boolean isAt(String sql, boolean startsRound) {
            if (met) {
                return false;
            }
            statements.add(sql);
            if (startsRound) {
                roundStarts.add(statements.size());
            }
            met = wanted.test(statements);
            return met;
        }
    }

    /** One connection of the node's. */
    final class Link {

        private final Socket node;
        private final Socket behind;
        private final DataInputStream nodeIn;
        private final DataOutputStream nodeOut;
        private final DataInputStream serverIn;
        private final DataOutputStream serverOut;
        private final Map<String, String> statements = new HashMap<>();
        private final Map<String, String> portals = new HashMap<>();

        /** What prepares the next statement; the server gets it together with that. */
        private final ByteArrayOutputStream held = new ByteArrayOutputStream();

        private boolean withinRound;

        /** Guarded by this link: how many statements were sent, and how many of them have ended. */
        private int sent;

        private int ended;
        private volatile boolean silent;
        private volatile int serverPid;

        private Link(Socket node) throws IOException {
            this.node = node;
            this.behind = new Socket();
            behind.connect(server);
            node.setTcpNoDelay(true);
            behind.setTcpNoDelay(true);
            nodeIn = new DataInputStream(new BufferedInputStream(node.getInputStream()));
            nodeOut = new DataOutputStream(new BufferedOutputStream(node.getOutputStream()));
            serverIn = new DataInputStream(new BufferedInputStream(behind.getInputStream()));
            serverOut = new DataOutputStream(new BufferedOutputStream(behind.getOutputStream()));
        }

        /** The process that serves this connection. */
        int serverPid() {
            return serverPid;
        }

        /** Ends both sides at once, as a network does. */
        void cut() {
            links.remove(this);
            closeQuietly(node);
            closeQuietly(behind);
        }

        private void fromNode() {
            try {
                byte[] startup = new byte[nodeIn.readInt() - Integer.BYTES];
                nodeIn.readFully(startup);
                serverOut.writeInt(startup.length + Integer.BYTES);
                serverOut.write(startup);
                serverOut.flush();
                while (true) {
                    byte type = nodeIn.readByte();
                    byte[] body = new byte[nodeIn.readInt() - Integer.BYTES];
                    nodeIn.readFully(body);
                    relay(type, body);
                    if (nodeIn.available() == 0) {
                        serverOut.flush();
                    }
                }
            } catch (IOException e) {
                cut();
            } catch (Exception e) {
                cut();
                throw new IllegalStateException(e);
            }
        }

        private void relay(byte type, byte[] body) throws Exception {
            String sql = executed(type, body);
            if (sql != null) {
                synchronized (this) {
                    sent++;
                }
            }
            Fault fault = armed.get();
            boolean first = !withinRound;
            withinRound = type != 'S' && type != 'Q' && (withinRound || sql != null);
            send(new DataOutputStream(held), type, body);
            if (type == 'P' || type == 'B' || type == 'D') {
                return;
            }
            if (sql == null || fault == null || !fault.isAt(sql, first)) {
                sendHeld();
                return;
            }
            // Nothing of what follows is to reach the node, where it dies of this.
            silent = fault.moment != Moment.BEFORE;
            if (fault.moment != Moment.BEFORE) {
                sendHeld();
            }
            if (fault.moment != Moment.BEFORE || !first) {
                serverOut.write(FLUSH);
            }
            serverOut.flush();
            if (fault.moment != Moment.DURING) {
                awaitEnded(fault.moment == Moment.BEFORE ? sent - 1 : sent);
            }
            fault.death.of(this);
            fault.happened.countDown();
            sendHeld();
        }

        private void sendHeld() throws IOException {
            held.writeTo(serverOut);
            held.reset();
        }

        /** The statement that a message has carried out; null where it is another message. */
        private @Nullable String executed(byte type, byte[] body) {
            ByteBuffer message = ByteBuffer.wrap(body);
            switch (type) {
                case 'P' -> statements.put(text(message), text(message));
                case 'B' -> {
                    String portal = text(message);
                    portals.put(portal, statements.getOrDefault(text(message), ""));
                }
                case 'E' -> {
                    return portals.getOrDefault(text(message), "");
                }
                case 'Q' -> {
                    return text(message);
                }
                default -> {
                    // Neither names nor carries out a statement.
                }
            }
            return null;
        }

        private void fromServer() {
            try {
                while (true) {
                    byte type = serverIn.readByte();
                    byte[] body = new byte[serverIn.readInt() - Integer.BYTES];
                    serverIn.readFully(body);
                    if (type == 'K') {
                        serverPid = ByteBuffer.wrap(body).getInt();
                    }
                    if (!silent) {
                        send(nodeOut, type, body);
                        if (serverIn.available() == 0) {
                            nodeOut.flush();
                        }
                    }
                    noteEnd(type);
                }
            } catch (IOException e) {
                noteEnd((byte) 'E');
                cut();
            }
        }

        /** Behind an error the server carries out nothing of what was sent with it. */
        private synchronized void noteEnd(byte type) {
            switch (type) {
                case 'C', 's', 'I' -> ended++;
                case 'E' -> ended = sent;
                default -> {
                    return;
                }
            }
            notifyAll();
        }

        private synchronized void awaitEnded(int wanted) throws InterruptedException {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            while (ended < wanted) {
                long millis = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (millis <= 0) {
                    throw new IllegalStateException("the server does not carry out what it was sent");
                }
                wait(millis);
            }
        }
    }

    private static void send(DataOutputStream to, byte type, byte[] body) throws IOException {
        to.writeByte(type);
        to.writeInt(body.length + Integer.BYTES);
        to.write(body);
    }

    private static String text(ByteBuffer message) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        for (byte next = message.get(); next != 0; next = message.get()) {
            text.write(next);
        }
        return text.toString(UTF_8);
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
