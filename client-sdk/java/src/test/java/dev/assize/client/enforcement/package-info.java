@NullMarked
package dev.assize.client.enforcement;

import org.jspecify.annotations.NullMarked;
