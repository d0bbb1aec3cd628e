/**
 * Doors: what asks before something is done and stops it where that is not allowed. Whatever is not mapped to a question is
 * denied.
 */
@NullMarked
package dev.assize.client.enforcement;

import org.jspecify.annotations.NullMarked;
