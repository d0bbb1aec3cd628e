/** What every call passes, by whichever protocol it comes: who calls, what it may ask, and why it is refused. */
@NullMarked
package dev.assize.server.endpoint.call;

import org.jspecify.annotations.NullMarked;
