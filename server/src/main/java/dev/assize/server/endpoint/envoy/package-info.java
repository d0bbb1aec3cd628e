/** Envoy's external authorization, version 3, on the gRPC port: maps HTTP requests to questions, and answers to HTTP. */
@NullMarked
package dev.assize.server.endpoint.envoy;

import org.jspecify.annotations.NullMarked;
