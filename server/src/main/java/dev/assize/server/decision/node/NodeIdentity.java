package dev.assize.server.decision.node;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;

/**
 * Who this server process is among those on one database.
 *
 * @param instanceId another one at each start
 * @param name what operators call it, for example its host and port
 * @param freshnessBound after how long without the database it answers no more
 */
public record NodeIdentity(String instanceId, String name, Duration freshnessBound) {

    public static final int NAME_BYTES = 256;

    private static final int ID_BYTES = 16;

    /** A process that has just begun. */
    public static NodeIdentity starting(String name, Duration freshnessBound) {
        byte[] id = new byte[ID_BYTES];
        new SecureRandom().nextBytes(id);
        return new NodeIdentity(HexFormat.of().formatHex(id), name, freshnessBound);
    }
}
