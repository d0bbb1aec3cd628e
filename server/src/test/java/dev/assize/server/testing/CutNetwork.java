package dev.assize.server.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The network between one node and its database, as a relay on this machine that can be cut, so that every connection
 * breaks and none is taken, or stalled, so that nothing breaks and nothing arrives; and restored.
 */
public final class CutNetwork implements AutoCloseable {

    private final ServerSocket door;
    private final String host;
    private final int port;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();

    /** Connections on which nothing arrives any more. */
    private final Set<Socket> stranded = ConcurrentHashMap.newKeySet();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    /** Guarded by the lock. */
    private State state = State.WHOLE;

    private enum State {
        WHOLE,
        STALLED,
        CUT,
        CLOSED
    }

    /** A network in front of a server. */
    public CutNetwork(String host, int port) {
        this.host = host;
        this.port = port;
        try {
            door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(this::accept);
    }

    /** Where the server is reached through it. */
    public int port() {
        return door.getLocalPort();
    }

    /** Breaks every connection; new ones break at once. */
    public void cut() {
        become(State.CUT);
        sockets.forEach(CutNetwork::close);
    }

    /** Nothing arrives any more; new connections are taken, and nothing arrives on them either. */
    public void stall() {
        become(State.STALLED);
    }

    /** Nothing arrives any more on the connections that there are, ever, as where a machine went away; new ones are whole. */
    public void strand() {
        stranded.addAll(sockets);
    }

    /** What was stalled arrives now, and new connections are as before. */
    public void restore() {
        become(State.WHOLE);
    }

    @Override
    public void close() {
        become(State.CLOSED);
        sockets.forEach(CutNetwork::close);
        try {
            door.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void become(State next) {
        lock.lock();
        try {
            state = next;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether bytes may pass; waits while they are stalled. */
    private boolean passes() {
        lock.lock();
        try {
            while (state == State.STALLED) {
                changed.awaitUninterruptibly();
            }
            return state == State.WHOLE;
        } finally {
            lock.unlock();
        }
    }

    private void accept() {
        try {
            while (true) {
                Socket client = door.accept();
                sockets.add(client);
                Thread.ofVirtual().start(() -> relay(client));
            }
        } catch (IOException closed) {
            // So that is the end.
        }
    }

    private void relay(Socket client) {
        try (client) {
            if (!passes()) {
                return;
            }
            try (Socket server = new Socket(host, port)) {
                sockets.add(server);
                client.setTcpNoDelay(true);
                server.setTcpNoDelay(true);
                Thread back = Thread.ofVirtual().start(() -> pump(server, client));
                pump(client, server);
                back.join();
            }
        } catch (IOException | InterruptedException broken) {
            // So the connection is.
        } finally {
            sockets.remove(client);
        }
    }

    private void pump(Socket from, Socket to) {
        byte[] bytes = new byte[16_384];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int count = in.read(bytes); count >= 0 && passes(); count = in.read(bytes)) {
                if (!stranded.contains(from)) {
                    out.write(bytes, 0, count);
                }
            }
        } catch (IOException broken) {
            // So the connection is.
        } finally {
            close(from);
            close(to);
            sockets.remove(from);
            stranded.remove(from);
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException gone) {
            // So it is closed.
        }
    }
}
