package dev.assize.server.decision;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.decision.NodeConfirmations.Confirmations;
import dev.assize.server.decision.node.InMemoryNodeRegistry;
import dev.assize.server.decision.node.Node;
import dev.assize.server.decision.node.NodeIdentity;
import dev.assize.server.model.Revision;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.PolicySet;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Nodes that make themselves known, and confirm to each other. */
@Timeout(60)
class NodePresenceTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final Revision TWO = new Revision(2);
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final Duration PATIENCE = Duration.ofMillis(50);

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-03-01T12:00:00Z"));
    private final InMemoryNodeRegistry registry = new InMemoryNodeRegistry(now::get);
    private final FakePolicySource source = new FakePolicySource();
    private final DecisionMetrics metrics = new DecisionMetrics(new SimpleMeterRegistry());
    private final GraphCache graphs =
            new GraphCache(source, DecisionConfig.defaults(), Clocks.steady(now::get), metrics, Runnable::run);
    private final NodeIdentity here = NodeIdentity.starting("here", BOUND);
    private final NodeIdentity there = NodeIdentity.starting("there", BOUND);
    private final NodePresence presence = new NodePresence(there, registry, graphs, metrics, Runnable::run);
    private final NodeConfirmations confirmations = new NodeConfirmations(here, registry, InstantSource.system());

    /** One among nobody. */
    static NodePresence of(GraphCache graphs, DecisionMetrics metrics) {
        return new NodePresence(
                NodeIdentity.starting("alone", BOUND),
                new InMemoryNodeRegistry(InstantSource.system()),
                graphs,
                metrics);
    }

    @Test
    void namesANodeThatDoesNotConfirmInTime() {
        registry.seen(here);
        presence.sayNow();

        Confirmations found = confirmations.await(ACME, TWO, PATIENCE);

        assertThat(found.confirmed()).containsExactly(here);
        assertThat(found.unconfirmed()).extracting(Node::identity).containsExactly(there);
        assertThat(found.unconfirmed().getFirst().isCutOff()).isFalse();
        assertThat(found.complete()).isTrue();
        assertThat(registry.unconfirmed(ACME, TWO)).as("settled").isEmpty();
    }

    @Test
    void namesANodeThatIsCutOffAndForgetsOneThatHasLongStopped() {
        registry.seen(here);
        presence.sayNow();
        now.updateAndGet(at -> at.plus(Node.CUT_OFF_AFTER).plusMillis(1));
        registry.seen(here);
        assertThat(confirmations.await(ACME, TWO, Duration.ofMinutes(5)).unconfirmed())
                .singleElement()
                .matches(Node::isCutOff);

        now.updateAndGet(at -> at.plus(BOUND).plusSeconds(30));
        registry.seen(here);
        assertThat(confirmations.await(ACME, TWO, PATIENCE).unconfirmed()).isEmpty();
    }

    @Test
    void saysThatNothingIsKnownWhereTheNodesCannotBeListed() {
        registry.setBroken(true);
        assertThat(confirmations.await(ACME, TWO, PATIENCE).complete()).isFalse();
        presence.sayNow();
        presence.close();
    }

    @Test
    void confirmsWhenItSaysThatItIsThereWhereNoSignalCame() {
        hold(1);
        presence.sayNow();
        registry.ask(ACME, TWO, List.of(there));
        source.put(policy(2));

        presence.say();

        assertThat(registry.unconfirmed(ACME, TWO)).isEmpty();
        assertThat(Objects.requireNonNull(graphs.getIfHeld(ACME)).graph().revision())
                .isEqualTo(TWO);
    }

    @Test
    void doesNotConfirmWhatItCannotRead() {
        hold(1);
        presence.sayNow();
        registry.ask(ACME, TWO, List.of(there));
        source.put(policy(2));
        source.setBroken(true);

        presence.say();
        assertThat(registry.unconfirmed(ACME, TWO)).containsExactly(there.instanceId());

        source.setBroken(false);
        presence.say();
        assertThat(registry.unconfirmed(ACME, TWO)).isEmpty();
    }

    @Test
    void confirmsAtOnceWhatItDoesNotHold() {
        presence.sayNow();
        registry.ask(ACME, TWO, List.of(there));
        presence.say();
        assertThat(registry.unconfirmed(ACME, TWO)).isEmpty();
        assertThat(source.loads()).isZero();
    }

    @Test
    void takesItsLeave() {
        presence.sayNow();
        presence.close();
        presence.say();
        assertThat(registry.nodes()).isEmpty();
    }

    @Test
    void aWatchSaysSoEverySecondAndTakesLeaveWithIt() {
        PolicyWatch watch = new PolicyWatch(
                graphs,
                source,
                DecisionConfig.defaults(),
                Clocks.steady(now::get),
                metrics,
                new FakeSignals(),
                presence);
        watch.start();
        Instant first = seen();
        watch.poll();
        now.updateAndGet(at -> at.plusMillis(999));
        watch.poll();
        assertThat(seen()).as("not at every poll").isEqualTo(first);
        now.updateAndGet(at -> at.plusMillis(1));
        watch.poll();
        assertThat(seen()).isEqualTo(first.plusSeconds(1));
        watch.close();
        assertThat(registry.nodes()).isEmpty();
    }

    private Instant seen() {
        return registry.nodes().getFirst().lastSeenAt();
    }

    private void hold(long revision) {
        source.put(policy(revision));
        assertThat(graphs.get(ACME, Duration.ofSeconds(5))).isNotNull();
    }

    private static PolicySet policy(long revision) {
        return Policies.tenant(ACME, revision, Policies.ALICE);
    }
}
