@NullMarked
package dev.assize.client.tracing;

import org.jspecify.annotations.NullMarked;
