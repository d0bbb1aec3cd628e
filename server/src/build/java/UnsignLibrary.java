import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.CodeSigner;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;

/**
 * Takes the signature off a library that is copied beside the server's jar, since the JVM keeps no classes of signed jars in
 * its cache: each start would verify the signature, a digest of each of thousands of files, and parse its classes anew. So
 * it is verified here, once: a file that its maker has not signed, or is not what was signed, ends the build, and so does a
 * library without a signature. One whose signature was taken off before says so, and is left as it is.
 */
final class UnsignLibrary {

    private static final Attributes.Name WAS_SIGNED_BY = new Attributes.Name("Was-Signed-By");

    private UnsignLibrary() {}

    /**
     * Of each library in a directory whose name begins so: {@code lib bcprov- SIGNER}.
     *
     * @param args the last is the SHA-256 of its maker's certificate, in hexadecimal digits
     */
    public static void main(String[] args) throws IOException, GeneralSecurityException {
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(Path.of(args[0]), args[1] + "*.jar")) {
            for (Path jar : jars) {
                unsign(jar, args[2]);
            }
        }
    }

    private static void unsign(Path jar, String signer) throws IOException, GeneralSecurityException {
        Path unsigned = jar.resolveSibling(jar.getFileName() + ".unsigned");
        try (JarFile signed = new JarFile(jar.toFile(), true)) {
            List<JarEntry> entries = Collections.list(signed.entries());
            if (entries.stream().noneMatch(entry -> isSignature(entry.getName()))) {
                requireUnsignedBefore(signed, signer);
                return;
            }
            try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(unsigned), manifest(signed, signer))) {
                for (JarEntry entry : entries) {
                    if (!isSignature(entry.getName()) && !entry.getName().equals(JarFile.MANIFEST_NAME)) {
                        copy(signed, entry, out, signer);
                    }
                }
            }
            Files.move(unsigned, jar, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(unsigned);
        }
    }

    private static void requireUnsignedBefore(JarFile jar, String signer) throws IOException {
        Manifest manifest = jar.getManifest();
        if (manifest == null || !signer.equals(manifest.getMainAttributes().getValue(WAS_SIGNED_BY))) {
            throw new SecurityException(jar.getName() + " has no signature: expected one of " + signer);
        }
    }

    /** Without a digest of each file. */
    private static Manifest manifest(JarFile signed, String signer) throws IOException {
        Manifest manifest = new Manifest();
        Manifest present = signed.getManifest();
        if (present != null) {
            manifest.getMainAttributes().putAll(present.getMainAttributes());
        }
        manifest.getMainAttributes().putIfAbsent(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(WAS_SIGNED_BY, signer);
        return manifest;
    }

    /** @throws SecurityException for what is not as it was signed, and for what the signer has not signed */
    private static void copy(JarFile from, JarEntry entry, JarOutputStream out, String signer)
            throws IOException, GeneralSecurityException {
        ZipEntry same = new ZipEntry(entry.getName());
        same.setTime(entry.getTime());
        out.putNextEntry(same);
        try (InputStream in = from.getInputStream(entry)) {
            in.transferTo(out);
        }
        // Known once all of it was read.
        if (!entry.isDirectory() && !isSignedBy(entry.getCodeSigners(), signer)) {
            throw new SecurityException(entry.getName() + " of " + from.getName() + " is not signed by " + signer);
        }
        out.closeEntry();
    }

    private static boolean isSignedBy(CodeSigner[] signers, String signer) throws GeneralSecurityException {
        if (signers == null) {
            return false;
        }
        for (CodeSigner one : signers) {
            byte[] certificate =
                    one.getSignerCertPath().getCertificates().getFirst().getEncoded();
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(certificate);
            if (HexFormat.of().formatHex(digest).equals(signer)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isSignature(String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        return upper.startsWith("META-INF/")
                && upper.indexOf('/', "META-INF/".length()) < 0
                && (upper.endsWith(".SF") || upper.endsWith(".RSA") || upper.endsWith(".DSA") || upper.endsWith(".EC"));
    }
}
