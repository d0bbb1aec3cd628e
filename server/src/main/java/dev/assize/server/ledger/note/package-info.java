/** Checkpoints as C2SP signed notes: writes and signs them, keeps the keys, and reads back what it signed. */
@NullMarked
package dev.assize.server.ledger.note;

import org.jspecify.annotations.NullMarked;
