/** Compiles policy documents into a graph that answers without them. Pure. */
@NullMarked
package dev.assize.server.decision.compile;

import org.jspecify.annotations.NullMarked;
