package dev.assize.benchmarks.load;

import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.CheckStreamRequest;
import dev.assize.proto.v1.CheckStreamResponse;
import dev.assize.proto.v1.DecisionServiceGrpc.DecisionServiceImplBase;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A server with Assize's messages that decides nothing: it authenticates, reads the request, counts, and gives the answer
 * it was started with, which is one of Assize's own.
 *
 * <p>{@code no-op} is on the transport as Assize has it: on the event loop, with messages as bytes. {@code stock} is grpc-java
 * as one begins with it: the default executor, and messages that protobuf's generated code reads and writes. So stock has
 * less to do than Assize would have on stock, and a ratio to it is in stock's favour.
 */
final class BareServer {

    static final String READY = "ready";
    static final String PORT = "port ";
    static final String KEY = "key ";
    static final String NO_OP = "no-op";
    static final String STOCK = "stock";

    /** As Assize has them. */
    private static final int MOST_REQUEST_BYTES = 12 * 1_024 * 1_024;

    private static final int MOST_METADATA_BYTES = 8 * 1_024;

    private BareServer() {}

    /** Style, directory of the answers, and the path of a Unix socket in place of a port, if it is to have one. */
    public static void main(String[] arguments) throws Exception {
        BareDoor door = BareDoor.open();
        NettyServerBuilder builder = arguments.length > 2
                ? onUnixSocket(arguments[2])
                : at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        Server server = start(arguments[0], Answers.read(Path.of(arguments[1])), door, builder);
        System.out.println(PORT + server.getPort());
        System.out.println(KEY + door.key());
        System.out.println(READY);
        awaitEnd();
        server.shutdownNow();
    }

    static Server start(String style, Answers answers, BareDoor door, NettyServerBuilder builder) throws IOException {
        Variation variation = Variation.of(style);
        if (variation == null && !style.equals(STOCK)) {
            throw new IllegalArgumentException("`" + style + "`: expected no-op, varied or not, or stock");
        }
        ServerServiceDefinition service = variation == null ? stock(answers) : variation.service(answers);
        NettyServerBuilder varied = variation == null ? builder : variation.on(builder);
        return varied.maxInboundMessageSize(MOST_REQUEST_BYTES)
                .maxInboundMetadataSize(MOST_METADATA_BYTES)
                .addService(ServerInterceptors.intercept(service, door.authenticated(), door.measured()))
                .build()
                .start();
    }

    /** The service as one writes it first. */
    static ServerServiceDefinition stock(Answers answers) throws IOException {
        return new Stock(answers).bindService();
    }

    static NettyServerBuilder at(SocketAddress address) {
        return NettyServerBuilder.forAddress(address, InsecureServerCredentials.create());
    }

    @SuppressWarnings("deprecation") // grpc-java takes nothing newer for this, and neither does the server.
    private static NettyServerBuilder onUnixSocket(String path) {
        return at(new DomainSocketAddress(path))
                .channelType(EpollServerDomainSocketChannel.class)
                .bossEventLoopGroup(new EpollEventLoopGroup(1))
                .workerEventLoopGroup(
                        new EpollEventLoopGroup(Runtime.getRuntime().availableProcessors()));
    }

    /** Whoever started it holds its input open for as long as it is wanted. */
    private static void awaitEnd() throws IOException {
        while (System.in.read() >= 0) {
            // Nothing is said.
        }
    }

    /**
     * What it answers, whatever is asked.
     *
     * @param check of a Check
     * @param batch of a CheckBatch of as many items as are asked
     * @param streamed of each request of a CheckStream
     */
    record Answers(byte[] check, byte[] batch, byte[] streamed) {

        static Answers read(Path directory) throws IOException {
            return new Answers(
                    Files.readAllBytes(directory.resolve("check")),
                    Files.readAllBytes(directory.resolve("batch")),
                    Files.readAllBytes(directory.resolve("streamed")));
        }

        void write(Path directory) throws IOException {
            Files.write(directory.resolve("check"), check);
            Files.write(directory.resolve("batch"), batch);
            Files.write(directory.resolve("streamed"), streamed);
        }
    }

    /** As one writes it first. */
    private static final class Stock extends DecisionServiceImplBase {

        private final CheckResponse check;
        private final CheckBatchResponse batch;
        private final CheckStreamResponse streamed;
        private int sink;

        Stock(Answers answers) throws IOException {
            check = CheckResponse.parseFrom(answers.check);
            batch = CheckBatchResponse.parseFrom(answers.batch);
            streamed = CheckStreamResponse.parseFrom(answers.streamed);
        }

        @Override
        public void check(CheckRequest request, StreamObserver<CheckResponse> observer) {
            look(request);
            observer.onNext(check.toBuilder().build());
            observer.onCompleted();
        }

        @Override
        public void checkBatch(CheckBatchRequest request, StreamObserver<CheckBatchResponse> observer) {
            CheckBatchResponse.Builder response = CheckBatchResponse.newBuilder();
            for (int i = 0; i < request.getItemsCount(); i++) {
                look(request.getItems(i));
                response.addResults(batch.getResults(i % batch.getResultsCount()).toBuilder());
            }
            observer.onNext(response.build());
            observer.onCompleted();
        }

        @Override
        public StreamObserver<CheckStreamRequest> checkStream(StreamObserver<CheckStreamResponse> observer) {
            return new StreamObserver<>() {
                @Override
                public void onNext(CheckStreamRequest request) {
                    look(request.getCheck());
                    observer.onNext(streamed.toBuilder().build());
                }

                @Override
                public void onError(Throwable failure) {
                    // The client is gone.
                }

                @Override
                public void onCompleted() {
                    observer.onCompleted();
                }
            };
        }

        private void look(CheckRequest request) {
            sink += request.getSubject().length()
                    + request.getResource().length()
                    + request.getAction().length()
                    + request.getTenant().length()
                    + request.getEnv().length();
        }

        @Override
        public String toString() {
            return "Stock[" + sink + "]";
        }
    }
}
