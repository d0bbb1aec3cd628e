package dev.assize.benchmarks.load;

import dev.assize.benchmarks.load.BareServer.Answers;
import io.grpc.Codec;
import io.grpc.DecompressorRegistry;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.IoHandlerFactory;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/** The no-op with one thing other than it is, to see what that one thing is worth. */
enum Variation {
    /** As it is. */
    NONE("as it is"),

    VIRTUAL_THREADS("each call on a virtual thread") {
        @Override
        NettyServerBuilder on(NettyServerBuilder builder) {
            return builder.executor(Executors.newVirtualThreadPerTaskExecutor());
        }
    },

    ONE_THREAD("all calls on one other thread") {
        @Override
        NettyServerBuilder on(NettyServerBuilder builder) {
            return builder.executor(Executors.newSingleThreadExecutor());
        }
    },

    CHOSEN_THREADS("threads chosen call by call, the event loop each time") {
        @Override
        NettyServerBuilder on(NettyServerBuilder builder) {
            return builder.directExecutor().callExecutor(new OnTheLoop());
        }
    },

    GENERATED("messages read and written by protobuf's generated code") {
        @Override
        ServerServiceDefinition service(Answers answers) throws IOException {
            return BareServer.stock(answers);
        }
    },

    OWN_HANDLER("a call handler of its own in the place of gRPC's") {
        @Override
        ServerServiceDefinition service(Answers answers) {
            return new BareService(answers).handledByItself();
        }
    },

    TWO_LOOPS("two event loops a processor in the place of one") {
        @Override
        NettyServerBuilder on(NettyServerBuilder builder) {
            return loops(builder.directExecutor(), 2 * Runtime.getRuntime().availableProcessors(), Epoll.isAvailable());
        }
    },

    JAVA_TRANSPORT("Java's transport in the place of Linux's own") {
        @Override
        NettyServerBuilder on(NettyServerBuilder builder) {
            return loops(builder.directExecutor(), Runtime.getRuntime().availableProcessors(), false);
        }
    },

    FIXED_WINDOW("a fixed window of flow control, 1 MiB, in the place of one that pings measure") {
        @Override
        NettyServerBuilder on(NettyServerBuilder builder) {
            return builder.directExecutor().flowControlWindow(1 << 20);
        }
    },

    NO_ENCODINGS("answers that do not say how they may be asked in compressed form") {
        @Override
        NettyServerBuilder on(NettyServerBuilder builder) {
            return builder.directExecutor()
                    .decompressorRegistry(DecompressorRegistry.emptyInstance()
                            .with(new Codec.Gzip(), false)
                            .with(Codec.Identity.NONE, false));
        }
    };

    private static final String SEPARATOR = ":";

    private final String text;

    Variation(String text) {
        this.text = text;
    }

    /** As reports say it. */
    String text() {
        return text;
    }

    /** The no-op's style, varied so. */
    String style() {
        return this == NONE ? BareServer.NO_OP : BareServer.NO_OP + SEPARATOR + name().toLowerCase(Locale.ROOT);
    }

    /** Null where it is another style than the no-op's. */
    static @Nullable Variation of(String style) {
        if (style.equals(BareServer.NO_OP)) {
            return NONE;
        }
        return style.startsWith(BareServer.NO_OP + SEPARATOR)
                ? valueOf(style.substring(BareServer.NO_OP.length() + SEPARATOR.length())
                        .toUpperCase(Locale.ROOT))
                : null;
    }

    NettyServerBuilder on(NettyServerBuilder builder) {
        return builder.directExecutor();
    }

    ServerServiceDefinition service(Answers answers) throws IOException {
        return new BareService(answers).definition();
    }

    private static NettyServerBuilder loops(NettyServerBuilder builder, int threads, boolean epoll) {
        IoHandlerFactory handler = epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
        return builder.channelType(epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class)
                .bossEventLoopGroup(new MultiThreadIoEventLoopGroup(1, handler))
                .workerEventLoopGroup(new MultiThreadIoEventLoopGroup(threads, handler));
    }

    /** As Assize chooses for checks. */
    private static final class OnTheLoop implements ServerCallExecutorSupplier {

        @Override
        public <Q, R> @Nullable Executor getExecutor(ServerCall<Q, R> call, Metadata headers) {
            return null;
        }
    }
}
