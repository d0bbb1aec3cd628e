package dev.assize.server.endpoint.call;

import io.grpc.BindableService;

/**
 * A service of another protocol on the gRPC port. It lets its calls in itself, by {@link Admission}, so that it can say in
 * its own words who is refused; its calls begin where nothing may wait, if they are short.
 */
public interface GuestService extends BindableService {}
