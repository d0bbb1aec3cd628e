package dev.assize.server.endpoint.operations;

import java.util.Optional;
import java.util.function.Supplier;

/**
 * One thing that readiness tells of.
 *
 * @param name as readiness reports it
 * @param complaint why it is not well, as one line without secrets; empty where it is
 * @param required whether the server may be sent requests only where it is well
 */
public record ReadinessCheck(String name, Supplier<Optional<String>> complaint, boolean required) {

    /** Something that must be well before the server may be sent requests. */
    public ReadinessCheck(String name, Supplier<Optional<String>> complaint) {
        this(name, complaint, true);
    }

    /** Something that an operator must look at, and that sending requests elsewhere would not mend. */
    public static ReadinessCheck ofNotice(String name, Supplier<Optional<String>> complaint) {
        return new ReadinessCheck(name, complaint, false);
    }
}
