/** Speaks to witnesses (C2SP tlog-witness): who else signs that a log only ever grew. */
@NullMarked
package dev.assize.server.anchor.witness;

import org.jspecify.annotations.NullMarked;
