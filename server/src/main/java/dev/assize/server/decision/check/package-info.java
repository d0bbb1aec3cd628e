/** A question to the PDP and what it answers: the words that the engine, its service and its callers share. */
@NullMarked
package dev.assize.server.decision.check;

import org.jspecify.annotations.NullMarked;
