package dev.assize.server.app;

import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.AbstractModule;
import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Singleton;
import com.google.inject.Stage;
import dev.assize.proto.v1.AttributeValue;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.server.access.AccessModule;
import dev.assize.server.authentication.ApiKeyRepository;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.AuthenticationConfig;
import dev.assize.server.authentication.BelievedKeys;
import dev.assize.server.authentication.BreakGlass;
import dev.assize.server.authentication.KeyGrant;
import dev.assize.server.authentication.Pepper;
import dev.assize.server.decision.DecisionConfig;
import dev.assize.server.decision.DecisionModule;
import dev.assize.server.decision.DecisionRecorder;
import dev.assize.server.decision.PolicySource;
import dev.assize.server.endpoint.grpc.CheckModule;
import dev.assize.server.endpoint.grpc.CheckRehearsal;
import dev.assize.server.endpoint.grpc.GrpcConfig;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.recording.DecisionStore;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A server within the server that checks what nobody asked, before this one says that it is ready: a JVM that has just begun answers a
 * hundred times slower than one that has compiled what it does. It shares the code and nothing else: its policy, key,
 * meters and port are its own, and gone when it ends. Where it fails, the server starts cold.
 */
final class Rehearsal {

    private static final Logger LOG = LoggerFactory.getLogger(Rehearsal.class);

    /** Answers after which the rest of the time would change nothing. */
    private static final int ENOUGH = 300_000;

    private static final List<String> SUBJECTS = List.of("user:alice", "user:bob", "user:carol", "user:dan");
    private static final List<String> RESOURCES = List.of("order:1", "invoice:2", "company:a/order:3", "order");
    private static final List<String> ACTIONS = List.of("read", "create", "delete", "pay");

    private Rehearsal() {}

    /** Returns when the time is up, or there were answers enough; what it left in the heap is given back. */
    static void run(Duration atMost) {
        if (run(atMost, ENOUGH) > 0) {
            HeapOfAStart.giveBack();
        }
    }

    /** How many answers there were; none where it failed. */
    static int run(Duration atMost, int enough) {
        if (atMost.isZero()) {
            return 0;
        }
        try {
            Injector stage = Guice.createInjector(Stage.PRODUCTION, new OwnModule());
            String key = stage.getInstance(ApiKeys.class)
                    .create(
                            new KeyGrant(
                                    Subject.parse("user:admin"),
                                    TenantId.ASSIZE,
                                    true,
                                    Set.of(),
                                    Set.of(),
                                    Set.of(),
                                    "",
                                    null),
                            Recorder.ASSIZE)
                    .credential();
            return stage.getInstance(CheckRehearsal.class).run(key, questions(), atMost, enough);
        } catch (IOException | RuntimeException failure) {
            LOG.warn("This server starts cold, because it could not ask itself first: {}", failure.toString());
            return 0;
        }
    }

    private static List<CheckRequest> questions() {
        List<CheckRequest> questions = new ArrayList<>();
        for (String subject : SUBJECTS) {
            for (String resource : RESOURCES) {
                for (String action : ACTIONS) {
                    CheckRequest.Builder question = CheckRequest.newBuilder()
                            .setSubject(subject)
                            .setResource(resource)
                            .setAction(action)
                            .setTenant(RehearsalPolicy.TENANT.value());
                    if (action.equals("pay")) {
                        question.putContext(
                                "amount",
                                AttributeValue.newBuilder().setIntValue(70).build());
                    }
                    questions.add(question.build());
                }
            }
        }
        return questions;
    }

    /** The rooms that a check passes, with stores of its own. */
    private static final class OwnModule extends AbstractModule {

        @Override
        protected void configure() {
            binder().requireExplicitBindings();
            install(new DecisionModule());
            install(new AccessModule());
            install(new CheckModule());
            bind(PolicySource.class).toInstance(new RehearsalPolicy());
            bind(BelievedKeys.class).toInstance(BelievedKeys.ALL);
            bind(ApiKeys.class).in(Singleton.class);
            bind(BreakGlass.class).in(Singleton.class);
            bind(ApiKeyRepository.class).toInstance(new RehearsalKeys());
            byte[] pepper = new byte[32];
            new SecureRandom().nextBytes(pepper);
            bind(Pepper.class).toInstance(Pepper.of(pepper));
            bind(AuthenticationConfig.class).toInstance(AuthenticationConfig.defaults(Path.of("")));
            bind(DecisionConfig.class).toInstance(DecisionConfig.defaults());
            bind(DecisionRecorder.class).toInstance(Unused.port(DecisionRecorder.class));
            bind(DecisionStore.class).toInstance(Unused.port(DecisionStore.class));
            bind(GrpcConfig.class).toInstance(GrpcConfig.defaults());
            bind(InstantSource.class).toInstance(InstantSource.system());
            bind(Ticker.class).toInstance(Ticker.systemTicker());
            bind(MeterRegistry.class).toInstance(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
        }
    }
}
