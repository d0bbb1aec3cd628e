package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.authentication.ApiKey;
import dev.assize.server.authentication.Caller;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PostgresApiKeyRepositoryTest extends LedgerFixture {

    private static final Recorder ALICE = new Recorder(new Subject("user", "alice"), new TenantId("other"));
    private static final AtomicInteger SEALED = new AtomicInteger();

    private static PostgresApiKeyRepository repository;

    private TenantId home;

    @BeforeAll
    static void create() {
        repository = new PostgresApiKeyRepository(database, writer, CODEC);
    }

    @BeforeEach
    void name() {
        home = tenant;
    }

    @Test
    void findsNoUnknownKey() {
        assertThat(repository.find("unknown")).isEmpty();
        assertThat(repository.find("")).isEmpty();
        assertThat(repository.find("' OR true --")).isEmpty();
        assertThat(repository.list(home, null, 10)).isEmpty();
    }

    @Test
    void refusesTheSameIdTwice() {
        insert(key("a", null));
        assertThatThrownBy(() -> insert(key("a", null))).isInstanceOf(StorageException.class);
        assertThat(ledgerSize()).isEqualTo(1);
    }

    @Test
    void keepsEverythingOfAKeyBesideItsEntry() {
        ApiKey open = key("a", null);
        ApiKey limited = new ApiKey(
                new Caller(
                        home + "-limited",
                        new Subject("service", "replay"),
                        home,
                        false,
                        Set.of(home, new TenantId("z")),
                        Set.of(new Environment("production")),
                        Set.of("DecisionService/Check")),
                Digest.sha256(new byte[1]),
                "limited",
                ALICE,
                NOON,
                NOON.plusSeconds(60),
                null);
        insert(open);
        insert(limited);
        assertThat(repository.find(open.caller().keyId())).contains(open);
        assertThat(repository.find(limited.caller().keyId())).contains(limited);
        assertThat(ledgerSize()).isEqualTo(2);
    }

    @Test
    void listsInOrderBehindAnId() {
        insert(key("b", null));
        insert(key("a", null));
        insert(key("c", null));
        assertThat(repository.list(home, null, 2))
                .extracting(key -> key.caller().keyId())
                .containsExactly(home + "-a", home + "-b");
        assertThat(repository.list(home, home + "-b", 2))
                .extracting(key -> key.caller().keyId())
                .containsExactly(home + "-c");
    }

    @Test
    void revokesOnce() {
        ApiKey key = key("a", null);
        insert(key);
        ApiKey revoked = revoke(home, key.caller().keyId(), NOON.plusSeconds(1)).orElseThrow();
        assertThat(revoked.revokedAt()).isEqualTo(NOON.plusSeconds(1));
        assertThat(revoke(home, key.caller().keyId(), NOON.plusSeconds(2))).contains(revoked);
        assertThat(repository.find(key.caller().keyId())).contains(revoked);
        assertThat(ledgerSize()).isEqualTo(2);
    }

    @Test
    void doesNotRevokeAnotherTenantsKey() {
        ApiKey key = key("a", null);
        insert(key);
        assertThat(revoke(new TenantId("thief"), key.caller().keyId(), NOON)).isEmpty();
        assertThat(repository.find(key.caller().keyId())).contains(key);
        assertThat(ledgerSize()).isEqualTo(1);
    }

    @Test
    void aSealedKeyIsGoodForAnHourFromItsFirstUseAndEachUseIsAnEntry() {
        ApiKey sealed = sealed("s1");
        assertThat(seal(sealed)).isEmpty();
        assertThat(repository.lastSealed()).contains(sealed);
        long before = sizeOf(TenantId.ASSIZE);
        Instant first = NOON.plusSeconds(10);

        ApiKey used = use(sealed, first).orElseThrow();
        assertThat(used.firstUsedAt()).isEqualTo(first);
        assertThat(use(sealed, first.plusSeconds(3_599)).orElseThrow().firstUsedAt())
                .isEqualTo(first);
        assertThat(use(sealed, first.plusSeconds(3_600))).isEmpty();
        assertThat(sizeOf(TenantId.ASSIZE)).isEqualTo(before + 2);
        assertThat(repository.find(sealed.caller().keyId())).contains(used);

        ApiKey next = sealed("s2");
        assertThat(seal(next))
                .map(old -> old.caller().keyId())
                .contains(sealed.caller().keyId());
        assertThat(repository.find(sealed.caller().keyId()).orElseThrow().revokedAt())
                .isEqualTo(next.createdAt());
        assertThat(repository.lastSealed()).contains(next);
        assertThat(use(next, NOON.plusSeconds(20))).isPresent();
        repository.record(home, ALICE, PolicyRepositoryFixture.event("elsewhere"));
        assertThat(ledgerSize()).isEqualTo(1);
    }

    @Test
    void anEverydayKeyBreaksNoGlass() {
        ApiKey key = key("a", null);
        insert(key);
        assertThat(use(key, NOON)).isEmpty();
    }

    /** There is never more than one, whoever seals at the same moment. */
    @Test
    void ofTwoThatAreSealedTogetherOneStays() throws Exception {
        try (ExecutorService two = Executors.newFixedThreadPool(2)) {
            for (int round = 0; round < 10; round++) {
                ApiKey one = sealed("r" + round + "a");
                ApiKey other = sealed("r" + round + "b");
                CompletableFuture<?> here = CompletableFuture.runAsync(() -> seal(one), two);
                CompletableFuture<?> there = CompletableFuture.runAsync(() -> seal(other), two);
                here.get();
                there.get();
                assertThat(List.of(one, other))
                        .filteredOn(key -> repository
                                        .find(key.caller().keyId())
                                        .orElseThrow()
                                        .revokedAt()
                                == null)
                        .hasSize(1);
            }
        }
    }

    private ApiKey sealed(String name) {
        Caller caller = new Caller(
                home + "-" + name,
                new Subject("user", "break-glass"),
                TenantId.ASSIZE,
                true,
                Set.of(),
                Set.of(),
                Set.of(),
                true);
        return new ApiKey(
                caller, Digest.sha256(), "safe 3", ALICE, NOON.plusSeconds(SEALED.incrementAndGet()), null, null);
    }

    private static Optional<ApiKey> seal(ApiKey key) {
        return repository.seal(key, old -> List.of(PolicyRepositoryFixture.event("sealed")));
    }

    private static Optional<ApiKey> use(ApiKey key, Instant at) {
        return repository.use(key.caller().keyId(), at, used -> PolicyRepositoryFixture.event("used"));
    }

    private ApiKey key(String name, @Nullable Instant expiresAt) {
        return new ApiKey(
                new Caller(home + "-" + name, new Subject("user", "bob"), home, true, Set.of(), Set.of(), Set.of()),
                Digest.sha256(),
                "of bob",
                ALICE,
                NOON,
                expiresAt,
                null);
    }

    private void insert(ApiKey key) {
        repository.insert(key, PolicyRepositoryFixture.event("created"), Integer.MAX_VALUE);
    }

    private Optional<ApiKey> revoke(TenantId tenant, String keyId, Instant at) {
        return repository.revoke(tenant, keyId, at, ALICE, PolicyRepositoryFixture.event("revoked"));
    }

    private long ledgerSize() {
        return sizeOf(home);
    }

    private static long sizeOf(TenantId tenant) {
        return ledger.head(tenant).map(LedgerHead::size).orElse(0L);
    }
}
