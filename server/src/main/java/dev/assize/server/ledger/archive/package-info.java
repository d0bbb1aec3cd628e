/** Where entries are kept that the database no longer holds: the port, and a directory that is one. */
@NullMarked
package dev.assize.server.ledger.archive;

import org.jspecify.annotations.NullMarked;
