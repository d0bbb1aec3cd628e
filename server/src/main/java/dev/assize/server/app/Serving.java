package dev.assize.server.app;

import java.util.Optional;

/** Whether the server takes calls: from the end of its start to the beginning of its stop. */
final class Serving {

    private volatile boolean serving;

    void set(boolean serving) {
        this.serving = serving;
    }

    Optional<String> complaint() {
        return serving ? Optional.empty() : Optional.of("starting or stopping");
    }
}
