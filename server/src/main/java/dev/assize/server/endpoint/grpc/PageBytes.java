package dev.assize.server.endpoint.grpc;

import com.google.protobuf.MessageLite;

/** What a page still takes: so much that every client reads it, and one item at least. */
final class PageBytes {

    /** Clients of gRPC take 4 MiB unless they are told otherwise. */
    static final int MOST = 3 << 20;

    private int taken;

    /** Whether the next item goes onto the page, as far as it is known then. */
    boolean takes(MessageLite item) {
        boolean fits = taken == 0 || taken + item.getSerializedSize() <= MOST;
        taken += fits ? item.getSerializedSize() : 0;
        return fits;
    }
}
