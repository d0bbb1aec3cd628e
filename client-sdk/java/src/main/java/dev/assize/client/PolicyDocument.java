package dev.assize.client;

/**
 * A document of a policy.
 *
 * @param yaml in its canonical layout
 */
public record PolicyDocument(String kind, String name, String yaml) {}
