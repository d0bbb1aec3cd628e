package dev.assize.server.authentication;

import dev.assize.server.model.TenantId;

/** The home of a key that was to be made is a tenant that was deleted. Nothing was made. */
public final class TenantGoneException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public TenantGoneException(TenantId home) {
        super("tenant `" + home + "` was deleted");
    }
}
