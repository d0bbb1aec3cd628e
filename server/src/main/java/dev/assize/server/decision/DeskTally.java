package dev.assize.server.decision;

import dev.assize.server.model.Reason;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What one desk did. Its thread alone counts, so that to count is to write and no more; whoever reads sees what is
 * nearly the newest, and the sum once the thread is idle.
 */
final class DeskTally implements DeskCounts {

    private final Map<Reason, AtomicLong> decided = new EnumMap<>(Reason.class);
    private final AtomicLong hits = new AtomicLong();

    DeskTally() {
        for (Reason reason : Reason.values()) {
            decided.put(reason, new AtomicLong());
        }
    }

    @Override
    public void decide(Reason reason, int times) {
        count(ofReason(reason), times);
    }

    @Override
    public void hit() {
        count(hits, 1);
    }

    private static void count(AtomicLong counter, int times) {
        counter.setOpaque(counter.getPlain() + times);
    }

    long decided(Reason reason) {
        return ofReason(reason).getOpaque();
    }

    long hits() {
        return hits.getOpaque();
    }

    private AtomicLong ofReason(Reason reason) {
        return Objects.requireNonNull(decided.get(reason));
    }
}
