/** The vocabulary every room shares: names, limits and reasons, as values that cannot be malformed. */
@NullMarked
package dev.assize.server.model;

import org.jspecify.annotations.NullMarked;
