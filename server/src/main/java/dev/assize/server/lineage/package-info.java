/** Lineage: who read and wrote a record, what it was derived from, and what was derived from it. */
@NullMarked
package dev.assize.server.lineage;

import org.jspecify.annotations.NullMarked;
