package dev.assize.server.authentication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.model.Recorder;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KeysTogetherTest {

    private final Map<String, ApiKey> store = new HashMap<>();
    private final List<Set<String>> reads = new ArrayList<>();
    private final Deque<Runnable> beside = new ArrayDeque<>();
    private @Nullable Throwable failure;
    private Runnable silence = () -> {};
    private final KeysTogether keys = new KeysTogether(repository(), beside::add, Duration.ZERO, 1);

    @Test
    void tellsAllWhyTheStoreDoesNotAnswerAndAsksAnewAfterwards() {
        failure = new StoreUnavailableException("away", new IllegalStateException());
        CompletableFuture<Optional<ApiKey>> one = find("a");
        CompletableFuture<Optional<ApiKey>> other = find("b");
        run();
        assertThat(one.exceptionNow()).isSameAs(failure);
        assertThat(other.exceptionNow()).isSameAs(failure);

        failure = null;
        CompletableFuture<Optional<ApiKey>> found = find("a");
        run();
        assertThat(found).isCompletedWithValue(Optional.empty());
    }

    @Test
    void tellsAllOfAnErrorToo() {
        failure = new NoClassDefFoundError("Row");
        CompletableFuture<Optional<ApiKey>> one = find("a");
        CompletableFuture<Optional<ApiKey>> other = find("b");
        run();
        assertThat(one.exceptionNow()).isSameAs(failure);
        assertThat(other.exceptionNow()).isSameAs(failure);
        KeysTogether here = new KeysTogether(repository(), Runnable::run, Duration.ZERO, 1);
        assertThatThrownBy(() -> here.find("a", Duration.ofSeconds(10))).isSameAs(failure);
    }

    @Test
    void tellsThatNobodyReadsAndBeginsAnewAfterwards() {
        Error none = new OutOfMemoryError("unable to create native thread");
        AtomicReference<@Nullable Error> next = new AtomicReference<>(none);
        Executor once = work -> {
            Error failing = next.getAndSet(null);
            if (failing != null) {
                throw failing;
            }
            work.run();
        };
        KeysTogether here = new KeysTogether(repository(), once, Duration.ZERO, 1);
        CompletableFuture<Optional<ApiKey>> found = here.find("a", Function.identity());
        assertThat(found).isCompletedExceptionally();
        assertThat(found.exceptionNow()).isSameAs(none);
        assertThat(here.find("a", Function.identity())).isCompletedWithValue(Optional.empty());
    }

    @Test
    void waitsNoLongerThanItIsToldAndReadsNothingForWhoIsGone() {
        assertThatThrownBy(() -> keys.find("a", Duration.ofMillis(1)))
                .isInstanceOf(StoreUnavailableException.class)
                .hasMessageContaining("PT0.001S");
        CompletableFuture<Optional<ApiKey>> b = find("b");
        run();
        assertThat(b).isCompletedWithValue(Optional.empty());
        assertThat(reads).containsExactly(Set.of("b"));
    }

    @Test
    void readsForOthersWhileTheStoreIsSilentAboutOne() {
        KeysTogether two = new KeysTogether(repository(), beside::add, Duration.ZERO, 2);
        List<CompletableFuture<Optional<ApiKey>>> found = new ArrayList<>();
        for (String id : new String[] {"silent", "b", "c"}) {
            found.add(two.find(id, Function.identity()));
        }
        assertThat(beside).hasSize(2);
        silence = () -> {
            silence = () -> {};
            found.add(two.find("d", Function.identity()));
            run();
            assertThat(found.getLast()).isDone();
        };
        run();
        assertThat(found).allMatch(CompletableFuture::isDone);
    }

    @Test
    void letsNoMoreWaitThanItSays() {
        List<CompletableFuture<Optional<ApiKey>>> found = new ArrayList<>();
        for (int i = 0; i < KeysTogether.MOST_WAITING; i++) {
            found.add(find("key-" + i));
        }
        assertThat(find("more").exceptionNow()).isInstanceOf(StoreUnavailableException.class);
        run();
        assertThat(found).allMatch(CompletableFuture::isDone);
        CompletableFuture<Optional<ApiKey>> again = find("more");
        run();
        assertThat(again).isCompletedWithValue(Optional.empty());
    }

    @Test
    void readsAtOnceWhatIsAskedForWithinAMoment() {
        store.put("a", key("a"));
        CompletableFuture<Optional<ApiKey>> a = find("a");
        CompletableFuture<Optional<ApiKey>> again = find("a");
        CompletableFuture<Optional<ApiKey>> b = find("b");
        assertThat(beside).hasSize(1);
        run();

        assertThat(reads).containsExactly(Set.of("a", "b"));
        assertThat(a.join()).contains(store.get("a"));
        assertThat(again.join()).contains(store.get("a"));
        assertThat(b.join()).isEmpty();
    }

    @Test
    void readsNoMoreThanItSaysAtOnce() {
        List<CompletableFuture<Optional<ApiKey>>> found = new ArrayList<>();
        for (int i = 0; i <= KeysTogether.AT_ONCE; i++) {
            found.add(find("key-" + i));
        }
        run();
        assertThat(reads).extracting(Set::size).containsExactly(KeysTogether.AT_ONCE, 1);
        assertThat(found).allMatch(CompletableFuture::isDone);
    }

    /** Also when it is asked for while others are read: what they are told may be older. */
    @Test
    void readsAfterItWasAsked() {
        List<CompletableFuture<Optional<ApiKey>>> late = new ArrayList<>();
        CompletableFuture<Optional<ApiKey>> first = find("a");
        var _ = first.thenRun(() -> {
            store.put("a", key("a"));
            late.add(find("a"));
        });
        run();
        assertThat(first.join()).isEmpty();
        assertThat(late.getFirst().join()).contains(store.get("a"));
        assertThat(reads).hasSize(2);
    }

    private CompletableFuture<Optional<ApiKey>> find(String id) {
        return keys.find(id, Function.identity());
    }

    private void run() {
        for (Runnable next = beside.poll(); next != null; next = beside.poll()) {
            next.run();
        }
    }

    private static ApiKey key(String id) {
        TenantId acme = new TenantId("acme");
        return new ApiKey(
                new Caller(id, Subject.parse("service:a"), acme, false, Set.of(acme), Set.of(), Set.of()),
                Pepper.of(new byte[32]).mac(new byte[32]),
                "",
                Recorder.ASSIZE,
                Instant.EPOCH,
                null,
                null);
    }

    /** Nothing but what is read together is asked of it. */
    @SuppressWarnings("unchecked")
    private ApiKeyRepository repository() {
        return (ApiKeyRepository) Proxy.newProxyInstance(
                ApiKeyRepository.class.getClassLoader(),
                new Class<?>[] {ApiKeyRepository.class},
                (proxy, method, asked) -> {
                    assertThat(method.getName()).isEqualTo("findAll");
                    Set<String> ids = (Set<String>) asked[0];
                    reads.add(ids);
                    silence.run();
                    if (failure != null) {
                        throw failure;
                    }
                    Map<String, ApiKey> found = new HashMap<>(store);
                    found.keySet().retainAll(ids);
                    return found;
                });
    }
}
