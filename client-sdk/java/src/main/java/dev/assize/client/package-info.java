/** The client: asks before acting, records what was done, and fails closed. */
@NullMarked
package dev.assize.client;

import org.jspecify.annotations.NullMarked;
