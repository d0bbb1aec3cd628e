/** The spool: queues on disk of what is to be appended to ledgers elsewhere, each kept in order and not lost by a crash. */
@NullMarked
package dev.assize.server.spool;

import org.jspecify.annotations.NullMarked;
