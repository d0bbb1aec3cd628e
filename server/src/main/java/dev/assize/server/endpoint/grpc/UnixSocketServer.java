package dev.assize.server.endpoint.grpc;

import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The same services on a Unix socket. A file that a server left behind when it died is replaced; any other is not touched. */
final class UnixSocketServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(UnixSocketServer.class);

    private final GrpcConfig.UnixSocket socket;
    private final EventLoopGroup acceptor;
    private final EventLoopGroup loops;
    private final Server server;

    /** Which file it is: one of that name may be another server's by the time this one ends. */
    private final Object fileKey;

    private UnixSocketServer(
            GrpcConfig.UnixSocket socket,
            EventLoopGroup acceptor,
            EventLoopGroup loops,
            Server server,
            Object fileKey) {
        this.socket = socket;
        this.acceptor = acceptor;
        this.loops = loops;
        this.server = server;
        this.fileKey = fileKey;
    }

    /**
     * Opens the socket.
     *
     * @param configured the builder with everything but where it listens
     */
    static UnixSocketServer open(GrpcConfig.UnixSocket socket, UnaryOperator<NettyServerBuilder> configured) {
        EventLoopGroup acceptor = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        EventLoopGroup loops = new MultiThreadIoEventLoopGroup(NioIoHandler.newFactory());
        Server server = null;
        try {
            makeRoom(socket.file());
            Path hidden = hiddenDirectory(socket.file());
            try {
                Path bound = hidden.resolve("s");
                NettyServerBuilder builder = NettyServerBuilder.forAddress(UnixDomainSocketAddress.of(bound))
                        .channelType(NioServerDomainSocketChannel.class)
                        .bossEventLoopGroup(acceptor)
                        .workerEventLoopGroup(loops);
                server = configured.apply(builder).build().start();
                Files.setPosixFilePermissions(bound, socket.permissions());
                Object fileKey = fileKey(bound);
                Files.move(bound, socket.file(), StandardCopyOption.ATOMIC_MOVE);
                return new UnixSocketServer(socket, acceptor, loops, server, fileKey);
            } finally {
                Files.deleteIfExists(hidden.resolve("s"));
                Files.delete(hidden);
            }
        } catch (IOException e) {
            if (server != null) {
                server.shutdownNow();
            }
            end(acceptor, loops);
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

    /** To be called when the server has ended. */
    @Override
    public void close() {
        end(acceptor, loops);
        try {
            if (Files.exists(socket.file(), LinkOption.NOFOLLOW_LINKS)
                    && fileKey(socket.file()).equals(fileKey)) {
                Files.delete(socket.file());
            }
        } catch (IOException e) {
            LOG.warn("{} cannot be deleted", socket.file(), e);
        }
    }

    private static void end(EventLoopGroup acceptor, EventLoopGroup loops) {
        var _ = acceptor.shutdownGracefully();
        var _ = loops.shutdownGracefully();
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

    private static boolean isServed(Path file) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(file));
        } catch (IOException nobody) {
            return false;
        }
    }

    private static String reason(Path file, IOException failure) {
        Path directory = file.getParent();
        return directory != null && !Files.isDirectory(directory)
                ? "there is no directory " + directory
                : String.valueOf(failure.getMessage());
    }
}
