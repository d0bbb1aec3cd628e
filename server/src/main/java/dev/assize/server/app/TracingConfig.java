package dev.assize.server.app;

import java.net.URI;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whether calls are traced.
 *
 * @param collector what takes the spans, as OTLP over HTTP; null where none are made
 * @param sampleRatio how many of the calls that are part of no trace yet begin one, from 0 to 1; a call that is part of one is
 *     traced where its caller traces it
 */
record TracingConfig(@Nullable URI collector, double sampleRatio) {

    private static final String TRACES = "/v1/traces";

    TracingConfig {
        if (collector != null
                && (!Set.of("http", "https").contains(String.valueOf(collector.getScheme()))
                        || collector.getHost() == null
                        || collector.getUserInfo() != null
                        || collector.getQuery() != null
                        || collector.getFragment() != null)) {
            throw new IllegalArgumentException(
                    "tracing.endpoint: expected the collector's address as http://host:4318 or https://host");
        }
        if (!(sampleRatio >= 0 && sampleRatio <= 1)) {
            throw new IllegalArgumentException("tracing.sampleRatio is `" + sampleRatio + "`: expected 0 to 1");
        }
    }

    /** Without any. */
    static TracingConfig off() {
        return new TracingConfig(null, 0.01);
    }

    /** Where spans are sent to: the path is the usual one where the address has none. */
    static String traces(URI collector) {
        String path = collector.getPath();
        return path == null || path.isEmpty() || path.equals("/")
                ? collector.resolve(TRACES).toString()
                : collector.toString();
    }
}
