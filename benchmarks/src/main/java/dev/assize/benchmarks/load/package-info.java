/** The load driver: servers and their client as processes on cores of their own, and what a call over the wire costs. */
@NullMarked
package dev.assize.benchmarks.load;

import org.jspecify.annotations.NullMarked;
