package dev.assize.server.anchor;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A place outside of the database for a few small objects, shared by all nodes. Whoever can change the database should
 * not be able to change it. Each call is one step, durable when it returns.
 */
public interface OutsideStore {

    /**
     * An object as it stands there.
     *
     * @throws OutsideUnavailableException where the place cannot be reached, as from every method here
     */
    Optional<Versioned> read(String name);

    /** Puts an object that is never replaced: its name says what is in it, so putting it again changes nothing. */
    void put(String name, byte[] content);

    /**
     * Replaces an object if nobody else has done so since it was read.
     *
     * @param version as it was read; null where there was none
     * @return its new version; empty where somebody else has, and nothing was replaced
     */
    Optional<String> replace(String name, @Nullable String version, byte[] content);

    /** Removes an object that nobody needs any more. One that is not there, or must be kept, is no error. */
    void remove(String name);

    /** Where it is, for the operator. */
    String describe();

    /**
     * An object and which one it is.
     *
     * @param version differs whenever the content does
     */
    record Versioned(String version, byte[] content) {}
}
