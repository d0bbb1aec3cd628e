/** Worlds that people know from what others published, each with the answers that plain code gives. */
@NullMarked
package dev.assize.benchmarks.world;

import org.jspecify.annotations.NullMarked;
