/** The rules of the house, as tests. */
@NullMarked
package dev.assize.server.house;

import org.jspecify.annotations.NullMarked;
