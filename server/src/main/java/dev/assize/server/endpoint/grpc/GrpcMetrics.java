package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import dev.assize.proto.envoy.v3.AuthorizationGrpc;
import dev.assize.proto.v1.DecisionServiceGrpc;
import io.grpc.Status;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The meters of the gRPC door: calls by RPC and status code, and errors of ours. */
final class GrpcMetrics {

    /** A check takes less than a millisecond; nobody waits for longer than the other end. */
    private static final Duration SHORTEST = Duration.ofNanos(100_000);

    private static final Duration LONGEST = Duration.ofSeconds(30);

    private static final Set<String> DECIDING = Stream.of(
                    DecisionServiceGrpc.getCheckMethod(),
                    DecisionServiceGrpc.getCheckBatchMethod(),
                    AuthorizationGrpc.getCheckMethod())
            .map(RpcNames::of)
            .collect(Collectors.toUnmodifiableSet());

    private final MeterRegistry registry;
    private final Counter internalErrors;
    private final FirstCaller first = new FirstCaller();

    /** By RPC, which are few. */
    private final ConcurrentMap<String, Calls> calls = new ConcurrentHashMap<>();

    @Inject
    GrpcMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.internalErrors = Counter.builder("assize.rpc.internal.errors")
                .description("Calls that failed by an error of this server")
                .register(registry);
    }

    /** The meters of one RPC, for whoever has many calls of it. */
    Calls of(String rpc) {
        Calls known = calls.get(rpc);
        return known == null ? calls.computeIfAbsent(rpc, Calls::new) : known;
    }

    /** Whoever asks for a decision first. */
    FirstCaller first() {
        return first;
    }

    void internalError() {
        internalErrors.increment();
    }

    private Timer timer(String rpc, Status.Code code) {
        return Timer.builder("assize.rpc.duration")
                .description("Calls, from their arrival to their end")
                .tag("rpc", rpc)
                .tag("code", code.name())
                .publishPercentileHistogram()
                .minimumExpectedValue(SHORTEST)
                .maximumExpectedValue(LONGEST)
                .register(registry);
    }

    /** Calls of one RPC. A code has a meter once a call has ended with it. */
    final class Calls {

        private final String rpc;
        private final AtomicReferenceArray<@Nullable Timer> byCode =
                new AtomicReferenceArray<>(Status.Code.values().length);

        /** Whether a call is a question with one answer; a stream may stay open for hours, and health is asked all the time. */
        private final boolean decides;

        private Calls(String rpc) {
            this.rpc = rpc;
            this.decides = DECIDING.contains(rpc);
        }

        /** One that may be the first of all. */
        void begins() {
            if (decides) {
                first.begins();
            }
        }

        void called(Status.Code code, long nanos) {
            Timer timer = byCode.get(code.value());
            if (timer == null) {
                // Registered twice it is the same.
                timer = GrpcMetrics.this.timer(rpc, code);
                byCode.set(code.value(), timer);
                if (decides) {
                    first.ends();
                }
            }
            timer.record(nanos, TimeUnit.NANOSECONDS);
        }
    }
}
