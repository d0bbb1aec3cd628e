@NullMarked
package dev.assize.client.testing;

import org.jspecify.annotations.NullMarked;
