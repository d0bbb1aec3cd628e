package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.proto.v1.DecisionServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class CallThreadsTest {

    private static final MethodDescriptor<MessageBytes, MessageBytes> CHECK =
            DecisionServiceGrpc.getCheckMethod().toBuilder(MessageBytes.MARSHALLER, MessageBytes.MARSHALLER)
                    .build();

    private final BlockingQueue<String> did = new LinkedBlockingQueue<>();

    /** Two of them would take turns on one processor, and the connections of one wait for the turn of the other. */
    @Test
    void hasOneEventLoopForEachProcessor() {
        try (CallThreads threads = new CallThreads();
                EventLoops loops = threads.eventLoops("these-ELG")) {
            assertThat(loops.count()).isEqualTo(Runtime.getRuntime().availableProcessors());
        }
    }

    @Test
    void doesThingsLaterOnTheVeryEventLoopBehindWhatItDoesNow() throws Exception {
        try (CallThreads threads = new CallThreads();
                EventLoops loops = threads.eventLoops("these-ELG")) {
            Server server = loops.serve(NettyServerBuilder.forAddress(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                            InsecureServerCredentials.create()))
                    .directExecutor()
                    .addService(ServerServiceDefinition.builder(DecisionServiceGrpc.SERVICE_NAME)
                            .addMethod(CHECK, (call, headers) -> answered(call, threads))
                            .build())
                    .build()
                    .start();
            ManagedChannel channel = ManagedChannelBuilder.forAddress("127.0.0.1", server.getPort())
                    .usePlaintext()
                    .build();
            try {
                ClientCalls.blockingUnaryCall(channel, CHECK, CallOptions.DEFAULT, new MessageBytes(new byte[0]));
            } finally {
                channel.shutdownNow();
                server.shutdownNow().awaitTermination();
            }
            String now = did.poll(20, TimeUnit.SECONDS);
            assertThat(now).startsWith("now on these-ELG");
            assertThat(did.poll(20, TimeUnit.SECONDS)).isEqualTo(now.replace("now", "later"));
        }
    }

    private ServerCall.Listener<MessageBytes> answered(
            ServerCall<MessageBytes, MessageBytes> call, CallThreads threads) {
        threads.behindOthers()
                .execute(() -> did.add("later on " + Thread.currentThread().getName()));
        did.add("now on " + Thread.currentThread().getName());
        call.sendHeaders(new Metadata());
        call.sendMessage(new MessageBytes(new byte[0]));
        call.close(Status.OK, new Metadata());
        return new ServerCall.Listener<>() {};
    }

    @Test
    void doesThingsLaterOnAVirtualThreadWhereItIsNoEventLoop() throws Exception {
        try (CallThreads threads = new CallThreads();
                EventLoops loops = threads.eventLoops("these-ELG")) {
            assertThat(loops).isNotNull();
            threads.behindOthers()
                    .execute(() -> did.add("" + Thread.currentThread().isVirtual()));
            assertThat(did.poll(20, TimeUnit.SECONDS)).isEqualTo("true");
        }
    }
}
