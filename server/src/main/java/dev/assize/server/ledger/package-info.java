/** The ledger: one append-only chain of opaque frames for each tenant; appends, and verifies what was appended. */
@NullMarked
package dev.assize.server.ledger;

import org.jspecify.annotations.NullMarked;
