package dev.assize.server.endpoint.grpc;

import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The same services on a Unix socket. A file that a server left behind when it died is replaced; any other is not touched. */
final class UnixSocketServer implements AutoCloseable {

    private static final String LOCK = ".lock";

    private static final Logger LOG = LoggerFactory.getLogger(UnixSocketServer.class);

    private final GrpcConfig.UnixSocket socket;
    private final EventLoops loops;
    private final Server server;

    /**
     * Which file it is: one of that name may be another server's by the time this one ends. Only as long as the socket is open
     * has no other file that key.
     */
    private final Object fileKey;

    private UnixSocketServer(GrpcConfig.UnixSocket socket, EventLoops loops, Server server, Object fileKey) {
        this.socket = socket;
        this.loops = loops;
        this.server = server;
        this.fileKey = fileKey;
    }

    /**
     * Opens the socket.
     *
     * @param loops that it runs on, and ends
     * @param configured the builder with everything but where it listens
     */
    static UnixSocketServer open(
            GrpcConfig.UnixSocket socket, EventLoops loops, UnaryOperator<NettyServerBuilder> configured) {
        Server server = null;
        try (Opening _ = Opening.of(socket.file())) {
            makeRoom(socket.file());
            Path hidden = hiddenDirectory(socket.file());
            try {
                Path bound = hidden.resolve("s");
                server = configured.apply(loops.serve(bound)).build().start();
                Files.setPosixFilePermissions(bound, socket.permissions());
                Object fileKey = fileKey(bound);
                Files.move(bound, socket.file(), StandardCopyOption.ATOMIC_MOVE);
                return new UnixSocketServer(socket, loops, server, fileKey);
            } finally {
                Files.deleteIfExists(hidden.resolve("s"));
                Files.delete(hidden);
            }
        } catch (IOException e) {
            if (server != null) {
                server.shutdownNow();
            }
            loops.close();
            throw new GrpcStartException(
                    "cannot listen on " + socket.file() + " (grpc.unixSocket): " + reason(socket.file(), e), e);
        }
    }

    /** Where nobody else can connect until the socket has its permissions: what binds it lets everybody in at once. */
    private static Path hiddenDirectory(Path file) throws IOException {
        byte[] random = new byte[4];
        new SecureRandom().nextBytes(random);
        return Files.createDirectory(
                file.resolveSibling(
                        GrpcConfig.UnixSocket.HIDDEN + HexFormat.of().formatHex(random)),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    private static Object fileKey(Path file) throws IOException {
        return Objects.requireNonNull(Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey());
    }

    Server server() {
        return server;
    }

    /**
     * Takes the file away, so that nobody finds the server by it any more. To be called while it listens still: from then on
     * another may take its place.
     */
    void withdraw() {
        try {
            if (Files.exists(socket.file(), LinkOption.NOFOLLOW_LINKS)
                    && fileKey(socket.file()).equals(fileKey)) {
                Files.delete(socket.file());
            }
        } catch (IOException e) {
            LOG.warn("{} cannot be deleted", socket.file(), e);
        }
    }

    /** To be called when the server has ended. */
    @Override
    public void close() {
        loops.close();
    }

    private static void makeRoom(Path file) throws IOException {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.readAttributes(file, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .isOther()) {
            throw new IOException("it is a file that is no socket");
        }
        if (isServed(file)) {
            throw new IOException("somebody listens there already");
        }
        Files.delete(file);
    }

    /** Only a connection that is refused says that nobody listens; one that is forbidden says nothing of that. */
    private static boolean isServed(Path file) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(file));
        } catch (ConnectException nobody) {
            return false;
        }
    }

    /**
     * The lock that a server holds while it takes the place of one that has died, so that of several that start at once none
     * takes another's. Its file stays: who deletes a lock's file may delete another's lock.
     */
    private record Opening(FileChannel file) implements AutoCloseable {

        static Opening of(Path socket) throws IOException {
            Path path = socket.resolveSibling(socket.getFileName() + LOCK);
            FileChannel file = FileChannel.open(
                    path,
                    Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            try {
                if (file.tryLock() == null) {
                    throw new IOException("another server is opening it");
                }
            } catch (IOException | OverlappingFileLockException taken) {
                file.close();
                throw taken instanceof IOException refused ? refused : new IOException("another server is opening it");
            }
            return new Opening(file);
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }

    private static String reason(Path file, IOException failure) {
        Path directory = file.getParent();
        return directory != null && !Files.isDirectory(directory)
                ? "there is no directory " + directory
                : String.valueOf(failure.getMessage());
    }
}
