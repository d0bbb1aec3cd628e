/** What may leave a ledger, and what keeps it: erasure of values beside entries, pruning into the archive, legal holds. */
@NullMarked
package dev.assize.server.retention;

import org.jspecify.annotations.NullMarked;
