package dev.assize.server.endpoint.operations;

import java.util.Optional;
import java.util.function.Supplier;

/**
 * One thing that readiness tells about.
 *
 * @param name as readiness reports it
 * @param complaint why it is not well, as one line without secrets; empty where it is
 * @param required whether requests are to go elsewhere while it is not well; what only some requests need is told, but
 *     keeps nobody away
 */
public record ReadinessCheck(String name, Supplier<Optional<String>> complaint, boolean required) {

    /** Something that must be well before the server may be sent requests. */
    public ReadinessCheck(String name, Supplier<Optional<String>> complaint) {
        this(name, complaint, true);
    }
}
