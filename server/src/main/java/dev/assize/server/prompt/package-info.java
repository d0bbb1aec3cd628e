/** Work on threads that others wait for, and how it says that it would have to wait itself. */
@NullMarked
package dev.assize.server.prompt;

import org.jspecify.annotations.NullMarked;
