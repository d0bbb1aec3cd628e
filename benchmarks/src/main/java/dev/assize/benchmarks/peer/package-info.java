/** Engines of others, asked beside ours about one generated model. */
@NullMarked
package dev.assize.benchmarks.peer;

import org.jspecify.annotations.NullMarked;
