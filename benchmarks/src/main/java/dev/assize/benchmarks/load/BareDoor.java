package dev.assize.benchmarks.load;

import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.authentication.ApiKey;
import dev.assize.server.authentication.ApiKeyRepository;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.AuthenticationConfig;
import dev.assize.server.authentication.BelievedKeys;
import dev.assize.server.authentication.Caller;
import dev.assize.server.authentication.KeyGrant;
import dev.assize.server.authentication.Pepper;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The door of a bare server: Assize's own API keys, kept in memory, and a timer like Assize's before every call. */
final class BareDoor {

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final String SCHEME = "Bearer ";
    private static final Context.Key<Caller> CALLER = Context.key("caller");
    private static final int PEPPER_BYTES = 32;

    private final ApiKeys keys;
    private final String key;
    private final MeterRegistry meters;
    private final Map<Ended, Timer> timers = new ConcurrentHashMap<>();

    private BareDoor(ApiKeys keys, String key, MeterRegistry meters) {
        this.keys = keys;
        this.key = key;
        this.meters = meters;
    }

    static BareDoor open() {
        MeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        ApiKeys keys = Guice.createInjector(new AbstractModule() {
                    @Override
                    protected void configure() {
                        bind(ApiKeyRepository.class).toInstance(new InMemory());
                        bind(BelievedKeys.class).toInstance(BelievedKeys.ALL);
                        bind(Pepper.class).toInstance(Pepper.of(new byte[PEPPER_BYTES]));
                        bind(AuthenticationConfig.class).toInstance(AuthenticationConfig.defaults(Path.of(".")));
                        bind(InstantSource.class).toInstance(InstantSource.system());
                        bind(MeterRegistry.class).toInstance(meters);
                    }
                })
                .getInstance(ApiKeys.class);
        KeyGrant grant = new KeyGrant(
                new Subject("service", "load"), TenantId.ASSIZE, true, Set.of(), Set.of(), Set.of(), "load", null);
        return new BareDoor(keys, keys.create(grant, Recorder.ASSIZE).credential(), meters);
    }

    /** What gets one in. */
    String key() {
        return key;
    }

    ServerInterceptor authenticated() {
        return new ServerInterceptor() {
            @Override
            public <Q, R> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                String credential = headers.get(AUTHORIZATION);
                Optional<Caller> caller = credential == null || !credential.startsWith(SCHEME)
                        ? Optional.empty()
                        : keys.authenticate(credential.substring(SCHEME.length()));
                if (caller.isEmpty()
                        || !caller.get().mayUse(call.getMethodDescriptor().getFullMethodName())) {
                    call.close(Status.UNAUTHENTICATED, new Metadata());
                    return new ServerCall.Listener<>() {};
                }
                return Contexts.interceptCall(Context.current().withValue(CALLER, caller.get()), call, headers, next);
            }
        };
    }

    ServerInterceptor measured() {
        return new ServerInterceptor() {
            @Override
            public <Q, R> ServerCall.Listener<Q> interceptCall(
                    ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
                String rpc = call.getMethodDescriptor().getFullMethodName();
                long begin = System.nanoTime();
                return next.startCall(
                        new SimpleForwardingServerCall<>(call) {
                            @Override
                            public void close(Status status, Metadata trailers) {
                                timers.computeIfAbsent(new Ended(rpc, status.getCode()), BareDoor.this::timer)
                                        .record(System.nanoTime() - begin, TimeUnit.NANOSECONDS);
                                super.close(status, trailers);
                            }
                        },
                        headers);
            }
        };
    }

    private Timer timer(Ended call) {
        return Timer.builder("rpc.duration")
                .tag("rpc", call.rpc)
                .tag("code", call.code.name())
                .publishPercentileHistogram()
                .register(meters);
    }

    private record Ended(String rpc, Status.Code code) {}

    /** Holds the keys that were made; nothing else is asked of it here. */
    private static final class InMemory implements ApiKeyRepository {

        private final Map<String, ApiKey> keys = new ConcurrentHashMap<>();

        @Override
        public Optional<ApiKey> find(String keyId) {
            return Optional.ofNullable(keys.get(keyId));
        }

        @Override
        public void insert(ApiKey key, AuditEvent event, int most) {
            keys.put(key.caller().keyId(), key);
        }

        @Override
        public Optional<ApiKey> revoke(
                TenantId home, String keyId, Instant revokedAt, Recorder revokedBy, AuditEvent event) {
            throw new UnsupportedOperationException("nothing is revoked here");
        }

        @Override
        public Optional<ApiKey> seal(ApiKey key, Function<@Nullable ApiKey, List<AuditEvent>> entries) {
            throw new UnsupportedOperationException("nothing is sealed here");
        }

        @Override
        public Optional<ApiKey> use(String keyId, Instant now, Function<ApiKey, AuditEvent> entry) {
            throw new UnsupportedOperationException("nothing is sealed here");
        }

        @Override
        public void record(TenantId tenant, Recorder recorder, AuditEvent entry) {
            throw new UnsupportedOperationException("nothing is recorded here");
        }

        @Override
        public Optional<ApiKey> lastSealed() {
            return Optional.empty();
        }

        @Override
        public List<ApiKey> list(TenantId home, @Nullable String afterId, int limit) {
            throw new UnsupportedOperationException("nothing is listed here");
        }
    }
}
