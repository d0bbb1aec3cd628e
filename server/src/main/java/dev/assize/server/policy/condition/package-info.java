/** Conditions in CEL: their attributes' types, their compilation within bounds, and their evaluation. Pure. */
@NullMarked
package dev.assize.server.policy.condition;

import org.jspecify.annotations.NullMarked;
