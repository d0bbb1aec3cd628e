/** The operator's HTTP port: meters, liveness and readiness; other paths are handed on. */
@NullMarked
package dev.assize.server.endpoint.operations;

import org.jspecify.annotations.NullMarked;
