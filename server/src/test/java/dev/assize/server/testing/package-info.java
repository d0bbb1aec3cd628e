/** Fixtures that tests of several rooms share. */
@NullMarked
package dev.assize.server.testing;

import org.jspecify.annotations.NullMarked;
