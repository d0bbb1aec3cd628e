/** The witness mode: signs that logs of others continue what it saw of them before, and keeps what it saw. */
@NullMarked
package dev.assize.server.app.witness;

import org.jspecify.annotations.NullMarked;
