package dev.assize.server.decision.approval;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Where a request stands, and for how long.
 *
 * @param until when it stops waiting, or its approval runs out; null where it is over
 */
public record Standing(ApprovalState state, @Nullable Instant until) {}
