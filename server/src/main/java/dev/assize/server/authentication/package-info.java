/** Who calls: turns a credential into a caller, and nothing else. */
@NullMarked
package dev.assize.server.authentication;

import org.jspecify.annotations.NullMarked;
