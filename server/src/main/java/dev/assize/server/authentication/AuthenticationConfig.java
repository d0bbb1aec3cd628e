package dev.assize.server.authentication;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How callers are authenticated.
 *
 * @param pepperFile the key that secrets are hashed under, outside the database
 * @param cacheTtl how long a verified credential is believed, and so within what a revocation bites everywhere
 * @param cacheSize verified credentials kept
 */
public record AuthenticationConfig(Path pepperFile, Duration cacheTtl, long cacheSize) {

    public static final Duration DEFAULT_CACHE_TTL = Duration.ofSeconds(5);
    public static final long DEFAULT_CACHE_SIZE = 10_000;

    /** A revocation must bite soon, whatever is configured. */
    public static final Duration MAX_CACHE_TTL = Duration.ofSeconds(60);

    public AuthenticationConfig {
        if (cacheTtl.isNegative() || cacheTtl.compareTo(MAX_CACHE_TTL) > 0) {
            throw new IllegalArgumentException(
                    "authentication.cacheTtl is `" + cacheTtl + "`: expected 0 to " + MAX_CACHE_TTL.toSeconds() + " s");
        }
        if (cacheSize < 0) {
            throw new IllegalArgumentException("authentication.cacheSize is `" + cacheSize + "`: expected 0 or more");
        }
    }

    /** With the pepper in the server's home directory. */
    public static AuthenticationConfig defaults(Path home) {
        return new AuthenticationConfig(home.resolve("pepper"), DEFAULT_CACHE_TTL, DEFAULT_CACHE_SIZE);
    }
}
