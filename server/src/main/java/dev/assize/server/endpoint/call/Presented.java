package dev.assize.server.endpoint.call;

import dev.assize.server.model.Digest;
import java.lang.ref.WeakReference;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/**
 * What a connection presented last by which somebody was let in, with its digest: nearly all present the same with every call,
 * and need no other digest for it. Whom that authenticates is not kept, and is asked with each call, as it may have ended. The
 * header itself is kept for no longer than the collector leaves it: a dump of the heap has no secret by this.
 */
public final class Presented {

    private @Nullable Known known;

    /** Of a header that is the same to the last byte, found out in a time that does not depend on how much of it is; else null. */
    @Nullable
    Digest digestOf(byte[] header) {
        Known last = known;
        if (last == null) {
            return null;
        }
        byte[] lastHeader = last.header.get();
        return lastHeader != null && MessageDigest.isEqual(lastHeader, header) ? last.digest : null;
    }

    void remember(byte[] header, Digest digest) {
        known = new Known(header, digest);
    }

    /** Unchangeable, as calls of one connection may be on several threads. */
    private static final class Known {

        private final WeakReference<byte[]> header;
        private final Digest digest;

        Known(byte[] header, Digest digest) {
            this.header = new WeakReference<>(header);
            this.digest = digest;
        }
    }
}
