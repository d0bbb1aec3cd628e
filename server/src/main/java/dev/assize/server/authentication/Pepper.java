package dev.assize.server.authentication;

import dev.assize.server.model.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The server's own secret, kept in a file outside the database: what is stored there proves nothing without it. The
 * file holds 64 hexadecimal digits and is readable by its owner only; every node on one database has the same.
 */
public final class Pepper {

    private static final int LENGTH = 32;
    private static final String ALGORITHM = "HmacSHA256";
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");
    private static final Set<PosixFilePermission> OWNER_ONLY_DIRECTORY = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> WRITABLE_BY_OTHERS =
            EnumSet.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

    private final SecretKeySpec key;

    private Pepper(byte[] secret) {
        this.key = new SecretKeySpec(secret, ALGORITHM);
    }

    /** Reads the file; makes it, and its directory, where there is none. Refuses one that others may read. */
    public static Pepper open(Path file) {
        try {
            Path path = file.toAbsolutePath();
            if (Files.notExists(path, LinkOption.NOFOLLOW_LINKS)) {
                create(path);
            }
            requireOwnerOnly(path);
            return new Pepper(read(path));
        } catch (NoSuchFileException e) {
            throw new PepperException("cannot create `" + file + "`: no such directory", e);
        } catch (IOException e) {
            throw new PepperException("cannot read or create the pepper file `" + file + "`: " + e.getMessage(), e);
        }
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
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            for (byte[] part : parts) {
                mac.update(part);
            }
            return Digest.of(mac.doFinal());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has " + ALGORITHM, e);
        }
    }

    /** HMAC-SHA256 for another purpose than secrets: no value of one purpose is one of another. */
    public Digest mac(String purpose, byte[] message) {
        return mac(purpose.getBytes(StandardCharsets.UTF_8), new byte[] {0}, message);
    }

    private static void create(Path file) throws IOException {
        Path directory = file.getParent();
        if (directory != null && Files.notExists(directory)) {
            Files.createDirectories(directory, attribute(directory, OWNER_ONLY_DIRECTORY));
        }
        byte[] secret = new byte[LENGTH];
        new SecureRandom().nextBytes(secret);
        Path draft = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(draft);
        write(draft, HexFormat.of().formatHex(secret) + "\n", attribute(file, OWNER_ONLY));
        // Whole or not at all: a crash on the way must not leave a shorter secret behind.
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void write(Path file, String text, FileAttribute<?>... attributes) throws IOException {
        Set<StandardOpenOption> options = EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (FileChannel channel = FileChannel.open(file, options, attributes)) {
            ByteBuffer bytes = StandardCharsets.US_ASCII.encode(text);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
    }

    private static FileAttribute<?>[] attribute(Path file, Set<PosixFilePermission> permissions) {
        return isPosix(file)
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)}
                : new FileAttribute<?>[0];
    }

    private static void requireOwnerOnly(Path file) throws IOException {
        if (!isPosix(file)) {
            return;
        }
        Set<PosixFilePermission> found = Files.getPosixFilePermissions(file);
        if (!OWNER_ONLY.containsAll(found)) {
            throw new PepperException("`" + file + "` has mode " + PosixFilePermissions.toString(found)
                    + ": expected rw------- (0600), readable by its owner only; run `chmod 600 " + file + "`");
        }
        Path directory = file.getParent();
        if (directory != null) {
            Set<PosixFilePermission> around = EnumSet.copyOf(Files.getPosixFilePermissions(directory));
            String mode = PosixFilePermissions.toString(around);
            if (around.removeAll(WRITABLE_BY_OTHERS)) {
                throw new PepperException("`" + directory + "` has mode " + mode
                        + ": expected rwx------ (0700), others could replace the pepper in it; run `chmod 700 "
                        + directory + "`");
            }
        }
    }

    private static byte[] read(Path file) throws IOException {
        String text = Files.readString(file, StandardCharsets.ISO_8859_1).strip();
        if (!text.matches("[0-9a-f]{" + 2 * LENGTH + "}")) {
            throw new PepperException("`" + file + "` is not a pepper: expected " + 2 * LENGTH + " hexadecimal digits");
        }
        return HexFormat.of().parseHex(text);
    }

    private static boolean isPosix(Path file) {
        return file.getFileSystem().supportedFileAttributeViews().contains("posix");
    }
}
