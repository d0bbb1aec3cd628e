import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
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
 * it is verified here, once: a class that is not signed, or is not what was signed, ends the build. Does nothing where there
 * is no signature.
 */
final class UnsignLibrary {

    private UnsignLibrary() {}

    /** Of each library in a directory whose name begins so: {@code lib bcprov-}. */
    public static void main(String[] args) throws IOException {
        try (DirectoryStream<Path> jars = Files.newDirectoryStream(Path.of(args[0]), args[1] + "*.jar")) {
            for (Path jar : jars) {
                unsign(jar);
            }
        }
    }

    private static void unsign(Path jar) throws IOException {
        Path unsigned = jar.resolveSibling(jar.getFileName() + ".unsigned");
        try (JarFile signed = new JarFile(jar.toFile(), true)) {
            List<JarEntry> entries = Collections.list(signed.entries());
            if (entries.stream().noneMatch(entry -> isSignature(entry.getName()))) {
                return;
            }
            try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(unsigned), manifest(signed))) {
                for (JarEntry entry : entries) {
                    if (!isSignature(entry.getName()) && !entry.getName().equals(JarFile.MANIFEST_NAME)) {
                        copy(signed, entry, out);
                    }
                }
            }
        }
        Files.move(unsigned, jar, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Without a digest of each file. */
    private static Manifest manifest(JarFile signed) throws IOException {
        Manifest manifest = new Manifest();
        Manifest present = signed.getManifest();
        if (present != null) {
            manifest.getMainAttributes().putAll(present.getMainAttributes());
        }
        manifest.getMainAttributes().putIfAbsent(Attributes.Name.MANIFEST_VERSION, "1.0");
        return manifest;
    }

    /** @throws SecurityException for what is not as it was signed */
    private static void copy(JarFile from, JarEntry entry, JarOutputStream out) throws IOException {
        ZipEntry same = new ZipEntry(entry.getName());
        same.setTime(entry.getTime());
        out.putNextEntry(same);
        try (InputStream in = from.getInputStream(entry)) {
            in.transferTo(out);
        }
        // Known once all of it was read.
        if (entry.getName().endsWith(".class") && entry.getCodeSigners() == null) {
            throw new SecurityException(entry.getName() + " of " + from.getName() + " is not signed");
        }
        out.closeEntry();
    }

    private static boolean isSignature(String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        return upper.startsWith("META-INF/")
                && upper.indexOf('/', "META-INF/".length()) < 0
                && (upper.endsWith(".SF") || upper.endsWith(".RSA") || upper.endsWith(".DSA") || upper.endsWith(".EC"));
    }
}
