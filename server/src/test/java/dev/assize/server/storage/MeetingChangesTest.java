package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.administration.ChangeOrigin.Once;
import dev.assize.server.administration.PolicyBusyException;
import dev.assize.server.administration.PolicyRepository.Answered;
import dev.assize.server.administration.PolicyRepository.Planner;
import dev.assize.server.administration.PolicyRepository.Present;
import dev.assize.server.administration.PolicyRepository.ScopePlan;
import dev.assize.server.administration.PolicyRepository.Unchanged;
import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.model.Digest;
import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.PolicySet;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Changes of policy that meet each other: they take turns, or what was judged is judged anew. */
class MeetingChangesTest extends PolicyRepositoryFixture {

    @Test
    void changesOfOneTenantTakeTurns() throws Exception {
        inParallel(8, i -> put("role" + i));
        assertThat(repository.current(scope).revision()).isEqualTo(new Revision(8));
        assertThat(names(repository.current(scope))).hasSize(8);
        assertThat(ledger.head(tenant).map(LedgerHead::size)).contains(8L);
    }

    @Test
    void tenantsChangeAtTheSameTime() throws Exception {
        CountDownLatch both = new CountDownLatch(2);
        inParallel(2, i -> {
            PolicyScope own = PolicyScope.of(new TenantId(tenant + "." + i));
            return repository.change(Set.of(own), present -> {
                both.countDown();
                awaitLatch(both);
                return List.of(plan(present, own, List.of(role(own, "a")), List.of(), "r"));
            });
        });
    }

    @Test
    void whatIsCommittedWhileAChangeIsJudgedComesBeforeItAndIsJudgedWithIt() {
        List<Long> judgedAt = new ArrayList<>();
        repository.changeAhead(Set.of(scope), present -> {
            PolicySet documents = present.documents(scope);
            judgedAt.add(documents.revision().value());
            if (judgedAt.size() == 1) {
                put("brake");
            } else {
                assertThat(names(documents)).contains("brake");
            }
            return List.of(plan(present, scope, List.of(role(scope, "large")), List.of(), "r"));
        });
        assertThat(judgedAt).containsExactly(0L, 1L);
        assertThat(names(repository.current(scope))).containsExactly("brake", "large");
        assertThat(repository.revisions(scope, null, 10))
                .extracting(record -> record.revision().value())
                .containsExactly(2L, 1L);
    }

    @Test
    void aChangeIsJudgedOnceWhereNothingMoves() {
        AtomicInteger judged = new AtomicInteger();
        put("a");
        List<Long> positions = repository.changeAhead(Set.of(scope), present -> {
            judged.incrementAndGet();
            put(new TenantId(tenant + ".other"));
            return List.of(plan(present, scope, List.of(role(scope, "b")), List.of(), "r"));
        });
        assertThat(judged).hasValue(1);
        assertThat(positions).containsExactly(1L);
    }

    @Test
    void aChangeOfATenantIsJudgedAnewBehindOneOfThePlatform() {
        List<Revision> platforms = new ArrayList<>();
        repository.changeAhead(Set.of(scope), present -> {
            platforms.add(present.documents(PolicyScope.PLATFORM).revision());
            if (platforms.size() == 1) {
                putPlatform();
            }
            return List.of(plan(present, scope, List.of(role(scope, "a")), List.of(), "r"));
        });
        assertThat(platforms).hasSize(2);
        assertThat(platforms.getLast()).isEqualTo(platforms.getFirst().next());
    }

    @Test
    void aChangeOfThePlatformIsJudgedAnewBehindOneOfAnyTenant() {
        List<List<String>> seen = new ArrayList<>();
        repository.changeAhead(Set.of(PolicyScope.PLATFORM), present -> {
            List<String> names = new ArrayList<>();
            present.tenants().forEach(set -> {
                if (set.scope().equals(scope)) {
                    names.addAll(names(set));
                }
            });
            seen.add(names);
            if (seen.size() == 1) {
                put("a");
            }
            return List.of(platformPlan(present));
        });
        assertThat(seen).containsExactly(List.of(), List.of("a"));
    }

    @Test
    void whatOnlyJudgesHoldsUpNobody() {
        List<Long> positions = repository.changeAhead(Set.of(scope, PolicyScope.PLATFORM), present -> {
            put("brake");
            assertThat(names(present.documents(scope))).as("one moment").isEmpty();
            return List.of();
        });
        assertThat(positions).isEmpty();
        assertThat(names(repository.current(scope))).containsExactly("brake");
    }

    @Test
    void whereSomethingMovesEachTimeAChangeIsJudgedUnderLock() {
        List<Long> judgedAt = new ArrayList<>();
        repository.changeAhead(Set.of(scope), present -> {
            judgedAt.add(present.documents(scope).revision().value());
            if (judgedAt.size() <= 3) {
                put("r" + judgedAt.size());
            } else {
                assertThatThrownBy(() -> impatient(node -> put(node, scope, "late")))
                        .isInstanceOf(PolicyBusyException.class)
                        .hasMessageContaining(scope.toString());
            }
            return List.of(plan(present, scope, List.of(role(scope, "large")), List.of(), "r"));
        });
        assertThat(judgedAt).containsExactly(0L, 1L, 2L, 3L);
        assertThat(names(repository.current(scope))).containsExactly("large", "r1", "r2", "r3");
    }

    @Test
    void namesThePlatformWhereThatIsWaitedFor() {
        repository.change(Set.of(PolicyScope.PLATFORM), present -> {
            assertThatThrownBy(() -> impatient(node -> put(node, scope, "late")))
                    .isInstanceOf(PolicyBusyException.class)
                    .hasMessageContaining("the platform");
            return List.of();
        });
        assertThat(repository.load(tenant)).isEmpty();
    }

    @Test
    void aKeyThatWasUsedWhileAChangeWasJudgedIsFound() {
        put("a");
        Once once = new Once("k", Digest.sha256(), "");
        List<Optional<Answered>> answers = new ArrayList<>();
        repository.changeAhead(
                Set.of(scope),
                new KeyedPlanner(
                        present -> {
                            answers.add(present.answered(scope, ALICE, "k"));
                            if (answers.size() == 1) {
                                repository.change(Set.of(scope), new KeyedPlanner(_ -> {}, scope, once));
                            }
                        },
                        scope,
                        once) {
                    @Override
                    public List<Unchanged> unchanged() {
                        return answers.getLast().isPresent() ? List.of() : super.unchanged();
                    }
                });
        assertThat(answers).hasSize(2);
        assertThat(answers.getLast().map(Answered::once)).contains(once);
    }

    /** Leaves everything as it was, under a key. */
    private static class KeyedPlanner implements Planner {

        private final Consumer<Present> look;
        private final PolicyScope scope;
        private final Once once;

        KeyedPlanner(Consumer<Present> look, PolicyScope scope, Once once) {
            this.look = look;
            this.scope = scope;
            this.once = once;
        }

        @Override
        public List<ScopePlan> plan(Present present) {
            look.accept(present);
            return List.of();
        }

        @Override
        public List<Unchanged> unchanged() {
            return List.of(new Unchanged(scope, new Revision(1), ALICE, once));
        }
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private interface Work {
        Object run(int i) throws Exception;
    }

    private static void inParallel(int count, Work work) throws Exception {
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> futures = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int number = i;
                futures.add(executor.submit(() -> work.run(number)));
            }
            for (Future<?> future : futures) {
                future.get();
            }
        }
    }
}
