/** The Merkle tree of RFC 6962 over leaf hashes: growing it, cutting it into tiles, and proofs from tiles; pure. */
@NullMarked
package dev.assize.server.ledger.merkle;

import org.jspecify.annotations.NullMarked;
