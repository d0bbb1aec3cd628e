package dev.assize.server.authentication;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.CacheLoader;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import com.github.benmanes.caffeine.cache.LoadingCache;
import com.github.benmanes.caffeine.cache.Ticker;
import com.google.inject.Inject;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The front desk of authentication: makes, checks, lists and ends API keys. */
public final class ApiKeys {
    /*
     * A credential that was verified is believed for a few seconds without asking the store again. The cache is keyed
     * by a digest, so that a heap dump holds no secret: of 32 random bytes nobody finds them by it, with or without the
     * pepper, which is left out because every call pays for it. It holds successes only: a stranger who
     * guesses cannot fill it. One that is in use is verified anew beside the calls that use it, halfway to its end, so that
     * none of them has to wait; where the store does not answer it ends as it would have. An unknown id costs the same read, digest and comparison as a known one with a wrong
     * secret.
     */

    /** What an unknown id is compared with. */
    private static final Digest NO_SECRET = Digest.sha256();

    private static final Duration LONGEST_MOMENT = Duration.ofMillis(100);

    /** For the store, by whoever presents a credential that is not remembered: a silent one is none. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(10);

    /** Keys that are read at a time where all of a tenant are looked through. */
    private static final int PAGE = 100;

    private final ApiKeyRepository repository;
    private final BelievedKeys believed;
    private final Pepper pepper;
    private final InstantSource clock;
    private final SecureRandom random = new SecureRandom();
    private final KeysTogether found;
    private final Ticker ticker;
    private final LoadingCache<Digest, Found<ApiKey>> verified;

    /** Keys of calls that go on, by lookup id: asked for again as often as others are verified anew. */
    private final LoadingCache<String, Found<Optional<ApiKey>>> ongoing;

    /** When keys end that do or were revoked here, by lookup id: known also while the store cannot be asked. */
    private final Cache<String, Instant> ends;

    /** Counted so that a key which was read before a revocation is not remembered after it. */
    private final AtomicLong revocations = new AtomicLong();

    private final AuthenticationMetrics metrics;

    @Inject
    ApiKeys(
            ApiKeyRepository repository,
            BelievedKeys believed,
            Pepper pepper,
            AuthenticationConfig config,
            InstantSource clock,
            MeterRegistry registry) {
        this(
                repository,
                believed,
                pepper,
                config,
                clock,
                registry,
                Ticker.systemTicker(),
                new KeysTogether(repository, Thread::startVirtualThread, Duration.ZERO, 2),
                new KeysTogether(repository, Thread::startVirtualThread, moment(config), 1));
    }

    ApiKeys(
            ApiKeyRepository repository,
            BelievedKeys believed,
            Pepper pepper,
            AuthenticationConfig config,
            InstantSource clock,
            MeterRegistry registry,
            Ticker ticker,
            KeysTogether found,
            KeysTogether foundAnew) {
        this.repository = repository;
        this.believed = believed;
        this.pepper = pepper;
        this.clock = clock;
        this.metrics = new AuthenticationMetrics(registry);
        this.found = found;
        this.ticker = ticker;
        this.verified = cache(
                config, ticker, (digest, key) -> foundAnew.find(key.caller().keyId(), now -> stillAs(key, now)));
        this.ongoing = cache(config, ticker, (id, key) -> foundAnew.find(id, Function.identity()));
        this.ends = Caffeine.newBuilder()
                .maximumSize(config.cacheSize())
                .executor(Runnable::run)
                .build();
    }

    /** What is verified anew halfway to its end has time enough to wait for others. */
    private static Duration moment(AuthenticationConfig config) {
        Duration share = config.cacheTtl().dividedBy(50);
        return share.compareTo(LONGEST_MOMENT) < 0 ? share : LONGEST_MOMENT;
    }

    /** What is found is believed for a time that begins before it was read: how long that took is a part of it. */
    private static <K, V> LoadingCache<K, Found<V>> cache(
            AuthenticationConfig config, Ticker ticker, BiFunction<K, V, CompletableFuture<@Nullable V>> again) {
        long ttlNanos = config.cacheTtl().toNanos();
        Caffeine<Object, Found<V>> cache = Caffeine.newBuilder()
                .expireAfter(Expiry.<Object, Found<V>>writing(
                        (key, found) -> Duration.ofNanos(Math.max(0, ttlNanos - (ticker.read() - found.nanos)))))
                .maximumSize(config.cacheSize())
                .executor(Runnable::run)
                .ticker(ticker);
        if (config.cacheTtl().isPositive()) {
            cache.refreshAfterWrite(config.cacheTtl().dividedBy(2));
        }
        return cache.build(new VerifiedAgain<>(again, ticker));
    }

    /**
     * Whether the key by which a caller was authenticated is valid still, for calls that go on for long. While the store
     * cannot be asked it is as it was, up to the end that it was known to have, or that this node made.
     */
    public boolean isStillValid(Caller caller) {
        try {
            Found<Optional<ApiKey>> known = ongoing.getIfPresent(caller.keyId());
            if (known == null) {
                // Before the cache is entered: in there one waits for whoever reads the store already.
                Prompt.requireTime();
                known = ongoing.get(caller.keyId(), this::findAt);
            }
            return known.value.filter(key -> key.isValidNow(clock)).isPresent();
        } catch (StoreUnavailableException broken) {
            Instant end = ends.getIfPresent(caller.keyId());
            return end == null || clock.instant().isBefore(end);
        }
    }

    /** The same for one that goes on and is asked about again and again. */
    public LastingKey lasting(Caller caller) {
        return new LastingKey(this, caller, ticker);
    }

    /** Goes up with each key that ends here, before anybody hears of it; whatever was found at another count may be over. */
    long revocations() {
        return revocations.get();
    }

    /** When the credential of a caller ends; empty where it does not. */
    public Optional<Instant> expiryOf(Caller caller) {
        return repository.find(caller.keyId()).flatMap(key -> Optional.ofNullable(key.expiresAt()));
    }

    /**
     * Makes a key. Its secret is in the answer and nowhere else.
     *
     * @throws TenantGoneException where its home was deleted
     */
    public CreatedKey create(KeyGrant grant, Recorder createdBy) {
        return create(grant, createdBy, Integer.MAX_VALUE);
    }

    /**
     * The same where the home may have so many valid keys and no more.
     *
     * @throws TenantGoneException where its home was deleted
     * @throws KeysFullException where its home has as many
     */
    public CreatedKey create(KeyGrant grant, Recorder createdBy, int most) {
        Credential credential = Credential.random(random);
        ApiKey key = new ApiKey(
                grant.caller(credential.id()),
                pepper.mac(credential.secretBytes()),
                grant.description(),
                createdBy,
                now(),
                grant.expiresAt(),
                null);
        repository.insert(key, KeyEvents.created(key), most);
        return new CreatedKey(key, credential.text());
    }

    /** Makes the one break-glass key; the one before is void from now on. */
    public SealedKey seal(String description, Recorder createdBy) {
        Credential credential = Credential.random(random);
        Caller caller = new Caller(
                credential.id(), BreakGlass.SUBJECT, TenantId.ASSIZE, true, Set.of(), Set.of(), Set.of(), true);
        ApiKey key =
                new ApiKey(caller, pepper.mac(credential.secretBytes()), description, createdBy, now(), null, null);
        Optional<ApiKey> before = repository.seal(
                key,
                old -> old == null
                        ? List.of(KeyEvents.sealed(key))
                        : List.of(
                                KeyEvents.revoked(TenantId.ASSIZE, old.caller().keyId(), createdBy),
                                KeyEvents.sealed(key)));
        before.ifPresent(old -> end(old.caller().keyId()));
        return new SealedKey(
                new CreatedKey(key, credential.text()),
                before.map(old -> old.caller().keyId()));
    }

    /** The caller whose valid key this is; empty for every other text, whatever is wrong with it. */
    public Optional<Caller> authenticate(String credential) {
        ApiKey remembered = remembered(credential);
        Optional<ApiKey> found;
        if (remembered == null) {
            found = Credential.parse(credential).flatMap(this::verify);
        } else {
            if (remembered.caller().breakGlass()) {
                // Its use is recorded, which takes time: before it is counted, as this begins anew then.
                Prompt.requireTime();
            }
            metrics.remembered();
            found = Optional.of(remembered);
        }
        return found.filter(key -> key.isValidNow(clock)).map(ApiKey::caller).or(() -> {
            metrics.refused();
            return Optional.empty();
        });
    }

    /**
     * The caller whose valid everyday key has this {@link #digest}, as far as this node remembers it; null otherwise, which says nothing of
     * the key. It has no effect: whoever lets a call in by it says so to {@link #recalled}.
     */
    public @Nullable Caller recall(Digest credential) {
        ApiKey remembered = believed(credential);
        return remembered == null || remembered.caller().breakGlass() || !remembered.isValidNow(clock)
                ? null
                : remembered.caller();
    }

    /** A call was let in by what was recalled. */
    public void recalled() {
        metrics.remembered();
    }

    /** Keys of a home tenant by id, behind {@code afterId}. */
    public List<ApiKey> list(TenantId home, @Nullable String afterId, int limit) {
        return repository.list(home, afterId, limit);
    }

    /** Ends a key of a home tenant; empty where it has none of that id. This node refuses it from now on. */
    public Optional<ApiKey> revoke(TenantId home, String keyId, Recorder revokedBy) {
        Optional<ApiKey> revoked;
        try {
            revoked = repository.revoke(home, keyId, now(), revokedBy, KeyEvents.revoked(home, keyId, revokedBy));
        } catch (RuntimeException | Error failure) {
            // It may have been committed.
            forget(keyId);
            throw failure;
        }
        // What is not there, or another tenant's, is left alone.
        revoked.ifPresent(key -> end(keyId));
        return revoked;
    }

    /** Ends all keys of a home tenant that is deleted, and so gets no more of them; returns how many. */
    public int revokeAll(TenantId home, Recorder revokedBy) {
        int revoked = 0;
        String after = null;
        List<ApiKey> page;
        do {
            page = list(home, after, PAGE);
            for (ApiKey key : page) {
                after = key.caller().keyId();
                if (key.revokedAt() == null) {
                    revoke(home, after, revokedBy);
                    revoked++;
                }
            }
        } while (page.size() == PAGE);
        return revoked;
    }

    /** A key that was revoked stays so for calls that go on, also while the store cannot be asked. */
    private void end(String keyId) {
        ends.put(keyId, Instant.MIN);
        forget(keyId);
    }

    private void forget(String keyId) {
        revocations.incrementAndGet();
        ongoing.invalidate(keyId);
        verified.asMap().values().removeIf(key -> key.value.caller().keyId().equals(keyId));
        // What was found in between may be of before.
        revocations.incrementAndGet();
    }

    /** The key that was verified a moment ago and is believed still. */
    private @Nullable ApiKey remembered(String credential) {
        Digest digest = digest(credential);
        return digest == null ? null : believed(digest);
    }

    private @Nullable ApiKey believed(Digest credential) {
        Found<ApiKey> known = verified.getIfPresent(credential);
        return known != null && believed.believes(known.value) ? known.value : null;
    }

    /** By which {@link #recall} knows a credential; null for a text that is none, by its length. */
    public static @Nullable Digest digest(String credential) {
        return credential.length() == Credential.TEXT_LENGTH ? digestOf(credential) : null;
    }

    private static Digest digestOf(String credential) {
        return Digest.sha256(credential.getBytes(StandardCharsets.UTF_8));
    }

    private Optional<ApiKey> verify(Credential credential) {
        long revocationsBefore = revocations.get();
        long nanos = ticker.read();
        Optional<ApiKey> found = find(credential.id());
        Digest expected = found.map(ApiKey::secretHash).orElse(NO_SECRET);
        boolean proven = expected.equals(pepper.mac(credential.secretBytes()));
        if (!proven || found.isEmpty()) {
            return Optional.empty();
        }
        metrics.verified();
        Digest digest = digestOf(credential.text());
        verified.put(digest, new Found<>(found.get(), nanos));
        ongoing.put(credential.id(), new Found<>(found, nanos));
        Instant end = found.get().expiresAt();
        if (end != null) {
            ends.asMap().merge(credential.id(), end, (known, read) -> known.isBefore(read) ? known : read);
        }
        if (revocations.get() != revocationsBefore) {
            verified.invalidate(digest);
            ongoing.invalidate(credential.id());
        }
        return found;
    }

    /** The key as the store has it now; null where it is gone or is another. */
    private static @Nullable ApiKey stillAs(ApiKey key, Optional<ApiKey> found) {
        return found.filter(now -> now.secretHash().equals(key.secretHash())).orElse(null);
    }

    private Found<Optional<ApiKey>> findAt(String id) {
        long nanos = ticker.read();
        return new Found<>(repository.find(id), nanos);
    }

    private Optional<ApiKey> find(String id) {
        Prompt.requireTime();
        return found.find(id, LONGEST_WAIT);
    }

    /** In microseconds, which is what the store keeps. */
    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }

    /**
     * A break-glass key and, this once, its secret.
     *
     * @param voidedId of the one before it
     */
    public record SealedKey(CreatedKey created, Optional<String> voidedId) {}

    /**
     * A key and, this once, its secret.
     *
     * @param credential `asz_<id>_<secret>`
     */
    public record CreatedKey(ApiKey key, String credential) {

        /** Without the secret, whoever prints it. */
        @Override
        public String toString() {
            return "CreatedKey[" + key.caller().keyId() + "]";
        }
    }

    /**
     * What the store was found to have.
     *
     * @param nanos before it was asked
     */
    private record Found<V>(V value, long nanos) {}

    /** Asks again for what is remembered. Nothing is loaded here, and a failure leaves what is remembered to its end. */
    private record VerifiedAgain<K, V>(BiFunction<K, V, CompletableFuture<@Nullable V>> again, Ticker ticker)
            implements CacheLoader<K, Found<V>> {

        @Override
        public Found<V> load(K key) {
            throw new IllegalStateException("What is not remembered is looked up by whoever needs it");
        }

        @Override
        public CompletableFuture<@Nullable Found<V>> asyncReload(K key, Found<V> remembered, Executor ignored) {
            CompletableFuture<@Nullable Found<V>> renewed = new CompletableFuture<>();
            long nanos = ticker.read();
            var _ = again.apply(key, remembered.value).whenComplete((value, failure) -> {
                if (failure == null) {
                    renewed.complete(value == null ? null : new Found<>(value, nanos));
                } else if (failure instanceof StoreUnavailableException) {
                    // Cancelled, it is not logged: the next call that needs the store says what is wrong with it.
                    renewed.cancel(false);
                } else {
                    renewed.completeExceptionally(failure);
                }
            });
            return renewed;
        }
    }
}
