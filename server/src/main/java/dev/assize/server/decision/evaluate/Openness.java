package dev.assize.server.decision.evaluate;

/**
 * What of a question stands for many.
 *
 * @param subject it is anybody whom policy does not name
 * @param subjectType and of any type that policy does not name
 * @param resource it is anything of the type, or of the type under a path, that policy does not name
 * @param resourceType and of any type that policy does not name
 * @param action it is any that policy does not name
 */
public record Openness(boolean subject, boolean subjectType, boolean resource, boolean resourceType, boolean action) {}
