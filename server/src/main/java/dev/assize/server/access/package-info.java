/** What a caller may ask of Assize itself, decided by the same engine under the policy of tenant `assize`. */
@NullMarked
package dev.assize.server.access;

import org.jspecify.annotations.NullMarked;
