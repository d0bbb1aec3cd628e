package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.storage.PostgresRelay.Death;
import dev.assize.server.storage.PostgresRelay.Fault;
import dev.assize.server.storage.PostgresRelay.Link;
import dev.assize.server.storage.PostgresRelay.Moment;
import dev.assize.server.testing.InMemory;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * An append dies at every statement of it, before, during and behind it, by a cut connection, a backend that is ended,
 * a PostgreSQL that crashes and a node that is killed; once, and again while it is tried again. Whatever dies, what was
 * acknowledged stands in the ledger once, nothing stands there twice, and the chain is sound.
 *
 * <p>A build does all of it with what dies quickly and the decisive steps of what does not. All steps of everything:
 *
 * <pre>mvn -pl server -am test -Dtest=CrashAtEveryStepTest,NodesUnderFaultTest -Dsurefire.failIfNoSpecifiedTests=false -Dassize.crash.all=true</pre>
 */
@Timeout(1200)
class CrashAtEveryStepTest {

    private static final boolean ALL = Boolean.getBoolean("assize.crash.all");

    /** More than an append has, so a sweep ends by itself. */
    private static final int MOST_STATEMENTS = 40;

    private static final int MOST_AHEAD = 12;

    /** More than the first append of a node has. */
    private static final int MOST_OF_A_NEW_NODE = 26;

    /** What an append cannot do without; that the sweep has been at them shows that it sweeps what it should. */
    private static final List<String> DECISIVE = List.of(
            "BEGIN",
            "set_config",
            "FOR UPDATE",
            "FROM assize.ledger_idempotency i",
            "INSERT INTO assize.ledger_entry",
            "INSERT INTO assize.ledger_idempotency",
            "UPDATE assize.ledger_head",
            "COMMIT");

    @TempDir(factory = InMemory.class)
    Path directory;

    @Test
    void holdsWhenTheConnectionIsCut() throws Exception {
        try (CrashWorld world = CrashWorld.onSharedServer(directory)) {
            sweep(world, Link::cut);
        }
    }

    @Test
    void holdsWhenTheBackendIsEnded() throws Exception {
        try (CrashWorld world = CrashWorld.onSharedServer(directory)) {
            sweep(world, world::endBackend);
        }
    }

    /** A node that knows where the head stands asks the database nothing before it writes. */
    @Test
    void holdsWhenWhatIsWrittenInOneTripDies() throws Exception {
        try (CrashWorld world = CrashWorld.onSharedServer(directory)) {
            assertThat(sweepAhead(world, false)).noneMatch(statement -> statement.contains("FOR UPDATE"));
        }
    }

    @Test
    void holdsWhenWhatIsWrittenBehindAnotherAppendDies() throws Exception {
        try (CrashWorld world = CrashWorld.onSharedServer(directory)) {
            assertThat(sweepAhead(world, true)).noneMatch(statement -> statement.contains("FOR UPDATE"));
        }
    }

    @Test
    void holdsWhenItDiesAgainWhileItIsTriedAgain() throws Exception {
        try (CrashWorld world = CrashWorld.onSharedServer(directory)) {
            int statements = world.statementsOfAnAppend();
            for (int first = ALL ? 1 : statements - 1; first <= statements; first++) {
                for (int second = 1; second <= statements; second++) {
                    for (Moment moment : ALL ? Moment.values() : new Moment[] {Moment.AFTER}) {
                        world.appendDying(first, Moment.AFTER, Link::cut);
                        world.tryAgainDying(second, moment, Link::cut);
                        world.tryAgain();
                    }
                }
                world.assertHolds();
            }
        }
    }

    @Test
    void holdsWhenPostgresCrashes() throws Exception {
        try (CrashingPostgres server = new CrashingPostgres(directory);
                CrashWorld world = server.world(directory)) {
            int statements = world.statementsOfAnAppend();
            for (int statement = ALL ? 1 : statements; statement <= statements; statement++) {
                for (Moment moment : Moment.values()) {
                    Fault fault = world.appendDying(statement, moment, server::crash);
                    server.restart();
                    world.assertAnsweredAsItDied(fault, moment);
                    world.assertHolds();
                }
            }
            // Again while it is tried again.
            world.appendDying(statements, Moment.DURING, server::crash);
            server.restart();
            world.tryAgainDying(statements, Moment.AFTER, server::crash);
            server.restart();
            world.tryAgain();
            world.assertHolds();
        }
    }

    /** At each statement, and again at each of a second process that tries the same; a build does with the commit of that. */
    @Test
    void holdsWhenTheNodeIsKilled() throws Exception {
        try (CrashWorld world = CrashWorld.onSharedServer(directory)) {
            int first = 0;
            int second = 0;
            int killed;
            do {
                killed = killNodes(world, first + 1);
                first += killed > 0 ? 1 : 0;
                second += killed > 1 ? 1 : 0;
                assertThat(first).isLessThan(MOST_STATEMENTS);
                world.assertHolds();
            } while (killed > 0);
            assertThat(first).as("statements of an append").isGreaterThan(3);
            assertThat(second).as("killed at their commit").isGreaterThan(0);
        }
    }

    private static int killNodes(CrashWorld world, int statement) throws Exception {
        int killed = world.killNodes(statement, Moment.AFTER, CrashWorld::isCommitted);
        if (ALL && killed > 0) {
            for (Moment moment : Moment.values()) {
                world.killNodes(statement, moment, _ -> false);
            }
            for (int again = 1; again < MOST_OF_A_NEW_NODE; again++) {
                world.killNodes(statement, Moment.AFTER, at(again));
            }
            assertThat(world.killNodes(statement, Moment.AFTER, at(MOST_OF_A_NEW_NODE)))
                    .isLessThan(2);
        }
        return killed;
    }

    private static Predicate<List<String>> at(int statement) {
        return seen -> seen.size() == statement;
    }

    /** Every statement of an append, counted anew each time; it ends when an append has no such statement any more. */
    private static void sweep(CrashWorld world, Death death) throws Exception {
        Set<String> died = new LinkedHashSet<>();
        boolean any = true;
        for (int statement = 1; any; statement++) {
            any = false;
            for (Moment moment : Moment.values()) {
                Fault fault = world.appendDying(statement, moment, death);
                if (fault.hasHappened()) {
                    any = true;
                    died.add(fault.at());
                    world.assertAnsweredAsItDied(fault, moment);
                }
            }
            assertThat(statement).isLessThan(MOST_STATEMENTS);
            world.assertHolds();
        }
        assertThat(DECISIVE).allSatisfy(part -> assertThat(died).anyMatch(statement -> statement.contains(part)));
    }

    private static Set<String> sweepAhead(CrashWorld world, boolean behindAnother) throws Exception {
        Set<String> died = new LinkedHashSet<>();
        boolean any = true;
        for (int statement = 1; any; statement++) {
            any = false;
            for (Moment moment : Moment.values()) {
                Fault fault = world.appendAheadDying(statement, moment, behindAnother);
                if (fault.hasHappened()) {
                    any = true;
                    died.add(fault.at());
                    world.assertAheadAnsweredAsItDied(fault, moment);
                }
            }
            assertThat(statement).isLessThan(MOST_AHEAD);
            world.assertHolds();
        }
        assertThat(List.of("set_config", "INTO assize.ledger_entry", "INTO assize.ledger_idempotency", "COMMIT"))
                .allSatisfy(part -> assertThat(died).anyMatch(statement -> statement.contains(part)));
        return died;
    }
}
