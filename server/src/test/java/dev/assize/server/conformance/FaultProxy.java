package dev.assize.server.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The network between one client and the server: whole, slow, silent, cut, or losing what is answered. */
final class FaultProxy implements AutoCloseable {

    /** How long a request may take to have its effect before its connection is cut. */
    private static final Duration LOSING = Duration.ofMillis(400);

    private final ServerSocket door;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    /** Where the server is. Guarded by the lock, as what follows. */
    private @Nullable InetSocketAddress server;

    private State state = State.WHOLE;
    private Duration delay = Duration.ZERO;

    private enum State {
        WHOLE,
        /** Connections are taken, and nothing arrives. */
        SILENT,
        /** Every connection breaks, and so do new ones. */
        CUT,
        /** What is asked next arrives, what is answered is lost with the connection; then it is whole. */
        LOSING
    }

    FaultProxy() {
        try {
            door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(this::accept);
    }

    String address() {
        return "127.0.0.1:" + door.getLocalPort();
    }

    /** Leads to a server; what leads elsewhere breaks. */
    void leadTo(String address) {
        int colon = address.lastIndexOf(':');
        lock.lock();
        try {
            server = new InetSocketAddress(
                    InetAddress.getLoopbackAddress(), Integer.parseInt(address.substring(colon + 1)));
        } finally {
            lock.unlock();
        }
        breakAll();
    }

    void whole() {
        become(State.WHOLE, Duration.ZERO);
    }

    void slow(Duration delay) {
        become(State.WHOLE, delay);
    }

    void silent() {
        become(State.SILENT, Duration.ZERO);
    }

    void cut() {
        become(State.CUT, Duration.ZERO);
        breakAll();
    }

    void loseNextAnswer() {
        become(State.LOSING, Duration.ZERO);
    }

    /** Breaks what is open; new connections are as before. */
    void breakAll() {
        sockets.forEach(FaultProxy::close);
    }

    @Override
    public void close() {
        cut();
        try {
            door.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void become(State next, Duration delay) {
        lock.lock();
        try {
            state = next;
            this.delay = delay;
            changed.signalAll();
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
            InetSocketAddress to = passes();
            if (to == null) {
                return;
            }
            try (Socket upstream = new Socket(to.getAddress(), to.getPort())) {
                sockets.add(upstream);
                client.setTcpNoDelay(true);
                upstream.setTcpNoDelay(true);
                Thread back = Thread.ofVirtual().start(() -> pump(upstream, client, false));
                pump(client, upstream, true);
                back.join();
            }
        } catch (IOException | InterruptedException broken) {
            // So the connection is.
        } finally {
            sockets.remove(client);
        }
    }

    /** Where bytes go; waits while there is silence; null where they do not pass. */
    private @Nullable InetSocketAddress passes() throws InterruptedException {
        lock.lock();
        try {
            while (state == State.SILENT) {
                changed.await();
            }
            Duration slow = delay;
            for (long left = slow.toNanos(); left > 0 && delay.equals(slow); ) {
                left = changed.awaitNanos(left);
            }
            return state == State.CUT ? null : server;
        } finally {
            lock.unlock();
        }
    }

    private void pump(Socket from, Socket to, boolean isAsking) {
        byte[] bytes = new byte[16_384];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int count = in.read(bytes); count >= 0 && passes() != null; count = in.read(bytes)) {
                boolean losing = isLosing();
                if (!losing || isAsking) {
                    out.write(bytes, 0, count);
                }
                if (losing && isAsking) {
                    Thread.ofVirtual().start(this::loseAll);
                }
            }
        } catch (IOException | InterruptedException broken) {
            // So the connection is.
        } finally {
            close(from);
            close(to);
            sockets.remove(from);
        }
    }

    private boolean isLosing() {
        lock.lock();
        try {
            return state == State.LOSING;
        } finally {
            lock.unlock();
        }
    }

    /** Lets what was asked have its effect, then breaks everything, once. */
    private void loseAll() {
        lock.lock();
        try {
            long left = LOSING.toNanos();
            while (state == State.LOSING && left > 0) {
                left = changed.awaitNanos(left);
            }
            if (state != State.LOSING) {
                return;
            }
            state = State.WHOLE;
            changed.signalAll();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
        breakAll();
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException gone) {
            // So it is closed.
        }
    }
}
