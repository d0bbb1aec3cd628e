package dev.assize.server.decision;

import dev.assize.server.decision.evaluate.DecisionGraph;
import java.time.Instant;

/**
 * When a question is judged, and from what.
 *
 * @param now the moment that is judged
 * @param committedBy up to which history and approvals count
 * @param past whether the question is about the past
 */
record Moment(DecisionGraph graph, Instant now, Instant committedBy, boolean past) {}
