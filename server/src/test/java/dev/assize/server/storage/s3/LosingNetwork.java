package dev.assize.server.storage.s3;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The way to a server that speaks HTTP/1.1, on which the next PUTs get lost: the connection breaks before the server has any of
 * it, or when it answers. Everything else passes as it is.
 */
public final class LosingNetwork implements AutoCloseable {

    private static final byte[] PUT = "PUT ".getBytes(US_ASCII);

    private final ServerSocket door;
    private final URI server;
    private final ConcurrentLinkedQueue<Loss> losses = new ConcurrentLinkedQueue<>();

    /** What gets lost of a PUT. */
    public enum Loss {
        NOTHING,
        REQUEST,
        ANSWER
    }

    /** A way to that server. */
    public LosingNetwork(URI server) {
        this.server = server;
        try {
            door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(this::accept);
    }

    /** Where the server is reached by it. */
    public URI endpoint() {
        return URI.create("http://127.0.0.1:" + door.getLocalPort());
    }

    /** What happens to the next PUTs, one after the other. */
    public void lose(List<Loss> next) {
        losses.clear();
        losses.addAll(next);
    }

    private void accept() {
        try {
            while (true) {
                Socket client = door.accept();
                Thread.ofVirtual().start(() -> relay(client));
            }
        } catch (IOException closed) {
            // Nobody is let in any more.
        }
    }

    private void relay(Socket from) {
        AtomicBoolean silenced = new AtomicBoolean();
        try (Socket client = from;
                Socket to = new Socket(server.getHost(), server.getPort());
                InputStream in = client.getInputStream();
                OutputStream out = to.getOutputStream()) {
            Thread.ofVirtual().start(() -> answer(to, client, silenced));
            byte[] part = new byte[1 << 16];
            for (int read = in.read(part); read >= 0; read = in.read(part)) {
                if (read > PUT.length && Arrays.equals(PUT, 0, PUT.length, part, 0, PUT.length)) {
                    Loss loss = losses.poll();
                    if (loss == Loss.REQUEST) {
                        return;
                    }
                    silenced.set(loss == Loss.ANSWER);
                }
                out.write(part, 0, read);
            }
        } catch (IOException broken) {
            // So is the other side, now.
        }
    }

    /** The server has done what it answers. */
    private static void answer(Socket to, Socket client, AtomicBoolean silenced) {
        try (client;
                InputStream in = to.getInputStream();
                OutputStream out = client.getOutputStream()) {
            byte[] part = new byte[1 << 16];
            for (int read = in.read(part); read >= 0 && !silenced.get(); read = in.read(part)) {
                out.write(part, 0, read);
            }
        } catch (IOException broken) {
            // So is the other side, now.
        }
    }

    @Override
    public void close() {
        try {
            door.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
