/** The patrol: every ledger is verified again and again, without anybody asking. */
@NullMarked
package dev.assize.server.verification;

import org.jspecify.annotations.NullMarked;
