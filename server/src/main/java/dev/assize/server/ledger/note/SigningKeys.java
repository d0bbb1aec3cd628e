package dev.assize.server.ledger.note;

import dev.assize.server.secret.OwnedFile;
import dev.assize.server.secret.OwnedFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The keys of a deployment: one that signs, and those that have signed and still verify. They are kept in a directory
 * outside the database, the same on every node:
 *
 * <ul>
 *   <li>{@code signer}, readable by its owner only, holds the private key:
 *       {@code PRIVATE+KEY+<name>+<id>+<base64 of type and seed>};
 *   <li>{@code verifiers} holds the public key of every signer there has been, one a line, the newest first, as
 *       verifiers are given it: {@code <name>+<id>+<base64 of type and key>};
 *   <li>{@code next}, as {@code signer}, holds the key that will sign once it is activated; its public half is the last
 *       in {@code verifiers} until then.
 * </ul>
 *
 * <p>A new key is published before it signs, so that nothing is ever signed that nobody can verify, wherever a
 * rotation is interrupted.
 */
public final class SigningKeys {

    private final SigningKey signer;
    private final List<VerifierKey> verifierKeys;

    private SigningKeys(SigningKey signer, List<VerifierKey> verifierKeys) {
        this.signer = signer;
        this.verifierKeys = List.copyOf(verifierKeys);
    }

    /**
     * Reads the keys of that name; makes the first where there is none. Of several nodes that start for the first time one
     * makes it, and the others take that. Refuses files that others may change or, where they are secret, read.
     */
    public static SigningKeys open(Path directory, String name) {
        // In this order: a key is made before it is published.
        boolean published = !published(directory).isEmpty();
        OwnedFile file = signerFile(directory);
        if (!published && !file.exists()) {
            boolean _ =
                    file.create(SigningKey.generate(name, SignatureType.NOTE).secret());
        }
        return reopen(directory, name);
    }

    /** Reads the keys of that name as they are now; makes none. */
    public static SigningKeys reopen(Path directory, String name) {
        OwnedFile file = signerFile(directory);
        if (!file.exists()) {
            throw new OwnedFileException("`" + directory.resolve("signer") + "` is missing, and there was one: expected"
                    + " the key that signed, restored, or a new one made by a rotation");
        }
        SigningKey signer = read(file, name);
        List<VerifierKey> published = published(directory);
        if (!published.contains(signer.verifierKey())) {
            published = publish(directory, first(signer.verifierKey(), published));
        }
        return new SigningKeys(signer, first(signer.verifierKey(), published));
    }

    /** The name of the keys in a directory; empty where there is none. */
    public static Optional<String> name(Path directory) {
        return published(directory).stream().map(VerifierKey::name).findFirst();
    }

    /**
     * Makes the next key, and publishes it, so that every node and every verifier can know it before it signs. One that
     * was prepared before is taken.
     *
     * @return its public half
     */
    public static VerifierKey prepare(Path directory, String name) {
        OwnedFile next = nextFile(directory);
        boolean _ = next.create(SigningKey.generate(name, SignatureType.NOTE).secret());
        VerifierKey key = read(next, name).verifierKey();
        List<VerifierKey> before = published(directory);
        if (!before.contains(key)) {
            List<VerifierKey> _ = publish(
                    directory, Stream.concat(before.stream(), Stream.of(key)).toList());
        }
        return key;
    }

    /** Lets the key that was prepared sign from now on. The one before is gone, but for its public half. */
    public static SigningKeys activate(Path directory, String name) {
        OwnedFile next = nextFile(directory);
        if (!next.exists()) {
            throw new OwnedFileException(
                    "`" + directory.resolve("next") + "` is missing: expected a key that was prepared");
        }
        SigningKey key = read(next, name);
        List<VerifierKey> _ = publish(directory, first(key.verifierKey(), published(directory)));
        signerFile(directory).write(key.secret());
        next.delete();
        return reopen(directory, name);
    }

    /** Both at once, where nobody else need know the key before. */
    public static SigningKeys rotate(Path directory, String name) {
        VerifierKey _ = prepare(directory, name);
        return activate(directory, name);
    }

    public NoteSigner signer() {
        return new NoteSigner(signer);
    }

    /** Every key whose signatures count, that of the signer among them. */
    public List<VerifierKey> verifierKeys() {
        return verifierKeys;
    }

    public NoteVerifier verifier() {
        return new NoteVerifier(verifierKeys);
    }

    private static SigningKey read(OwnedFile file, String name) {
        SigningKey key;
        try {
            key = SigningKey.parse(file.read());
        } catch (MalformedNoteException e) {
            throw file.isNo("signing key", "one key; " + e.getMessage());
        }
        VerifierKey found = key.verifierKey();
        if (!found.name().equals(name) || found.type() != SignatureType.NOTE) {
            throw file.isNo("key of this deployment", "one that signs notes as `" + name + "`, found `" + found + "`");
        }
        return key;
    }

    private static List<VerifierKey> published(Path directory) {
        OwnedFile file = verifiersFile(directory);
        if (!file.exists()) {
            return List.of();
        }
        try {
            return file.read().lines().map(VerifierKey::parse).toList();
        } catch (MalformedNoteException e) {
            throw file.isNo("list of public keys", "one a line; " + e.getMessage());
        }
    }

    private static List<VerifierKey> publish(Path directory, List<VerifierKey> keys) {
        verifiersFile(directory).write(keys.stream().map(VerifierKey::toString).collect(Collectors.joining("\n")));
        return keys;
    }

    /** The keys with that one before all others. */
    private static List<VerifierKey> first(VerifierKey key, List<VerifierKey> keys) {
        return Stream.concat(Stream.of(key), keys.stream().filter(other -> !other.equals(key)))
                .toList();
    }

    private static OwnedFile signerFile(Path directory) {
        return OwnedFile.secret(directory.resolve("signer"));
    }

    private static OwnedFile nextFile(Path directory) {
        return OwnedFile.secret(directory.resolve("next"));
    }

    private static OwnedFile verifiersFile(Path directory) {
        return OwnedFile.open(directory.resolve("verifiers"));
    }
}
