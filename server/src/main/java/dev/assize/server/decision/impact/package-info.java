/** What a change of policy will do to answers, before it is made: two graphs compared where the change touches them. */
@NullMarked
package dev.assize.server.decision.impact;

import org.jspecify.annotations.NullMarked;
