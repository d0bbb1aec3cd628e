package dev.assize.benchmarks.load;

import io.grpc.netty.shaded.io.netty.bootstrap.Bootstrap;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelInitializer;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoop;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Asks servers, from one thread, with a client of its own that costs a fraction of what a server does. */
final class LoadClient implements AutoCloseable {

    private static final int CONNECT_SECONDS = 10;

    /** How long answers are waited for after the end; an open model that fell behind has much to make up for. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(
            1, Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
    private final Duration patience;

    LoadClient() {
        this(PATIENCE);
    }

    /** @param patience with answers that do not come */
    LoadClient(Duration patience) {
        this.patience = patience;
    }

    /**
     * Asks a server for a while, the end of which is measured.
     *
     * @param perSecond of the open model; 0 for the closed one
     * @param marks told when what is measured begins and ends
     */
    WireRun.Observed ask(
            Endpoint endpoint,
            Workload workload,
            Shape shape,
            double perSecond,
            Duration settle,
            Duration length,
            Marks marks)
            throws IOException, InterruptedException {
        EventLoop loop = group.next();
        WireRun run = new WireRun(loop, workload, shape, perSecond);
        RequestHead head = RequestHead.of(workload.kind().path(), endpoint);
        try {
            for (int i = 0; i < shape.connections(); i++) {
                connect(endpoint, run.newConnection(head));
            }
            await(run, CONNECT_SECONDS);
        } catch (IOException unreachable) {
            on(loop, run::finish);
            throw unreachable;
        }
        on(loop, () -> {
            run.start();
            return run;
        });
        Thread.sleep(settle);
        on(loop, run::begin);
        marks.begin();
        Thread.sleep(length);
        WireRun.Observed measured = on(loop, run::end);
        marks.end();
        awaitAnswers(run);
        WireRun.Observed all = on(loop, run::finish);
        if (all.breakage() != null) {
            throw new IOException(endpoint + " cannot be measured: " + all.breakage(), all.breakage());
        }
        return new WireRun.Observed(
                measured.requests(),
                all.failures(),
                all.wrong(),
                all.checked(),
                all.latencies(),
                all.lateness(),
                measured.beginNanos(),
                measured.endNanos(),
                null);
    }

    @Override
    public void close() {
        var _ = group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    private void connect(Endpoint endpoint, WireConnection connection) throws InterruptedException, IOException {
        Bootstrap bootstrap = new Bootstrap()
                .group(group)
                .channel(channel(endpoint))
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        SslContext tls = endpoint.tls();
                        if (tls != null) {
                            channel.pipeline().addLast(tls.newHandler(channel.alloc(), Endpoint.HOST, endpoint.port()));
                        }
                        channel.pipeline().addLast(connection);
                    }
                });
        if (!endpoint.isUnix()) {
            bootstrap.option(ChannelOption.TCP_NODELAY, true);
        }
        var connected = bootstrap.connect(endpoint.address()).await();
        if (!connected.isSuccess()) {
            throw new IOException("cannot reach " + endpoint + ": " + connected.cause(), connected.cause());
        }
    }

    private static Class<? extends Channel> channel(Endpoint endpoint) {
        if (endpoint.isUnix()) {
            return EpollDomainSocketChannel.class;
        }
        return Epoll.isAvailable() ? EpollSocketChannel.class : NioSocketChannel.class;
    }

    private static void await(WireRun run, int seconds) throws IOException, InterruptedException {
        try {
            run.allReady().get(seconds, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException failure) {
            throw new IOException("the server does not greet: " + failure, failure);
        }
    }

    private void awaitAnswers(WireRun run) throws InterruptedException {
        try {
            run.allAnswered().get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException unanswered) {
            // What has no answer counts as failed, and a broken connection is told by the run itself.
        }
    }

    private static <T> T on(EventLoop loop, Callable<T> step) throws InterruptedException, IOException {
        try {
            return loop.submit(step).get();
        } catch (ExecutionException failure) {
            throw new IOException(failure.getCause());
        }
    }

    /** What else is read at the moments between which is measured. */
    interface Marks {

        Marks NONE = new Marks() {
            @Override
            public void begin() {}

            @Override
            public void end() {}
        };

        void begin();

        void end();
    }
}
