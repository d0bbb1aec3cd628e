package dev.assize.server.authentication;

import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/**
 * A credential as it is kept: without its secret.
 *
 * @param caller whom it authenticates; its {@code keyId} is the lookup id
 * @param secretHash HMAC-SHA256 of the secret under the pepper
 * @param expiresAt excluded; null for no end
 * @param revokedAt null while valid
 * @param firstUsedAt of a break-glass key; null while it is sealed
 */
public record ApiKey(
        Caller caller,
        Digest secretHash,
        String description,
        Recorder createdBy,
        Instant createdAt,
        @Nullable Instant expiresAt,
        @Nullable Instant revokedAt,
        @Nullable Instant firstUsedAt) {

    /** For how long a break-glass key is good from its first use on. */
    public static final Duration BREAK_GLASS_WINDOW = Duration.ofHours(1);

    /** One of everyday, of which it is not kept when it was used. */
    public ApiKey(
            Caller caller,
            Digest secretHash,
            String description,
            Recorder createdBy,
            Instant createdAt,
            @Nullable Instant expiresAt,
            @Nullable Instant revokedAt) {
        this(caller, secretHash, description, createdBy, createdAt, expiresAt, revokedAt, null);
    }

    public boolean isValidAt(Instant now) {
        Instant until = usableUntil();
        return revokedAt == null
                && (expiresAt == null || now.isBefore(expiresAt))
                && (until == null || now.isBefore(until));
    }

    /** The same at this moment; of a key that has no end the clock is not asked, which takes long beside the rest. */
    public boolean isValidNow(InstantSource clock) {
        return (expiresAt == null && firstUsedAt == null) ? revokedAt == null : isValidAt(clock.instant());
    }

    /** Excluded; null for a key that was not used yet, or of which that does not matter. */
    public @Nullable Instant usableUntil() {
        return firstUsedAt == null ? null : firstUsedAt.plus(BREAK_GLASS_WINDOW);
    }

    /** The same, in use from then on unless it was before. */
    public ApiKey usedAt(Instant now) {
        return firstUsedAt != null
                ? this
                : new ApiKey(caller, secretHash, description, createdBy, createdAt, expiresAt, revokedAt, now);
    }
}
