/** The compiled policy of a tenant and its evaluation: pure, without I/O, clock, lock or logger. */
@NullMarked
package dev.assize.server.decision.evaluate;

import org.jspecify.annotations.NullMarked;
