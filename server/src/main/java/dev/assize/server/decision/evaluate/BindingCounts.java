package dev.assize.server.decision.evaluate;

import java.util.Map;

/**
 * What a graph's bindings give. The number of a role stays with it from graph to graph, even when no binding gives it any
 * more.
 *
 * @param roleNumbers of the roles that some binding gives, or once gave; never changed
 * @param uses how many bindings give the role of each number; never changed
 * @param conditional how many bindings have a condition
 */
public record BindingCounts(Map<String, Integer> roleNumbers, int[] uses, int conditional) {}
