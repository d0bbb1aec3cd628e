package dev.assize.server.endpoint.authzen;

import dev.assize.server.model.TenantId;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * By what address callers know this PDP, and what it offers beyond AuthZEN itself.
 *
 * @param publicUrl `https://…` without query and fragment and without a `/` at the end; null where nobody said, and then
 *     there is no metadata
 * @param accessRequests whether denials for want of an approval say how to ask for it; needs the address
 */
public record AuthzenConfig(@Nullable String publicUrl, boolean accessRequests) {

    public AuthzenConfig {
        if (publicUrl != null) {
            publicUrl = checked(publicUrl);
        } else if (accessRequests) {
            throw new IllegalArgumentException(
                    "authzen.accessRequests without http.publicUrl: expected the address by which callers come");
        }
    }

    /** What the paths of a tenant begin with. */
    String base(@Nullable TenantId tenant) {
        return identifier(tenant) + "/access/v1/";
    }

    /** The PDP that a tenant sees. */
    String identifier(@Nullable TenantId tenant) {
        return tenant == null ? String.valueOf(publicUrl) : publicUrl + "/" + tenant;
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
