package dev.assize.server.endpoint.grpc;

import dev.assize.server.endpoint.call.Presented;
import io.grpc.Attributes;
import io.grpc.ServerCall;
import io.grpc.ServerTransportFilter;

/** Gives each connection a place for what is kept of it as long as it is open. */
final class Connections extends ServerTransportFilter {

    private static final Attributes.Key<Presented> PRESENTED = Attributes.Key.create("assize-presented");

    /** What the call's connection presented before it; nothing where it is of none that passed here. */
    static Presented presentedBefore(ServerCall<?, ?> call) {
        Presented before = call.getAttributes().get(PRESENTED);
        return before == null ? new Presented() : before;
    }

    @Override
    public Attributes transportReady(Attributes attributes) {
        return attributes.toBuilder().set(PRESENTED, new Presented()).build();
    }
}
