package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What gRPC's health is told. */
@Timeout(30)
class ServingHealthTest {

    private final AtomicBoolean policyIsFresh = new AtomicBoolean(true);
    private final AtomicBoolean databaseAnswers = new AtomicBoolean(true);
    private final AtomicReference<@Nullable RuntimeException> fault = new AtomicReference<>();
    private final BlockingQueue<Told> told = new LinkedBlockingQueue<>();
    private final ServingHealth health = new ServingHealth(
            (decisions, others) -> told.add(new Told(decisions, others)), policyIsFresh::get, this::databaseAnswers);

    @AfterEach
    void close() {
        health.close();
    }

    @Test
    void nothingServesWhilePolicyIsNotConfirmed() throws Exception {
        policyIsFresh.set(false);
        health.start();

        awaitTold(new Told(false, true));
    }

    @Test
    void decisionsAreServedWithoutADatabaseAndNothingElseIs() throws Exception {
        health.start();
        awaitTold(new Told(true, true));

        databaseAnswers.set(false);
        awaitTold(new Told(true, false));
        databaseAnswers.set(true);
        awaitTold(new Told(true, true));
    }

    @Test
    void aLookThatFailsIsNotWellAndNotTheLast() throws Exception {
        fault.set(new IllegalStateException("shown"));
        health.start();
        awaitTold(new Told(true, false));

        fault.set(null);
        awaitTold(new Told(true, true));
    }

    private boolean databaseAnswers() {
        RuntimeException broken = fault.get();
        if (broken != null) {
            throw broken;
        }
        return databaseAnswers.get();
    }

    private void awaitTold(Told expected) throws InterruptedException {
        Told next = told.poll(20, TimeUnit.SECONDS);
        while (!expected.equals(next)) {
            assertThat(next).as("before %s", expected).isNotNull();
            next = told.poll(20, TimeUnit.SECONDS);
        }
    }

    private record Told(boolean decisions, boolean others) {}
}
