package dev.assize.server.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.authentication.Caller;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.PolicyStates;
import dev.assize.server.decision.UnaskedDecisions;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document.Obligation;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EngineAccessControlTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId HOME = new TenantId("home");
    private static final Caller CALLER =
            new Caller("key", Subject.parse("service:replay"), HOME, false, Set.of(ACME), Set.of(), Set.of());

    private final List<CheckQuery> asked = new ArrayList<>();
    private List<Obligation> obligations = List.of();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private Instant validUntil = now.plusSeconds(60);
    private final Revision revision = new Revision(7);
    private final Revision platformRevision = new Revision(3);
    private long graph = 1;
    private boolean stale;

    /** How often the state was asked for. */
    private int states;

    @Test
    void refusesATenantTheCredentialDoesNotReachWithoutAsking() {
        assertThat(control(query -> Reason.ALLOWED).permits(CALLER, HOME, Permission.CHECK))
                .isFalse();
        assertThat(asked).isEmpty();
    }

    @Test
    void refusesWhereTheEngineDenies() {
        assertThat(control(query -> Reason.NO_GRANT).permits(CALLER, ACME, Permission.CHECK))
                .isFalse();
    }

    @Test
    void refusesWhereAnObligationComesWithTheAllow() {
        obligations = List.of(new Obligation("notify", "notify", new TreeMap<>()));
        assertThat(control(query -> Reason.ALLOWED).permits(CALLER, ACME, Permission.CHECK))
                .isFalse();
    }

    @Test
    void refusesAndCountsWhereTheEngineBreaks() {
        AccessControl control = control(query -> {
            throw new IllegalStateException("a bug");
        });

        assertThat(control.permits(CALLER, ACME, Permission.CHECK)).isFalse();
        assertThat(control.mayActAs(CALLER, ACME, "user")).isFalse();
        assertThat(meters.counter("assize.access.failed.closed").count()).isEqualTo(2);
    }

    @Test
    void saysSoWhereThePolicyMayBeOld() {
        AccessControl control = control(query -> {
            throw new PolicyStaleException(Duration.ofSeconds(70), Duration.ofSeconds(60));
        });

        assertThatThrownBy(() -> control.permits(CALLER, ACME, Permission.CHECK))
                .isInstanceOf(PolicyStaleException.class);
    }

    @Test
    void asksInTenantAssizeForThePathOfTheTenant() {
        assertThat(control(query -> Reason.ALLOWED).permits(CALLER, ACME, Permission.APPEND_AUDIT))
                .isTrue();

        CheckQuery query = asked.getFirst();
        assertThat(query.tenant()).isEqualTo(TenantId.ASSIZE);
        assertThat(query.subjectTenant()).isEqualTo(HOME);
        assertThat(query.subject()).isEqualTo(CALLER.subject());
        assertThat(query.resource()).hasToString("tenant:acme/ledger");
        assertThat(query.resource().type()).isEqualTo("ledger");
        assertThat(query.action()).hasToString("append");
    }

    @Test
    void asksToActAsATypeOfSubjects() {
        control(query -> Reason.ALLOWED).mayActAs(CALLER, ACME, "user");

        assertThat(asked.getFirst().resource()).hasToString("tenant:acme/subject:user");
        assertThat(asked.getFirst().resource().type()).isEqualTo("subject");
        assertThat(asked.getFirst().action()).hasToString("act-as");
    }

    @Test
    void asksAgainAsSoonAsTheAnswerMayBeAnother() {
        AccessControl control = control(query -> Reason.ALLOWED);
        Instant begun = now;
        permitsAfter(control, 1);
        permitsAfter(control, 1);

        now = begun.plusSeconds(10).minusNanos(1);
        permitsAfter(control, 1);
        now = begun.plusSeconds(10);
        validUntil = now.plusSeconds(5);
        permitsAfter(control, 2);
        now = validUntil.minusNanos(1);
        permitsAfter(control, 2);
        now = validUntil;
        validUntil = now.plusSeconds(60);
        permitsAfter(control, 3);
        permitsAfter(control, 3);
        // Set back.
        now = begun;
        permitsAfter(control, 4);
        graph = 2;
        permitsAfter(control, 5);
        permitsAfter(control, 5);
    }

    @Test
    void looksForNothingWhereTheSameCallerWasPermittedTheSameLately() {
        AccessControl control = control(query -> Reason.ALLOWED);
        Instant begun = now;
        permitsAfter(control, 1);
        int asking = states;
        // The clock that is read in milliseconds stands before the permit until the next one.
        permitsAfter(control, 1);
        assertThat(states).isGreaterThan(asking);

        now = begun.plusMillis(1);
        int searching = states;
        permitsAfter(control, 1);
        now = begun.plusSeconds(10).minusMillis(1);
        permitsAfter(control, 1);
        assertThat(states).isEqualTo(searching);

        Caller again = new Caller("key", CALLER.subject(), HOME, false, Set.of(ACME), Set.of(), Set.of());
        assertThat(control.permits(again, ACME, Permission.CHECK)).isTrue();
        assertThat(states).isEqualTo(searching + 1);
    }

    /** As where a database was put back and has come to them by another way. */
    @Test
    void asksAgainWhereAnotherPolicyHasTheSameRevisions() {
        AccessControl control = control(query -> graph == 1 ? Reason.ALLOWED : Reason.NO_GRANT);
        permitsAfter(control, 1);

        graph = 2;
        assertThat(control.permits(CALLER, ACME, Permission.CHECK)).isFalse();
    }

    @Test
    void remembersNothingOfWhichItIsNotKnownByWhatPolicyItWasAnswered() {
        AccessControl control = control(query -> {
            graph++;
            return Reason.ALLOWED;
        });
        permitsAfter(control, 1);
        permitsAfter(control, 2);
    }

    /** What had begun by the clock as it was may not have begun by the clock as it is. */
    @Test
    void remembersNothingThatWasAnsweredWhileTheClockWasSetBack() {
        AccessControl control = control(query -> {
            now = now.minusNanos(1);
            return Reason.ALLOWED;
        });
        permitsAfter(control, 1);
        permitsAfter(control, 2);
    }

    private void permitsAfter(AccessControl control, int questions) {
        assertThat(control.permits(CALLER, ACME, Permission.CHECK)).isTrue();
        assertThat(asked).hasSize(questions);
    }

    @Test
    void asksAnewForEachWhoAndWhatAndWhere() {
        AccessControl control =
                control(query -> query.action().value().equals("check") ? Reason.ALLOWED : Reason.NO_GRANT);
        Caller other = new Caller("other", Subject.parse("service:other"), HOME, true, Set.of(), Set.of(), Set.of());
        Caller namesake =
                new Caller("namesake", CALLER.subject(), new TenantId("else"), true, Set.of(), Set.of(), Set.of());
        for (int turn = 0; turn < 2; turn++) {
            assertThat(control.permits(CALLER, ACME, Permission.CHECK)).isTrue();
            assertThat(control.permits(CALLER, ACME, Permission.EXPLAIN)).isFalse();
            assertThat(control.permits(other, ACME, Permission.CHECK)).isTrue();
            assertThat(control.permits(other, HOME, Permission.CHECK)).isTrue();
            assertThat(control.permits(namesake, ACME, Permission.CHECK)).isTrue();
            assertThat(control.mayActAs(CALLER, ACME, "user")).isFalse();
            assertThat(control.mayActAs(CALLER, ACME, "agent")).isFalse();
        }
        assertThat(asked).doesNotHaveDuplicates().hasSize(7);
    }

    @Test
    void refusesWhatItRemembersWhereTheCredentialDoesNotReachTheTenant() {
        AccessControl control = control(query -> Reason.ALLOWED);
        permitsAfter(control, 1);
        Caller narrower = new Caller("narrower", CALLER.subject(), HOME, false, Set.of(HOME), Set.of(), Set.of());
        assertThat(control.permits(narrower, ACME, Permission.CHECK)).isFalse();
    }

    @Test
    void saysSoWhereThePolicyBehindWhatItRemembersMayBeOld() {
        AccessControl control = control(query -> Reason.ALLOWED);
        permitsAfter(control, 1);
        stale = true;

        assertThatThrownBy(() -> control.permits(CALLER, ACME, Permission.CHECK))
                .isInstanceOf(PolicyStaleException.class);
    }

    private AccessControl control(Function<CheckQuery, Reason> engine) {
        return new EngineAccessControl(
                new ScriptedDecisions(engine), new ScriptedStates(), () -> now, new AccessMetrics(meters));
    }

    /** What the engine answers from. */
    private final class ScriptedStates implements PolicyStates {

        @Override
        public @Nullable State state(TenantId tenant) {
            if (stale) {
                throw new PolicyStaleException(Duration.ofSeconds(70), Duration.ofSeconds(60));
            }
            states++;
            return new State(revision, platformRevision, now, graph);
        }

        @Override
        public long graphIfReady(TenantId tenant) {
            return stale ? NO_GRAPH : graph;
        }

        @Override
        public @Nullable Held held(TenantId tenant) {
            throw new UnsupportedOperationException("these states say nothing");
        }

        @Override
        public Subscription onChange(TenantId tenant, Runnable action) {
            throw new AssertionError("Nothing is subscribed to here");
        }
    }

    /**
     * An engine that answers what the test says and remembers what it was asked: what Assize asks itself is not counted among the
     * checks, and nothing else is asked.
     */
    private final class ScriptedDecisions extends UnaskedDecisions {

        private final Function<CheckQuery, Reason> engine;

        ScriptedDecisions(Function<CheckQuery, Reason> engine) {
            this.engine = engine;
        }

        @Override
        public Answer evaluateOwn(CheckQuery query) {
            asked.add(query);
            return new Answer(engine.apply(query), null, revision, platformRevision, validUntil, obligations);
        }
    }
}
