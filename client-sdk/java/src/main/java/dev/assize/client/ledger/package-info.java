/**
 * Verifies a ledger without trusting the server that keeps it. Usable by itself: needs nothing but the JDK, and shares
 * no code with the server; both were written from the page on the ledger format.
 */
@NullMarked
package dev.assize.client.ledger;

import org.jspecify.annotations.NullMarked;
