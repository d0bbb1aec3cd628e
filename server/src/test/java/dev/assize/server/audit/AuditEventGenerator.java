package dev.assize.server.audit;

import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Random events and recorders, small and odd. */
public final class AuditEventGenerator {

    private static final List<String> WORDS =
            List.of("a", "alice@fund.com", "x:y", "ü", "\uD83D\uDE00", "日本", "a b", "%2F", "=1+1", "'; --");

    private final RandomGenerator random;

    public AuditEventGenerator(RandomGenerator random) {
        this.random = random;
    }

    public AuditEvent event() {
        AuditEvent event = new AuditEvent(
                pick(List.of("replay.executed", "assize.policy.changed", "T", "a:b-c_d.e")),
                maybe(this::text),
                subject(),
                maybe(this::text),
                new Action(pick(List.of("read", "replay:run", "A.b-c_d"))),
                resource(),
                new Environment(pick(List.of("default", "production", "Staging-2"))),
                pick(List.of(Outcome.values())),
                maybe(this::time),
                maybe(this::text),
                maybe(this::text),
                maybe(this::text),
                random.nextBoolean(),
                maybe(() -> "{\"note\":\"" + word() + "\"}"),
                texts(),
                texts(),
                maybe(this::subject),
                maybe(() -> new TenantId("partner")));
        return event.inTrace(maybe(() -> "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0" + random.nextInt(2)));
    }

    public Recorder recorder() {
        return new Recorder(subject(), new TenantId(pick(List.of("acme", "assize", "b.c-d_e"))));
    }

    private ResourcePath resource() {
        return ResourcePath.parse(pick(List.of(
                "vault", "vault:company", "vault:company/agent:feed-monitor", "doc:a%2Fb/page:ü", "run:1/step")));
    }

    private Subject subject() {
        return new Subject(pick(List.of("user", "service", "agent")), word());
    }

    private Instant time() {
        return Instant.EPOCH.plusNanos(random.nextLong(-1_000_000_000, 2_000_000_000_000_000L) * 1_000);
    }

    private List<String> texts() {
        return Stream.generate(this::text).limit(random.nextInt(4)).toList();
    }

    /** May be empty: absent and empty differ. */
    private String text() {
        return word().repeat(random.nextInt(3));
    }

    private String word() {
        return pick(WORDS);
    }

    private <T> @Nullable T maybe(Supplier<T> value) {
        return random.nextInt(3) == 0 ? null : value.get();
    }

    private <T> T pick(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }
}
