package dev.assize.server.authentication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditEvent;
import dev.assize.server.authentication.ApiKeys.CreatedKey;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.prompt.WouldWaitException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ApiKeysTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final Recorder ADMIN = new Recorder(Subject.parse("user:admin"), TenantId.ASSIZE);

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-03-01T12:00:00Z"));
    private final InMemoryApiKeyRepository repository = new InMemoryApiKeyRepository();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final ApiKeys keys = node(repository, new byte[32]);

    @Test
    void refusesWhatIsNoCredential() {
        for (String text : new String[] {"", "asz_", "asz_short_secret", "Bearer x", "asz_" + "a".repeat(16)}) {
            assertThat(keys.authenticate(text)).as(text).isEmpty();
        }
        assertThat(repository.finds()).isZero();
    }

    @Test
    void refusesAnUnknownIdAfterTheSameLookup() {
        assertThat(keys.authenticate("asz_" + "a".repeat(16) + "_" + "b".repeat(43)))
                .isEmpty();
        assertThat(repository.finds()).isOne();
    }

    @Test
    void refusesAnotherKeysSecret() {
        CreatedKey one = keys.create(grant(null), ADMIN);
        CreatedKey other = keys.create(grant(null), ADMIN);

        String mixed = one.credential().substring(0, 21) + other.credential().substring(21);

        assertThat(keys.authenticate(mixed)).isEmpty();
    }

    @Test
    void refusesAKeyMadeUnderAnotherPepper() {
        byte[] other = new byte[32];
        other[0] = 1;
        String credential = keys.create(grant(null), ADMIN).credential();

        assertThat(node(repository, other).authenticate(credential)).isEmpty();
    }

    @Test
    void refusesAnExpiredKeyEvenWhenJustRemembered() {
        CreatedKey key = keys.create(grant(now.get().plusSeconds(2)), ADMIN);
        assertThat(keys.authenticate(key.credential())).isPresent();

        advance(Duration.ofSeconds(2));

        assertThat(keys.authenticate(key.credential())).isEmpty();
    }

    @Test
    void refusesARevokedKeyAtOnceHereAndWithinTheCacheTimeElsewhere() {
        ApiKeys elsewhere = node(repository, new byte[32]);
        CreatedKey key = keys.create(grant(null), ADMIN);
        assertThat(keys.authenticate(key.credential())).isPresent();
        assertThat(elsewhere.authenticate(key.credential())).isPresent();

        assertThat(keys.revoke(ACME, key.key().caller().keyId(), ADMIN)).isPresent();

        assertThat(keys.authenticate(key.credential())).isEmpty();
        assertThat(elsewhere.authenticate(key.credential())).isPresent();
        advance(AuthenticationConfig.DEFAULT_CACHE_TTL);
        assertThat(elsewhere.authenticate(key.credential())).isEmpty();
    }

    /** Where a call would have to wait for the store, this throws. */
    @Test
    void verifiesAKeyInUseAnewBesideTheCallsThatUseIt() {
        CreatedKey key = keys.create(grant(null), ADMIN);
        assertThat(keys.authenticate(key.credential())).isPresent();
        for (int i = 0; i < 5; i++) {
            advance(AuthenticationConfig.DEFAULT_CACHE_TTL.dividedBy(2).plusMillis(1));
            Prompt.run(() -> {
                assertThat(keys.authenticate(key.credential())).isPresent();
                assertThat(keys.isStillValid(key.key().caller())).isTrue();
            });
        }
        assertThat(repository.finds()).isEqualTo(1 + 5 * 2);
    }

    /** Asked from within a look-up, for who asks then from another thread waits for its end. */
    @Test
    void doesNotWaitInPromptWorkForWhoeverReadsTheStoreAlready() {
        Caller caller = keys.create(grant(null), ADMIN).key().caller();
        repository.afterFind(() -> assertThatThrownBy(() -> Prompt.run(() -> keys.isStillValid(caller)))
                .isInstanceOf(WouldWaitException.class));
        assertThat(keys.isStillValid(caller)).isTrue();
        assertThat(repository.finds()).isOne();
    }

    @Test
    void endsWhatItRemembersInItsTimeWhereTheStoreDoesNotAnswer() {
        CreatedKey key = keys.create(grant(null), ADMIN);
        assertThat(keys.authenticate(key.credential())).isPresent();
        repository.breakFinds();
        advance(AuthenticationConfig.DEFAULT_CACHE_TTL.minusMillis(1));
        assertThat(keys.authenticate(key.credential())).isPresent();
        advance(Duration.ofMillis(1));
        assertThatThrownBy(() -> Prompt.run(() -> keys.authenticate(key.credential())))
                .isInstanceOf(WouldWaitException.class);
        assertThatThrownBy(() -> keys.authenticate(key.credential())).isInstanceOf(StoreUnavailableException.class);
    }

    @Test
    void believesAKeyFromWhenItWasAskedForHoweverLongThatTook() {
        Duration half = AuthenticationConfig.DEFAULT_CACHE_TTL.dividedBy(2);
        List<Runnable> beside = new ArrayList<>();
        ApiKeys elsewhere = node(repository, new byte[32], beside::add);
        CreatedKey key = keys.create(grant(null), ADMIN);
        assertThat(elsewhere.authenticate(key.credential())).isPresent();
        advance(half.plusMillis(1));
        assertThat(elsewhere.authenticate(key.credential())).isPresent();
        repository.afterFind(() -> {
            // The store answers late, and meanwhile the key is revoked at another node.
            repository.afterFind(() -> {});
            keys.revoke(ACME, key.key().caller().keyId(), ADMIN);
            advance(half.minusMillis(10));
        });
        while (!beside.isEmpty()) {
            beside.removeFirst().run();
        }
        assertThat(elsewhere.authenticate(key.credential())).as("believed").isPresent();
        advance(half.plusMillis(10));
        assertThat(elsewhere.authenticate(key.credential())).isEmpty();
    }

    @Test
    void endsACallThatGoesOnWithItsKeyAlsoWhileTheStoreDoesNotAnswer() {
        CreatedKey key = keys.create(grant(now.get().plusSeconds(60)), ADMIN);
        Caller caller = keys.authenticate(key.credential()).orElseThrow();
        repository.breakFinds();
        advance(Duration.ofSeconds(60).minusMillis(1));
        assertThat(keys.isStillValid(caller)).isTrue();
        advance(Duration.ofMillis(1));
        assertThat(keys.isStillValid(caller)).isFalse();
    }

    @Test
    void endsACallThatGoesOnWithAKeyRevokedHereAlsoWhileTheStoreDoesNotAnswer() {
        CreatedKey key = keys.create(grant(now.get().plusSeconds(60)), ADMIN);
        Caller caller = keys.authenticate(key.credential()).orElseThrow();
        CreatedKey emergency = keys.seal("for tests", ADMIN).created();
        keys.revoke(ACME, caller.keyId(), ADMIN);
        keys.seal("for tests", ADMIN);
        repository.breakFinds();
        assertThat(keys.isStillValid(caller)).isFalse();
        assertThat(keys.isStillValid(emergency.key().caller())).isFalse();
    }

    @Test
    void endsACallThatGoesOnWithAKeyRevokedWhileItWasRead() {
        CreatedKey key = keys.create(grant(now.get().plusSeconds(60)), ADMIN);
        repository.afterFind(() -> keys.revoke(ACME, key.key().caller().keyId(), ADMIN));
        Caller caller = keys.authenticate(key.credential()).orElseThrow();
        repository.breakFinds();
        assertThat(keys.isStillValid(caller)).isFalse();
    }

    @Test
    void asksOnceInAMillisecondForTheKeyOfACallThatGoesOn() {
        CreatedKey key = keys.create(grant(now.get().plusSeconds(60)), ADMIN);
        LastingKey lasting = keys.lasting(keys.authenticate(key.credential()).orElseThrow());
        advance(Duration.ofSeconds(60).minusMillis(1));
        assertThat(lasting.isStillValid()).isTrue();
        advance(Duration.ofNanos(999_999));
        assertThat(lasting.isStillValid()).isTrue();
        advance(Duration.ofNanos(1));
        assertThat(lasting.isStillValid()).isFalse();
        assertThat(lasting.isStillValid()).isFalse();
    }

    @Test
    void endsACallThatGoesOnWithAKeyRevokedHereWithinTheSameMillisecond() {
        Caller caller = keys.create(grant(null), ADMIN).key().caller();
        LastingKey lasting = keys.lasting(caller);
        assertThat(lasting.isStillValid()).isTrue();
        keys.revoke(ACME, caller.keyId(), ADMIN);
        assertThat(lasting.isStillValid()).isFalse();
    }

    /** Whoever may revoke in one tenant ends nothing of another's, nor keeps this node from remembering. */
    @Test
    void forgetsNothingWhereNoKeyWasRevoked() {
        CreatedKey key = keys.create(grant(null), ADMIN);
        Caller caller = key.key().caller();
        TenantId other = new TenantId("other");
        repository.afterFind(() -> {
            keys.revoke(other, caller.keyId(), ADMIN);
            keys.revoke(other, "a".repeat(16), ADMIN);
        });
        assertThat(keys.authenticate(key.credential())).isPresent();
        assertThat(recall(key.credential())).isEqualTo(caller);
        keys.revoke(other, caller.keyId(), ADMIN);
        repository.breakFinds();
        assertThat(recall(key.credential())).isEqualTo(caller);
        assertThat(keys.isStillValid(caller)).isTrue();
    }

    @Test
    void recallsInNoTimeWhomItRemembersAndCountsNothing() {
        CreatedKey key = keys.create(grant(now.get().plusSeconds(2)), ADMIN);
        assertThat(recall(key.credential())).isNull();
        assertThat(keys.authenticate(key.credential())).isPresent();
        Prompt.run(
                () -> assertThat(recall(key.credential())).isEqualTo(key.key().caller()));
        assertThat(recall(key.credential().toUpperCase(Locale.ROOT))).isNull();
        assertThat(remembered()).isZero();
        keys.recalled();
        assertThat(remembered()).isOne();
        advance(Duration.ofSeconds(2));
        assertThat(recall(key.credential())).as("expired").isNull();
    }

    private @Nullable Caller recall(String credential) {
        return keys.recall(Objects.requireNonNull(ApiKeys.digest(credential)));
    }

    @Test
    void knowsNoTextOfAnotherLengthByADigest() {
        String credential = keys.create(grant(null), ADMIN).credential();
        assertThat(ApiKeys.digest(credential)).isNotNull().isEqualTo(ApiKeys.digest(credential));
        assertThat(ApiKeys.digest(credential + "A")).isNull();
        assertThat(ApiKeys.digest("")).isNull();
    }

    @Test
    void countsAUseOfTheBreakGlassKeyOnceThoughItBeginsAnew() {
        CreatedKey key = keys.seal("for tests", ADMIN).created();
        assertThat(keys.authenticate(key.credential())).isPresent();
        assertThat(recall(key.credential())).isNull();
        assertThatThrownBy(() -> Prompt.run(() -> keys.authenticate(key.credential())))
                .isInstanceOf(WouldWaitException.class);
        assertThat(remembered()).isZero();
        assertThat(keys.authenticate(key.credential())).isPresent();
        assertThat(remembered()).isOne();
    }

    private double remembered() {
        return meters.get("assize.authentications")
                .tag("outcome", "remembered")
                .counter()
                .count();
    }

    @Test
    void doesNotRememberAKeyThatWasRevokedWhileItWasRead() {
        CreatedKey key = keys.create(grant(null), ADMIN);
        repository.afterFind(() -> keys.revoke(ACME, key.key().caller().keyId(), ADMIN));
        assertThat(keys.authenticate(key.credential())).as("under way already").isPresent();
        assertThat(keys.authenticate(key.credential())).isEmpty();
    }

    @Test
    void revokesOnlyKeysOfTheTenantNamed() {
        CreatedKey key = keys.create(grant(null), ADMIN);

        assertThat(keys.revoke(new TenantId("other"), key.key().caller().keyId(), ADMIN))
                .isEmpty();
        assertThat(keys.authenticate(key.credential())).isPresent();
    }

    @Test
    void authenticatesTheCallerTheKeyWasMadeFor() {
        CreatedKey key = keys.create(grant(null), ADMIN);

        assertThat(keys.authenticate(key.credential())).contains(key.key().caller());
    }

    @Test
    void asksTheStoreOnceWhileTheCredentialIsRemembered() {
        CreatedKey key = keys.create(grant(null), ADMIN);
        keys.authenticate(key.credential());
        keys.authenticate(key.credential());

        assertThat(repository.finds()).isOne();
    }

    @Test
    void keepsAndRecordsNoSecret() {
        CreatedKey key = keys.create(grant(null), ADMIN);
        keys.revoke(ACME, key.key().caller().keyId(), ADMIN);
        String secret = key.credential().substring(21);

        assertThat(repository.events())
                .extracting(AuditEvent::type)
                .containsExactly("assize.key.created", "assize.key.revoked");
        assertThat(repository.events().toString()).doesNotContain(secret);
        assertThat(key.toString()).doesNotContain(secret);
    }

    private ApiKeys node(ApiKeyRepository store, byte[] pepper) {
        return node(store, pepper, Runnable::run);
    }

    private ApiKeys node(ApiKeyRepository store, byte[] pepper, Executor beside) {
        return new ApiKeys(
                store,
                BelievedKeys.ALL,
                Pepper.of(pepper),
                AuthenticationConfig.defaults(Path.of("unused")),
                now::get,
                meters,
                () -> now.get().toEpochMilli() * 1_000_000,
                new KeysTogether(store, Runnable::run, Duration.ZERO, 1),
                new KeysTogether(store, beside, Duration.ZERO, 1));
    }

    private void advance(Duration time) {
        now.updateAndGet(instant -> instant.plus(time));
    }

    private static KeyGrant grant(@Nullable Instant expiresAt) {
        return new KeyGrant(
                Subject.parse("service:replay"), ACME, false, Set.of(ACME), Set.of(), Set.of(), "for tests", expiresAt);
    }
}
