package dev.assize.server.spool;

import dev.assize.server.model.Digest;
import dev.assize.server.spool.RecordFormat.Draft;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Records that are yet to be written, in the order in which they came. Guarded by the queue's lock. */
final class WaitingRecords {

    /** Records that are written together. */
    private static final int BATCH_BYTES = 1_024 * 1_024;

    /** Waiting to be written, and being written. */
    private static final int MOST_BYTES = 32 * 1_024 * 1_024;

    private final Deque<Pending> records = new ArrayDeque<>();

    /** Those with a key, until they are settled. */
    private final Map<String, Pending> keyed = new HashMap<>();

    private long bytes;

    /** A record and who waits for it. */
    record Pending(Draft draft, Digest content, CompletableFuture<SpoolAnswer> answer) {

        /** The answer to somebody who brings a content under the same key, once this one has its own. */
        CompletableFuture<SpoolAnswer> answerTo(Digest other) {
            return answer.thenApply(own -> content.equals(other) && own instanceof SpoolAnswer.Taken(long number)
                    ? new SpoolAnswer.Known(number)
                    : new SpoolAnswer.OtherContent());
        }
    }

    boolean hasRoomFor(Draft draft) {
        return bytes + draft.bytes() <= MOST_BYTES;
    }

    void add(Pending pending) {
        records.add(pending);
        bytes += pending.draft.bytes();
        if (pending.draft.key() != null) {
            keyed.put(pending.draft.key(), pending);
        }
    }

    /** What waits, or is being written, under a key. */
    @Nullable
    Pending under(String key) {
        return keyed.get(key);
    }

    /** Those that are to be written next, together; none where none waits. */
    List<Pending> take() {
        List<Pending> batch = new ArrayList<>();
        int taken = 0;
        for (Pending next = records.peek(); next != null; next = records.peek()) {
            taken += next.draft.bytes();
            if (!batch.isEmpty() && taken > BATCH_BYTES) {
                break;
            }
            batch.add(records.remove());
        }
        return batch;
    }

    /** It is written, or will not be. */
    void settle(Pending pending) {
        bytes -= pending.draft.bytes();
        if (pending.draft.key() != null) {
            keyed.remove(pending.draft.key());
        }
    }
}
