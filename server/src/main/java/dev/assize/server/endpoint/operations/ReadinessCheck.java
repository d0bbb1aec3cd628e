package dev.assize.server.endpoint.operations;

import java.util.Optional;
import java.util.function.Supplier;

/**
 * One thing that must be well before the server may be sent requests.
 *
 * @param name as readiness reports it
 * @param complaint why it is not well, as one line without secrets; empty where it is
 */
public record ReadinessCheck(String name, Supplier<Optional<String>> complaint) {}
