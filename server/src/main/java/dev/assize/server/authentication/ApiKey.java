package dev.assize.server.authentication;

import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A credential as it is kept: without its secret.
 *
 * @param caller whom it authenticates; its {@code keyId} is the lookup id
 * @param secretHash HMAC-SHA256 of the secret under the pepper
 * @param expiresAt excluded; null for no end
 * @param revokedAt null while valid
 */
public record ApiKey(
        Caller caller,
        Digest secretHash,
        String description,
        Recorder createdBy,
        Instant createdAt,
        @Nullable Instant expiresAt,
        @Nullable Instant revokedAt) {

    public boolean isValidAt(Instant now) {
        return revokedAt == null && (expiresAt == null || now.isBefore(expiresAt));
    }
}
