/** The operator's HTTP port: meters, liveness and readiness, and nothing else. */
@NullMarked
package dev.assize.server.endpoint.operations;

import org.jspecify.annotations.NullMarked;
