package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
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
    private final AtomicReference<@Nullable Throwable> fault = new AtomicReference<>();
    private volatile CountDownLatch silence = new CountDownLatch(0);
    private final BlockingQueue<Told> told = new LinkedBlockingQueue<>();
    private final ServingHealth health = new ServingHealth(
            (decisions, others) -> told.add(new Told(decisions, others)),
            policyIsFresh::get,
            this::databaseAnswers,
            Duration.ofMillis(100));

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
    void aDatabaseThatSaysNothingIsNotWellThoughItWasTheLastTime() throws Exception {
        health.start();
        awaitTold(new Told(true, true));

        CountDownLatch silent = new CountDownLatch(1);
        silence = silent;
        awaitTold(new Told(true, false));
        assertThat(silent.getCount()).as("still nothing was said").isOne();

        silence = new CountDownLatch(0);
        silent.countDown();
        awaitTold(new Told(true, true));
    }

    @Test
    void aStartWaitsNoLongerForADatabaseThatSaysNothing() throws Exception {
        CountDownLatch silent = new CountDownLatch(1);
        silence = silent;
        Thread start = Thread.ofVirtual().start(health::start);
        assertThat(start.join(Duration.ofSeconds(10))).isTrue();
        awaitTold(new Told(true, false));
        assertThat(silent.getCount()).as("still nothing was said").isOne();

        silent.countDown();
        awaitTold(new Told(true, true));
    }

    @Test
    void aLookThatFailsIsNotWellAndNotTheLast() throws Exception {
        fault.set(new IllegalStateException("shown"));
        health.start();
        awaitTold(new Told(true, false));

        fault.set(null);
        awaitTold(new Told(true, true));
        fault.set(new NoClassDefFoundError("shown"));
        awaitTold(new Told(true, false));
        fault.set(null);
        awaitTold(new Told(true, true));
    }

    private boolean databaseAnswers() {
        try {
            silence.await();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
        switch (fault.get()) {
            case null -> {}
            case RuntimeException broken -> throw broken;
            case Error broken -> throw broken;
            case Throwable other -> throw new AssertionError(other);
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
