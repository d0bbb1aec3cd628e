package dev.assize.benchmarks.load;

import com.google.protobuf.ByteString;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * When changes of policy, one after the other, had come to each of many listeners. A state stands for every change up to it:
 * who is told of two changes at once has both.
 */
final class FanOut {

    private final long revisionBefore;
    private final long[] sentNanos;
    private final long[] answeredNanos;

    /** By listener and change; written by the one thread that hears the listener. */
    private final long[][] heardNanos;

    /** Listeners that have each change. */
    private final AtomicIntegerArray heard;

    private final Map<Long, ByteString> digests = new ConcurrentHashMap<>();
    private final LongAdder disagreements = new LongAdder();

    /** @param revisionBefore the one that the first change leads from */
    FanOut(int listeners, int changes, long revisionBefore) {
        this.revisionBefore = revisionBefore;
        this.sentNanos = new long[changes];
        this.answeredNanos = new long[changes];
        this.heardNanos = new long[listeners][changes];
        this.heard = new AtomicIntegerArray(changes);
    }

    void sent(int change, long nanos) {
        sentNanos[change] = nanos;
    }

    void answered(int change, long nanos) {
        answeredNanos[change] = nanos;
    }

    /** A listener, at one revision until now, has come to another. */
    void heard(int listener, long before, long revision, ByteString digest, long nanos) {
        ByteString known = digests.putIfAbsent(revision, digest);
        if (known != null && !known.equals(digest)) {
            disagreements.increment();
        }
        long first = Math.max(before, revisionBefore) + 1;
        long last = Math.min(revision, revisionBefore + sentNanos.length);
        for (long each = first; each <= last; each++) {
            int change = (int) (each - revisionBefore - 1);
            heardNanos[listener][change] = nanos;
            heard.incrementAndGet(change);
        }
    }

    /** Whether every listener has the change. */
    boolean isEverywhere(int change) {
        return heard.get(change) == heardNanos.length;
    }

    /** Changes that listeners have not heard of, each counted for itself. */
    long missing() {
        long missing = 0;
        for (int change = 0; change < sentNanos.length; change++) {
            missing += heardNanos.length - heard.get(change);
        }
        return missing;
    }

    /** States that were not told alike to all. */
    long disagreements() {
        return disagreements.sum();
    }

    /** From when a change was asked for until a listener had it. */
    Latencies sinceSent() {
        return since(sentNanos);
    }

    /** From when a change was answered, which is after its commit; 0 for those who had it sooner. */
    Latencies sinceAnswered() {
        return since(answeredNanos);
    }

    /** From when a change was asked for until it was answered. */
    Latencies answers() {
        Latencies latencies = new Latencies();
        for (int change = 0; change < sentNanos.length; change++) {
            if (answeredNanos[change] != 0) {
                latencies.record(answeredNanos[change] - sentNanos[change]);
            }
        }
        return latencies;
    }

    private Latencies since(long[] nanos) {
        Latencies latencies = new Latencies();
        for (long[] listener : heardNanos) {
            for (int change = 0; change < listener.length; change++) {
                if (listener[change] != 0 && nanos[change] != 0) {
                    latencies.record(listener[change] - nanos[change]);
                }
            }
        }
        return latencies;
    }
}
