package dev.assize.server.ledger.note;

import dev.assize.server.secret.OwnedFile;
import dev.assize.server.secret.OwnedFileException;
import java.nio.file.Path;
import java.util.List;
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
 *       verifiers are given it: {@code <name>+<id>+<base64 of type and key>}.
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
     * Reads the keys of that name; makes the first where there is none. Refuses files that others may change or, where
     * they are secret, read.
     */
    public static SigningKeys open(Path directory, String name) {
        OwnedFile file = signerFile(directory);
        List<VerifierKey> published = published(directory);
        if (!file.exists()) {
            if (!published.isEmpty()) {
                throw new OwnedFileException("`" + directory.resolve("signer") + "` is missing, and `"
                        + directory.resolve("verifiers") + "` says that there was one: expected the key that signed,"
                        + " restored, or a new one made by a rotation");
            }
            return rotate(directory, name);
        }
        SigningKey signer = read(file, name);
        if (!published.contains(signer.verifierKey())) {
            published = publish(directory, signer, published);
        }
        return new SigningKeys(signer, published);
    }

    /** Makes a new key that signs from now on. The one before is gone, but for its public half. */
    public static SigningKeys rotate(Path directory, String name) {
        SigningKey signer = SigningKey.generate(name, SignatureType.NOTE);
        List<VerifierKey> published = publish(directory, signer, published(directory));
        signerFile(directory).write(signer.secret());
        return new SigningKeys(signer, published);
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

    private static List<VerifierKey> publish(Path directory, SigningKey signer, List<VerifierKey> before) {
        List<VerifierKey> keys =
                Stream.concat(Stream.of(signer.verifierKey()), before.stream()).toList();
        verifiersFile(directory).write(keys.stream().map(VerifierKey::toString).collect(Collectors.joining("\n")));
        return keys;
    }

    private static OwnedFile signerFile(Path directory) {
        return OwnedFile.secret(directory.resolve("signer"));
    }

    private static OwnedFile verifiersFile(Path directory) {
        return OwnedFile.open(directory.resolve("verifiers"));
    }
}
