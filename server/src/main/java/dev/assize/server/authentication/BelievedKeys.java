package dev.assize.server.authentication;

/** Which keys that were verified lately may be believed without being found again. Never blocks: it is asked with each call. */
@FunctionalInterface
public interface BelievedKeys {

    /** All of them: they say themselves whom they authenticate, and that does not change. */
    BelievedKeys ALL = verified -> true;

    /** What it throws refuses the call. */
    boolean believes(ApiKey verified);
}
