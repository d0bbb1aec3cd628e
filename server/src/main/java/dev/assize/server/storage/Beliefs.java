package dev.assize.server.storage;

import dev.assize.server.ledger.LedgerHead;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Where this node takes the heads of ledgers to stand: where its own last appends led to. A belief is worth a round trip
 * when it is right, and the database says when it is not.
 */
final class Beliefs {

    /** Ledgers that are remembered; of another one the head is read. */
    private static final int MOST = 10_000;

    /** Guarded by itself. The one that was not used for longest goes first. */
    private final Map<TenantId, Belief> beliefs = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<TenantId, Belief> eldest) {
            return size() > MOST;
        }
    };

    Belief of(TenantId tenant) {
        synchronized (beliefs) {
            return beliefs.computeIfAbsent(tenant, _ -> new Belief());
        }
    }

    /** Of one ledger. Guarded by itself. */
    static final class Belief {

        /** After a belief that was wrong: others append to the ledger, too. */
        private static final int WARY_APPENDS = 32;

        private static final Duration BEFORE_FIRST_LOOK = Duration.ofMinutes(1);
        private static final Duration BETWEEN_LOOKS = Duration.ofHours(1);

        private @Nullable LedgerHead head;
        private Course last = Course.ENDED;
        private int wary;
        private @Nullable Instant nextLook;

        /** Where the head is believed to stand; null where that is to be read. */
        @Nullable
        LedgerHead head() {
            return wary > 0 ? null : head;
        }

        /** Whether everything that was prepared has been written. */
        boolean isQuiet() {
            return last.ended.getCount() == 0;
        }

        /** What is prepared now comes behind what was prepared before, which it returns. */
        Course follow(Course next, @Nullable LedgerHead leadsTo) {
            Course before = last;
            last = next;
            head = leadsTo;
            wary = Math.max(0, wary - 1);
            return before;
        }

        /** What was written with the head locked led there. */
        void reached(Course course, LedgerHead there) {
            if (last == course) {
                head = there;
            }
        }

        /** Whether old answers were not looked for in a while, and whoever asks does now. */
        boolean mayHaveOldAnswers(Instant now) {
            Instant next = nextLook;
            boolean isDue = next != null && !now.isBefore(next);
            if (next == null || isDue) {
                nextLook = now.plus(next == null ? BEFORE_FIRST_LOOK : BETWEEN_LOOKS);
            }
            return isDue;
        }

        void wasWrong() {
            head = null;
            wary = WARY_APPENDS;
        }

        void isUnknown() {
            head = null;
        }
    }

    /**
     * How far an append is. Who waits with a connection waits for nobody without one: a pool whose every connection waited
     * for another one would stand still.
     */
    static final class Course {

        private static final Course ENDED = new Course();

        static {
            ENDED.ends();
        }

        private final CountDownLatch connected = new CountDownLatch(1);
        private final CountDownLatch settled = new CountDownLatch(1);
        private final CountDownLatch ended = new CountDownLatch(1);

        /** It has its connection. */
        void connects() {
            connected.countDown();
        }

        /** Whether its belief was right is decided. */
        void settles() {
            connects();
            settled.countDown();
        }

        void ends() {
            settles();
            ended.countDown();
        }

        void awaitConnected() {
            await(connected);
        }

        void awaitSettled() {
            await(settled);
        }

        void awaitEnded() {
            await(ended);
        }

        private static void await(CountDownLatch latch) {
            try {
                latch.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new StoreUnavailableException("interrupted; nothing was appended", e);
            }
        }
    }
}
