package dev.assize.server.endpoint.grpc;

import io.grpc.BindableService;
import io.grpc.ServerServiceDefinition;
import java.util.List;
import java.util.stream.Stream;

/** The services of ours that this server serves. */
record Endpoints(List<ServerServiceDefinition> services) {

    Endpoints {
        services = List.copyOf(services);
    }

    static Endpoints of(BindableService... services) {
        return new Endpoints(
                Stream.of(services).map(BindableService::bindService).toList());
    }
}
