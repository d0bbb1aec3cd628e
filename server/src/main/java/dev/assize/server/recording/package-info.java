/** Decisions on record: packs them, has the ledger vouch for each pack, finds them again and proves each alone. */
@NullMarked
package dev.assize.server.recording;

import org.jspecify.annotations.NullMarked;
