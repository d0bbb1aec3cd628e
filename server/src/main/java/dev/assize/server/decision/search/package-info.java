/** Questions that a check turns round: who may, on what, and what; the words they share with their callers. */
@NullMarked
package dev.assize.server.decision.search;

import org.jspecify.annotations.NullMarked;
