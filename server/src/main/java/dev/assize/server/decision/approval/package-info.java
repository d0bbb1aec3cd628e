/** Requests to approve an action, as a decision sees them: what was asked, under which rules, and who said what. Pure. */
@NullMarked
package dev.assize.server.decision.approval;

import org.jspecify.annotations.NullMarked;
