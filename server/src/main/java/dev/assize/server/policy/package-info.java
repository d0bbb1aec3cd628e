/** Policy documents: what they say, how they are read from YAML, and what makes a set of them valid. Pure. */
@NullMarked
package dev.assize.server.policy;

import org.jspecify.annotations.NullMarked;
