import java.io.File;
import java.io.IOException;
import java.io.InputStream;
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
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;

/**
 * Takes the signature off a library that is copied beside the server's jar, since the JVM keeps no classes of signed jars in
 * its cache: each start would verify the signature, a digest of each of thousands of files, and parse its classes anew. So
 * it is verified here, in every build: a file that its maker has not signed, or is not what was signed, ends the build, and so
 * does a library without a signature. What is read is the library that the class path names, as its maker gave it out, and
 * never what an earlier build has left where it is written.
 */
final class UnsignLibrary {

    private static final Attributes.Name WAS_SIGNED_BY = new Attributes.Name("Was-Signed-By");

    private UnsignLibrary() {}

    /**
     * Writes each library of a class path whose name begins so into a directory: {@code lib bcprov- SIGNER CLASSPATH}.
     *
     * @param args the third is the SHA-256 of its maker's certificate, in hexadecimal digits
     */
    public static void main(String[] args) throws IOException, GeneralSecurityException {
        List<Path> libraries = Pattern.compile(File.pathSeparator)
                .splitAsStream(args[3])
                .map(Path::of)
                .filter(path -> String.valueOf(path.getFileName()).startsWith(args[1]))
                .toList();
        if (libraries.isEmpty()) {
            throw new IllegalArgumentException("nothing on the class path is named " + args[1] + "*.jar");
        }
        for (Path library : libraries) {
            unsign(library, Path.of(args[0]).resolve(library.getFileName()), args[2]);
        }
    }

    private static void unsign(Path library, Path to, String signer) throws IOException, GeneralSecurityException {
        Path unsigned = to.resolveSibling(to.getFileName() + ".unsigned");
        try (JarFile signed = new JarFile(library.toFile(), true)) {
            List<JarEntry> entries = Collections.list(signed.entries());
            if (entries.stream().noneMatch(entry -> isSignature(entry.getName()))) {
                throw new SecurityException(library + " has no signature: expected one of " + signer);
            }
            try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(unsigned))) {
                // Of a time that no two builds differ in.
                begin(out, JarFile.MANIFEST_NAME, entries.getFirst().getTime());
                manifest(signed, signer).write(out);
                out.closeEntry();
                for (JarEntry entry : entries) {
                    if (!isSignature(entry.getName()) && !entry.getName().equals(JarFile.MANIFEST_NAME)) {
                        copy(signed, entry, out, signer);
                    }
                }
            }
            // Another time of the same file would make the launcher's cache of classes anew.
            if (!Files.exists(to) || Files.mismatch(unsigned, to) >= 0) {
                Files.move(unsigned, to, StandardCopyOption.REPLACE_EXISTING);
            }
        } finally {
            Files.deleteIfExists(unsigned);
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
        begin(out, entry.getName(), entry.getTime());
        try (InputStream in = from.getInputStream(entry)) {
            in.transferTo(out);
        }
        // Known once all of it was read.
        if (!entry.isDirectory() && !isSignedBy(entry.getCodeSigners(), signer)) {
            throw new SecurityException(entry.getName() + " of " + from.getName() + " is not signed by " + signer);
        }
        out.closeEntry();
    }

    private static void begin(JarOutputStream out, String name, long timeMillis) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        entry.setTime(timeMillis);
        out.putNextEntry(entry);
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
