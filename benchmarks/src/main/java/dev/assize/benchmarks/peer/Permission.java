package dev.assize.benchmarks.peer;

/** One policy of the model: an action on resources of a type in an environment. */
public record Permission(String type, String action, String environment) {}
