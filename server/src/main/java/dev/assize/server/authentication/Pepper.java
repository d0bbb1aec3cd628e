package dev.assize.server.authentication;

import dev.assize.server.model.Digest;
import dev.assize.server.secret.OwnedFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The server's own secret, kept in a file outside the database: what is stored there proves nothing without it. The
 * file holds 64 hexadecimal digits and is readable by its owner only; every node on one database has the same.
 */
public final class Pepper {

    private static final int LENGTH = 32;
    private static final String ALGORITHM = "HmacSHA256";

    /** Keyed, and only ever cloned: to key it is half of what a digest of something short costs. */
    private final Mac keyed;

    private Pepper(byte[] secret) {
        try {
            this.keyed = Mac.getInstance(ALGORITHM);
            keyed.init(new SecretKeySpec(secret, ALGORITHM));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has " + ALGORITHM, e);
        }
    }

    /** Reads the file; makes it, and its directory, where there is none. Refuses one that others may read. */
    public static Pepper open(Path path) {
        OwnedFile file = OwnedFile.secret(path);
        if (!file.exists()) {
            byte[] secret = new byte[LENGTH];
            new SecureRandom().nextBytes(secret);
            file.write(HexFormat.of().formatHex(secret));
        }
        String text = file.read();
        if (!text.matches("[0-9a-f]{" + 2 * LENGTH + "}")) {
            throw file.isNo("pepper", 2 * LENGTH + " hexadecimal digits");
        }
        return new Pepper(HexFormat.of().parseHex(text));
    }

    /** A pepper of one's own, for tests and tools. */
    public static Pepper of(byte[] secret) {
        if (secret.length != LENGTH) {
            throw new IllegalArgumentException("A pepper has " + LENGTH + " bytes");
        }
        return new Pepper(secret.clone());
    }

    /** HMAC-SHA256 of the parts, one after the other. */
    public Digest mac(byte[]... parts) {
        try {
            Mac mac = (Mac) keyed.clone();
            for (byte[] part : parts) {
                mac.update(part);
            }
            return Digest.of(mac.doFinal());
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("The platform's " + ALGORITHM + " can be cloned", e);
        }
    }

    /** HMAC-SHA256 for another purpose than secrets: no value of one purpose is one of another. */
    public Digest mac(String purpose, byte[] message) {
        return mac(purpose.getBytes(StandardCharsets.UTF_8), new byte[] {0}, message);
    }
}
