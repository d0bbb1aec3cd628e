package dev.assize.server.endpoint.grpc;

import com.google.inject.Inject;
import io.grpc.Status;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;

/** The meters of the gRPC door: calls by RPC and status code, and errors of ours. */
final class GrpcMetrics {

    /** A check takes less than a millisecond; nobody waits for longer than the other end. */
    private static final Duration SHORTEST = Duration.ofNanos(100_000);

    private static final Duration LONGEST = Duration.ofSeconds(30);

    private final MeterRegistry registry;
    private final Counter internalErrors;

    /** By RPC and code, both of which are few. */
    private final ConcurrentMap<Call, Timer> calls = new ConcurrentHashMap<>();

    @Inject
    GrpcMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.internalErrors = Counter.builder("assize.rpc.internal.errors")
                .description("Calls that failed by an error of this server")
                .register(registry);
    }

    void called(String rpc, Status.Code code, long nanos) {
        calls.computeIfAbsent(new Call(rpc, code), this::timer).record(nanos, TimeUnit.NANOSECONDS);
    }

    void internalError() {
        internalErrors.increment();
    }

    private Timer timer(Call call) {
        return Timer.builder("assize.rpc.duration")
                .description("Calls, from their arrival to their end")
                .tag("rpc", call.rpc)
                .tag("code", call.code.name())
                .publishPercentileHistogram()
                .minimumExpectedValue(SHORTEST)
                .maximumExpectedValue(LONGEST)
                .register(registry);
    }

    private record Call(String rpc, Status.Code code) {}
}
