/** Spans around the client's calls, by OpenTelemetry where it is there. */
@NullMarked
package dev.assize.client.tracing;

import org.jspecify.annotations.NullMarked;
