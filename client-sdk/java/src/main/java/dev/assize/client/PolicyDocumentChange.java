package dev.assize.client;

/**
 * A document that is not the same at two revisions.
 *
 * @param before its YAML; empty where it was not there
 * @param after its YAML; empty where it is not there
 */
public record PolicyDocumentChange(String kind, String name, String before, String after) {}
