package dev.assize.server.endpoint.call;

import dev.assize.server.model.Digest;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/**
 * What a connection presented last by which somebody was let in, with its digest: nearly all present the same with every call,
 * and need no other digest for it. Whom that authenticates is not kept, and is asked with each call, as it may have ended. It
 * goes with the connection, whose tables of headers hold the same text for as long.
 */
public final class Presented {

    private @Nullable Known known;

    /** Of a header that is the same to the last byte, found out in a time that does not depend on how much of it is; else null. */
    @Nullable
    Digest digestOf(byte[] header) {
        Known last = known;
        return last != null && MessageDigest.isEqual(last.header, header) ? last.digest : null;
    }

    void remember(byte[] header, Digest digest) {
        known = new Known(header, digest);
    }

    /** Unchangeable, as calls of one connection may be on several threads. */
    private static final class Known {

        private final byte[] header;
        private final Digest digest;

        Known(byte[] header, Digest digest) {
            this.header = header;
            this.digest = digest;
        }
    }
}
