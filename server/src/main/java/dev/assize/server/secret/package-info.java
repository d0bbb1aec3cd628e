/** Files that the server keeps for itself: secrets that only their owner may read, and what only the owner may write. */
@NullMarked
package dev.assize.server.secret;

import org.jspecify.annotations.NullMarked;
