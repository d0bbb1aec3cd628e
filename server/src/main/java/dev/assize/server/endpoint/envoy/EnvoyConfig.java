package dev.assize.server.endpoint.envoy;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Whether Envoy may ask.
 *
 * @param mappingFile what its requests ask for; null where it may not ask, and then the service is not there
 */
public record EnvoyConfig(@Nullable Path mappingFile) {}
