/** Forwards what a sidecar spools to the ledger it belongs in: in order, each record once, until the ledger has it. */
@NullMarked
package dev.assize.server.upstream.forward;

import org.jspecify.annotations.NullMarked;
