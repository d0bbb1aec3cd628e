/** Rebuilds a policy from what its ledger tells of it. Pure: it is handed the entries, and never sees the stored policy. */
@NullMarked
package dev.assize.server.policy.replay;

import org.jspecify.annotations.NullMarked;
