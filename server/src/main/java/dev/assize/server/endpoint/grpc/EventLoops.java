package dev.assize.server.endpoint.grpc;

import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.IoHandlerFactory;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.ServerChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.grpc.netty.shaded.io.netty.util.concurrent.EventExecutor;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The threads of one listener, which nobody else uses: Linux's own transport where there is one, or else Java's. */
final class EventLoops implements AutoCloseable {

    private static final int END_SECONDS = 5;

    private final boolean epoll = Epoll.isAvailable();
    private final EventLoopGroup acceptor;
    private final EventLoopGroup loops;

    /**
     * Starts none before it is needed.
     *
     * @param name what the threads' names begin with
     * @param threads that read and write; more than there are processors take turns on them, and connections wait for those
     */
    EventLoops(String name, int threads) {
        ThreadFactory factory = new DefaultThreadFactory(name, true);
        this.acceptor = new MultiThreadIoEventLoopGroup(1, factory, handler());
        this.loops = new MultiThreadIoEventLoopGroup(threads, factory, handler());
    }

    private IoHandlerFactory handler() {
        return epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    }

    /** How many threads read and write. */
    int count() {
        int count = 0;
        for (EventExecutor _ : loops) {
            count++;
        }
        return count;
    }

    /** The one that this thread is; null where it is none of these. */
    @Nullable
    Executor own() {
        for (EventExecutor each : loops) {
            if (each.inEventLoop()) {
                return each;
            }
        }
        return null;
    }

    /** Has a listener on a port run here. */
    NettyServerBuilder serve(NettyServerBuilder port) {
        return serve(port, epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class);
    }

    /** A listener on a Unix socket that runs here. */
    NettyServerBuilder serve(Path socket) {
        SocketAddress address = epoll ? new DomainSocketAddress(socket.toFile()) : UnixDomainSocketAddress.of(socket);
        return serve(
                NettyServerBuilder.forAddress(address),
                epoll ? EpollServerDomainSocketChannel.class : NioServerDomainSocketChannel.class);
    }

    private NettyServerBuilder serve(NettyServerBuilder listener, Class<? extends ServerChannel> channel) {
        return listener.channelType(channel).bossEventLoopGroup(acceptor).workerEventLoopGroup(loops);
    }

    /** To be called when what runs here has ended. */
    @Override
    public void close() {
        var _ = acceptor.shutdownGracefully(0, END_SECONDS, TimeUnit.SECONDS);
        var _ = loops.shutdownGracefully(0, END_SECONDS, TimeUnit.SECONDS);
    }
}
