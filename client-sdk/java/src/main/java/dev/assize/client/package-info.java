/**
 * The Java client: ask before acting, record what was done, have the record verified. It fails closed: whatever is not
 * a clear allow is a deny that says why.
 *
 * <p>Start at {@link dev.assize.client.AssizeClient}.
 */
@NullMarked
package dev.assize.client;

import org.jspecify.annotations.NullMarked;
