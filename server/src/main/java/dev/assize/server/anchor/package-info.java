/**
 * Signs the heads of ledgers, keeps them outside of the database, and lets nothing be appended behind what is kept there.
 */
@NullMarked
package dev.assize.server.anchor;

import org.jspecify.annotations.NullMarked;
