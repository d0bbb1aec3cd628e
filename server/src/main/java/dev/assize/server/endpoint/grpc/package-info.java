/** The gRPC door: authenticates callers, translates requests and answers, maps errors, and decides nothing. */
@NullMarked
package dev.assize.server.endpoint.grpc;

import org.jspecify.annotations.NullMarked;
