package dev.assize.server.decision;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.model.PolicyScope;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.PolicySet;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever a desk found for its last question, it answers the next one from what the cache holds by then. */
class DeskCacheTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final DecisionConfig CONFIG = DecisionConfig.defaults();

    private final AtomicReference<Instant> now = new AtomicReference<>(NOON);
    private final AtomicLong nanos = new AtomicLong();
    private final NodeClock clock = new NodeClock(now::get, nanos::get);
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final FakePolicySource source = new FakePolicySource();
    private final GraphCache graphs = cache(CONFIG.cacheBytes(), registry);
    private final Desk desk = graphs.desk();

    private GraphCache cache(long bytes, MeterRegistry meters) {
        DecisionConfig config = new DecisionConfig(
                bytes,
                CONFIG.freshnessBound(),
                CONFIG.pollInterval(),
                CONFIG.loadTimeout(),
                CONFIG.concurrentLoads(),
                CONFIG.unknownTenants(),
                CONFIG.unknownTenantTtl(),
                CONFIG.pastBytes(),
                CONFIG.pastGraphs(),
                CONFIG.concurrentPastLoads());
        return new GraphCache(source, config, clock, new DecisionMetrics(meters), Runnable::run);
    }

    /** How a graph that is held comes to be held no longer. */
    enum End {
        CHANGED,
        CHANGED_AS_POLLED,
        REMOVED,
        REMOVED_AS_POLLED,
        UNREADABLE
    }

    @ParameterizedTest
    @EnumSource
    void answersFromNothingThatHasEnded(End end) {
        hold(graphs, ACME, 1, "alice");
        HeldGraph ended = Objects.requireNonNull(graphs.getIfHeld(ACME));
        askedAgain(desk, ACME, "alice", Reason.ALLOWED);
        assertThat(ended.place().graph()).isSameAs(ended);
        end(end, ACME);
        assertThat(ended.place().graph()).as("so that no desk keeps it").isNull();
        if (graphs.getIfHeld(ACME) == null) {
            assertThat(desk.open(QuestionBytes.of("user:alice", "doc:1", "read", "acme", "")))
                    .isFalse();
            source.setBroken(false);
            hold(graphs, ACME, 3, "carol");
            askedAgain(desk, ACME, "carol", Reason.ALLOWED);
        } else {
            askedAgain(desk, ACME, "bob", Reason.ALLOWED);
        }
        askedAgain(desk, ACME, "alice", Reason.NO_GRANT);
    }

    private void end(End end, TenantId tenant) {
        switch (end) {
            case CHANGED -> {
                source.put(policy(tenant, 2, "bob"));
                graphs.refresh(PolicyScope.of(tenant));
            }
            case CHANGED_AS_POLLED -> {
                source.put(policy(tenant, 2, "bob"));
                poll();
            }
            case REMOVED -> {
                source.remove(tenant);
                graphs.refresh(PolicyScope.of(tenant));
            }
            case REMOVED_AS_POLLED -> {
                source.remove(tenant);
                poll();
            }
            case UNREADABLE -> {
                source.setBroken(true);
                graphs.refresh(PolicyScope.of(tenant));
            }
        }
    }

    private void poll() {
        graphs.compare(graphs.held(), new Polled(source.revisions(GraphCache.scopes(graphs.held())), clock.read()))
                .join();
    }

    /** Within the same millisecond. */
    @ParameterizedTest
    @EnumSource
    void tellsOfTenantAssizeNoGraphThatHasEnded(End end) {
        PolicyStates states = new HeldStates(graphs, CONFIG, clock);
        hold(graphs, TenantId.ASSIZE, 1, "alice");
        long number = states.graphIfReady(TenantId.ASSIZE);
        assertThat(number).isNotEqualTo(PolicyStates.NO_GRAPH);
        assertThat(states.graphIfReady(TenantId.ASSIZE)).isEqualTo(number);
        end(end, TenantId.ASSIZE);
        HeldGraph held = graphs.getIfHeld(TenantId.ASSIZE);
        assertThat(states.graphIfReady(TenantId.ASSIZE))
                .isNotEqualTo(number)
                .isEqualTo(held == null ? PolicyStates.NO_GRAPH : held.number());
    }

    @Test
    void tellsOfTenantAssizeNoGraphThatIsNotFresh() {
        PolicyStates states = new HeldStates(graphs, CONFIG, clock);
        hold(graphs, TenantId.ASSIZE, 1, "alice");
        assertThat(states.graphIfReady(TenantId.ASSIZE)).isNotEqualTo(PolicyStates.NO_GRAPH);
        nanos.addAndGet(CONFIG.freshnessBound().toNanos());
        assertThat(states.graphIfReady(TenantId.ASSIZE)).isEqualTo(PolicyStates.NO_GRAPH);
    }

    @Test
    void aGraphThatIsConfirmedIsTheOneThatIsFound() {
        hold(graphs, ACME, 1, "alice");
        askedAgain(desk, ACME, "alice", Reason.ALLOWED);
        HeldGraph held = Objects.requireNonNull(graphs.getIfHeld(ACME));
        poll();
        graphs.refresh(PolicyScope.of(ACME));
        assertThat(graphs.getIfHeld(ACME)).isSameAs(held);
        assertThat(held.place().graph()).isSameAs(held);
    }

    @Test
    void answersFromNothingThatTheCacheHadNoRoomFor() {
        PolicySet one = policy(ACME, 1, "alice");
        long weight = GraphCache.compile(new PolicySource.PolicySnapshot(one, PolicySet.empty(PolicyScope.PLATFORM)))
                .weightBytes();
        // Of each at most a quarter counts.
        GraphCache small = cache(weight * 4 + weight / 2, new SimpleMeterRegistry());
        Desk atSmall = small.desk();
        TenantId first = new TenantId("t0");
        hold(small, first, 1, "alice");
        askedAgain(atSmall, first, "alice", Reason.ALLOWED);
        HeldGraph held = Objects.requireNonNull(small.getIfHeld(first));
        for (int tenant = 1; small.getIfHeld(first) != null; tenant++) {
            assertThat(tenant).as("somebody goes").isLessThan(100);
            TenantId other = new TenantId("t" + tenant);
            hold(small, other, 1, "alice");
            for (int i = 0; i < 20; i++) {
                var _ = small.getIfPresent(other);
            }
        }
        assertThat(held.place().graph()).isNull();
        assertThat(atSmall.open(QuestionBytes.of("user:alice", "doc:1", "read", "t0", "")))
                .isFalse();
    }

    @Test
    void isNotFreshForHavingBeenFound() {
        hold(graphs, ACME, 1, "alice");
        askedAgain(desk, ACME, "alice", Reason.ALLOWED);
        pass(CONFIG.freshnessBound());
        assertThat(desk.open(QuestionBytes.of("user:alice", "doc:1", "read", "acme", "")))
                .isFalse();
        poll();
        askedAgain(desk, ACME, "alice", Reason.ALLOWED);
    }

    @Test
    void tellsTenantsApartThatFollowEachOther() {
        List<TenantId> tenants = List.of(ACME, new TenantId("acm"), new TenantId("acme2"), new TenantId("a"));
        for (TenantId tenant : tenants) {
            hold(graphs, tenant, 1, "u-" + tenant.value());
        }
        for (int i = 0; i < 1_000; i++) {
            TenantId asked = tenants.get(i % 7 % tenants.size());
            TenantId named = tenants.get(i / 7 % tenants.size());
            askedOnce(desk, asked, "u-" + named.value(), asked.equals(named) ? Reason.ALLOWED : Reason.NO_GRANT);
        }
        assertThat(registry.get("assize.decision.cache.hits").functionCounter().count())
                .as("each is one, however it was found")
                .isEqualTo(1_000);
    }

    /** More often than the desk asks the cache. */
    private void askedAgain(Desk at, TenantId tenant, String user, Reason expected) {
        for (int i = 0; i <= 2 * HeldDesk.FOUND_ONE_IN; i++) {
            askedOnce(at, tenant, user, expected);
        }
    }

    private static void askedOnce(Desk at, TenantId tenant, String user, Reason expected) {
        var names = QuestionBytes.of("user:" + user, "doc:1", "read", tenant.value(), "");
        assertThat(at.open(names) && at.decide(names)).isTrue();
        assertThat(at.reason()).isEqualTo(expected);
        at.close();
    }

    private void pass(Duration time) {
        now.updateAndGet(then -> then.plus(time));
        nanos.addAndGet(time.toNanos());
    }

    private void hold(GraphCache in, TenantId tenant, int revision, String reader) {
        source.put(policy(tenant, revision, reader));
        pass(CONFIG.unknownTenantTtl());
        assertThat(in.get(tenant, CONFIG.loadTimeout())).isNotNull();
    }

    private static PolicySet policy(TenantId tenant, int revision, String reader) {
        return Policies.tenant(tenant, revision, new Subject("user", reader));
    }
}
