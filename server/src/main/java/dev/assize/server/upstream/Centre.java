package dev.assize.server.upstream;

import com.google.inject.Inject;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.secret.OwnedFile;
import dev.assize.server.upstream.UpstreamConfig.Tls;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * The centre, where whatever this sidecar cannot answer is asked, by its own credential: one connection, which is made when
 * it is needed and made again when it breaks.
 */
public final class Centre implements AutoCloseable {

    /** Documents may be as large as requests. */
    private static final int MESSAGE_BYTES = 32 * 1_024 * 1_024;

    /** The centre permits no more than that. */
    private static final long KEEPALIVE_SECONDS = 30;

    private static final long KEEPALIVE_TIMEOUT_SECONDS = 10;

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private final UpstreamConfig config;
    private final UpstreamMetrics metrics;
    private final ManagedChannel connection;
    private final Channel channel;
    private volatile String key;

    /** When a stream last brought something, or a connection was given up on which none did. */
    private final AtomicLong heardNanos = new AtomicLong(System.nanoTime());

    @Inject
    Centre(UpstreamConfig config, UpstreamMetrics metrics) {
        this.config = config;
        this.metrics = metrics;
        this.key = read(config);
        this.connection = connection(config);
        this.channel = ClientInterceptors.intercept(connection, new Authorized());
    }

    /** The credential is read again, in case that it was replaced. */
    void readKey() {
        key = read(config);
    }

    /** Ends gRPC's own pause between connections, which grows to two minutes: who asks pauses long enough already. */
    void connectNow() {
        connection.resetConnectBackoff();
    }

    /** A stream has brought something. */
    void heard() {
        heardNanos.set(System.nanoTime());
    }

    /**
     * Has the next calls make a connection of their own, where no stream has brought anything on this one for so long: a machine
     * that went away without a word leaves one that takes everything and brings nothing. What is under way there may end.
     */
    void connectAnewIfSilent(Duration silence) {
        long heard = heardNanos.get();
        long now = System.nanoTime();
        if (now - heard > silence.toNanos() && heardNanos.compareAndSet(heard, now)) {
            connection.enterIdle();
        }
    }

    private static String read(UpstreamConfig config) {
        OwnedFile file = OwnedFile.secret(config.keyFile());
        String text = file.read();
        if (!text.startsWith("asz_") || text.chars().anyMatch(Character::isWhitespace)) {
            throw file.isNo("key", "one line, asz_<id>_<secret>, as `assize key create` printed it");
        }
        return text;
    }

    private static ManagedChannel connection(UpstreamConfig config) {
        Tls tls = config.tls();
        ManagedChannelBuilder<?> builder = Grpc.newChannelBuilder(config.address(), credentials(tls))
                .maxInboundMessageSize(MESSAGE_BYTES)
                .keepAliveTime(KEEPALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(KEEPALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                .keepAliveWithoutCalls(true)
                .disableRetry();
        if (tls != null && !tls.name().isEmpty()) {
            builder.overrideAuthority(tls.name());
        }
        return builder.build();
    }

    private static ChannelCredentials credentials(UpstreamConfig.@org.jspecify.annotations.Nullable Tls tls) {
        if (tls == null) {
            return InsecureChannelCredentials.create();
        }
        try {
            TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
            if (tls.ca() != null) {
                builder.trustManager(tls.ca().toFile());
            }
            if (tls.certificate() != null && tls.key() != null) {
                builder.keyManager(tls.certificate().toFile(), tls.key().toFile());
            }
            return builder.build();
        } catch (IOException | IllegalArgumentException unreadable) {
            throw new UpstreamRefusedException(
                    "upstream.ca, upstream.certificate and upstream.privateKey: expected readable PEM files: "
                            + unreadable.getMessage(),
                    unreadable);
        }
    }

    /** What calls to the centre go through; each carries the credential. */
    public Channel channel() {
        return channel;
    }

    /** Has the centre decide. Blocks. */
    public CheckResponse check(CheckRequest request) {
        return ask(() -> call(DecisionServiceGrpc.getCheckMethod(), request));
    }

    /** Has the centre decide. Blocks. */
    public CheckBatchResponse checkBatch(CheckBatchRequest request) {
        return ask(() -> call(DecisionServiceGrpc.getCheckBatchMethod(), request));
    }

    private <R> R ask(Supplier<R> question) {
        Prompt.requireTime();
        long start = metrics.start();
        try {
            R answer = question.get();
            metrics.asked(start);
            return answer;
        } catch (RuntimeException failure) {
            metrics.askingFailed();
            throw failure;
        }
    }

    /**
     * Has the centre answer within the deadline of the current call, and its own words where it refuses. Blocks.
     *
     * @throws CentreUnavailableException where it cannot be asked
     */
    public <Q, R> R call(MethodDescriptor<Q, R> method, Q request) {
        Prompt.requireTime();
        try {
            return ClientCalls.blockingUnaryCall(
                    channel,
                    method,
                    CallOptions.DEFAULT.withDeadlineAfter(config.timeout().toNanos(), TimeUnit.NANOSECONDS),
                    request);
        } catch (StatusRuntimeException failure) {
            throw told(failure);
        }
    }

    /**
     * The same for a stream of one message.
     *
     * @param longest that is waited for it; a deadline of the current call may be nearer
     */
    public <Q, R> R only(MethodDescriptor<Q, R> method, Q request, Duration longest) {
        Iterator<R> messages =
                stream(method, request, CallOptions.DEFAULT.withDeadlineAfter(longest.toNanos(), TimeUnit.NANOSECONDS));
        R only = messages.hasNext() ? messages.next() : null;
        if (only == null || messages.hasNext()) {
            throw new IllegalStateException("The centre answers `" + method.getFullMethodName() + "` with "
                    + (only == null ? "nothing" : "more than was asked for"));
        }
        return only;
    }

    /** The same for an answer of many messages, for as long as the current call lasts. */
    public <Q, R> Iterator<R> stream(MethodDescriptor<Q, R> method, Q request) {
        return stream(method, request, CallOptions.DEFAULT);
    }

    private <Q, R> Iterator<R> stream(MethodDescriptor<Q, R> method, Q request, CallOptions options) {
        Prompt.requireTime();
        Iterator<R> messages = ClientCalls.blockingServerStreamingCall(channel, method, options, request);
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                try {
                    return messages.hasNext();
                } catch (StatusRuntimeException failure) {
                    throw told(failure);
                }
            }

            @Override
            public R next() {
                return messages.next();
            }
        };
    }

    /** What a caller is told: that the credential is this sidecar's is not the caller's fault. */
    private RuntimeException told(StatusRuntimeException failure) {
        return switch (failure.getStatus().getCode()) {
            case UNAUTHENTICATED, INTERNAL, UNKNOWN, UNIMPLEMENTED, DATA_LOSS -> unavailable(failure);
            case UNAVAILABLE -> isInItsWords(failure) ? failure : unavailable(failure);
            default -> failure;
        };
    }

    private static boolean isInItsWords(StatusRuntimeException failure) {
        com.google.rpc.Status status = StatusProto.fromThrowable(failure);
        return status != null && status.getDetailsCount() > 0;
    }

    private CentreUnavailableException unavailable(StatusRuntimeException failure) {
        Status status = failure.getStatus();
        return new CentreUnavailableException(
                "this has to be asked at the centre, " + config.address() + ", which does not answer: "
                        + status.getCode(),
                failure);
    }

    @Override
    public void close() {
        connection.shutdownNow();
    }

    /** Puts the credential on each call. */
    private final class Authorized implements ClientInterceptor {

        @Override
        public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
            return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
                @Override
                public void start(Listener<R> listener, Metadata headers) {
                    headers.put(AUTHORIZATION, "Bearer " + key);
                    super.start(listener, headers);
                }
            };
        }
    }
}
