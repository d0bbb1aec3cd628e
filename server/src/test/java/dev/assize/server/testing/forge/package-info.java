/**
 * Bundles of ledgers, right or wrong, made from {@code docs/ledger-format.md} alone: nothing here verifies what it makes, and
 * the same recipe makes the same bytes.
 */
@NullMarked
package dev.assize.server.testing.forge;

import org.jspecify.annotations.NullMarked;
