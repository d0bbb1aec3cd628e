package dev.assize.server.spool;

import dev.assize.server.model.Digest;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Keys of the records that a queue has on disk, and what they were used for. Guarded by the queue's lock. */
final class QueueKeys {

    /** Oldest first. */
    private final Map<String, Use> uses = new LinkedHashMap<>();

    /** What a key was used for; half of the digest tells one content from another. */
    private record Use(long number, long high, long low) {

        static Use of(long number, Digest content) {
            ByteBuffer bytes = ByteBuffer.wrap(content.bytes());
            return new Use(number, bytes.getLong(), bytes.getLong());
        }

        boolean isOf(Digest content) {
            return equals(of(number, content));
        }
    }

    void remember(String key, long number, Digest content) {
        uses.put(key, Use.of(number, content));
    }

    void forgetThrough(long number) {
        uses.values().removeIf(use -> use.number <= number);
    }

    boolean has(String key) {
        return uses.containsKey(key);
    }

    /** What to answer to a content that comes under a key; null where nothing is kept under it. */
    @Nullable
    SpoolAnswer answer(String key, Digest content) {
        Use use = uses.get(key);
        if (use == null) {
            return null;
        }
        return use.isOf(content) ? new SpoolAnswer.Known(use.number) : new SpoolAnswer.OtherContent();
    }
}
