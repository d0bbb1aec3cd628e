package dev.assize.server.endpoint.authzen;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * By what address callers know this PDP.
 *
 * @param publicUrl `https://…` without query and fragment and without a `/` at the end; null where nobody said, and then
 *     there is no metadata
 */
public record AuthzenConfig(@Nullable String publicUrl) {

    public AuthzenConfig {
        if (publicUrl != null) {
            publicUrl = checked(publicUrl);
        }
    }

    private static String checked(String text) {
        String trimmed = text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
        URI url;
        try {
            url = URI.create(trimmed);
        } catch (IllegalArgumentException e) {
            throw refused(text);
        }
        if (!"https".equals(url.getScheme())
                || url.getHost() == null
                || url.getUserInfo() != null
                || url.getQuery() != null
                || url.getFragment() != null
                || !url.getPath().isEmpty()) {
            throw refused(text);
        }
        return trimmed;
    }

    private static IllegalArgumentException refused(String text) {
        return new IllegalArgumentException(
                "http.publicUrl is `" + text + "`: expected https://HOST or https://HOST:PORT without a path");
    }
}
