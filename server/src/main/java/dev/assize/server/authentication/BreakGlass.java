package dev.assize.server.authentication;

import com.google.inject.Inject;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets nobody use the break-glass key silently: each call with it is recorded before it is let in, counted and logged. What
 * cannot be recorded is not let in. Blocks.
 */
public final class BreakGlass {

    /** Whom the key authenticates; no role is to be bound to it, for policy is not asked what the key may do. */
    static final Subject SUBJECT = new Subject("user", "break-glass");

    private static final Logger LOG = LoggerFactory.getLogger(BreakGlass.class);
    private static final Duration KEPT = Duration.ofSeconds(2);

    private final ApiKeyRepository repository;
    private final InstantSource clock;
    private final Counter uses;

    /** Guarded by this. */
    private @Nullable Seen last;

    @Inject
    BreakGlass(ApiKeyRepository repository, InstantSource clock, MeterRegistry registry) {
        this.repository = repository;
        this.clock = clock;
        this.uses = Counter.builder("assize.break.glass.uses")
                .description("Calls with the break-glass key")
                .register(registry);
        Gauge.builder("assize.break.glass.broken", this, it -> it.complaint().isPresent() ? 1 : 0)
                .description("1 where the break-glass key was used and none was sealed since, or nobody can tell")
                .register(registry);
    }

    /** That a call came in with the key; false where the key is void by now. */
    public boolean use(Caller caller, String rpc) {
        Prompt.requireTime();
        Optional<ApiKey> used = repository.use(caller.keyId(), now(), key -> KeyEvents.used(key, TenantId.ASSIZE, rpc));
        if (used.isEmpty()) {
            return false;
        }
        uses.increment();
        forget();
        LOG.warn(
                "Break-glass key {} is used for {}; it was first used at {} and is void from {} on",
                caller.keyId(),
                rpc,
                used.get().firstUsedAt(),
                used.get().usableUntil());
        return true;
    }

    /** That a call is let in to a tenant that is there; in `assize` every call is recorded as it comes in. */
    public void useIn(Caller caller, TenantId tenant, String rpc) {
        Prompt.requireTime();
        ApiKey key = repository.find(caller.keyId()).orElseThrow();
        repository.record(tenant, new Recorder(caller.subject(), caller.home()), KeyEvents.used(key, tenant, rpc));
    }

    /** What an operator must look at: empty while the key is sealed, or where there never was one. */
    public Optional<String> complaint() {
        try {
            return lastSealed()
                    .filter(key -> key.firstUsedAt() != null)
                    .map(key -> "the break-glass key " + key.caller().keyId() + " was used at " + key.firstUsedAt()
                            + ", and is void from " + key.usableUntil()
                            + " on: look at the entries assize.break-glass.used, then seal another (assize key seal)");
        } catch (StoreUnavailableException e) {
            return Optional.of("unknown: " + e.getMessage());
        }
    }

    private synchronized Optional<ApiKey> lastSealed() {
        Instant now = clock.instant();
        Seen present = last;
        if (present == null || present.at.plus(KEPT).isBefore(now)) {
            present = new Seen(now, repository.lastSealed());
            last = present;
        }
        return present.key;
    }

    /** That another key may have been sealed: what is known of the one before is of no use. */
    public synchronized void forget() {
        last = null;
    }

    /** In microseconds, which is what the store keeps. */
    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }

    private record Seen(Instant at, Optional<ApiKey> key) {}
}
