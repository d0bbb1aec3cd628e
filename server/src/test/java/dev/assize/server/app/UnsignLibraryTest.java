package dev.assize.server.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestCertificate;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyFactory;
import java.security.KeyStore.PrivateKeyEntry;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Enumeration;
import java.util.HexFormat;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipFile;
import javax.tools.ToolProvider;
import jdk.security.jarsigner.JarSigner;
import org.bouncycastle.math.ec.rfc8032.Ed25519;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What the build does to the library that comes signed: to that one, and to a small one, of which anything may be wrong. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class UnsignLibraryTest {

    private static final String CLASS = "org/bouncycastle/math/ec/rfc8032/Ed25519.class";
    private static final String SIGNATURE = "META-INF/[^/]*[.](SF|RSA|EC)";

    private final Method main;
    private final Path small;
    private final String smallSigner;

    @TempDir(factory = InMemory.class)
    Path directory;

    /** What the class path has, and what the build makes of it. */
    private Path library = Path.of("");

    private Path made = Path.of("");

    UnsignLibraryTest(@TempDir(factory = InMemory.class) Path shared) throws Exception {
        int errors = ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, "-d", shared.toString(), "src/build/java/UnsignLibrary.java");
        assertThat(errors).isZero();
        main = new URLClassLoader(new URL[] {shared.toUri().toURL()}, null)
                .loadClass("UnsignLibrary")
                .getDeclaredMethod("main", String[].class);
        main.setAccessible(true);

        TestCertificate certificate = TestCertificate.make(shared, "dns:assize.test");
        small = sign(certificate, shared);
        smallSigner = HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256")
                        .digest(certificate.content().getEncoded()));
    }

    @BeforeEach
    void copy() throws IOException {
        library = directory.resolve("bcprov-1.jar");
        Files.copy(small, library);
        made = Files.createDirectory(directory.resolve("lib")).resolve("bcprov-1.jar");
    }

    @Test
    void leavesEveryFileAsItWasAndNoSignature() throws Exception {
        library = Path.of(Ed25519.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath());
        made = made.resolveSibling(library.getFileName());
        String pom = Files.readString(Path.of("../pom.xml"));
        unsign(pom.replaceFirst("(?s).*<bouncycastle.signer>([0-9a-f]{64})</bouncycastle.signer>.*", "$1"));
        assertUnsigned(CLASS);
    }

    @Test
    void makesNothingOfWhatAnEarlierBuildLeft() throws Exception {
        unsign(smallSigner);
        byte[] expected = Files.readAllBytes(made);

        Files.copy(small, made, StandardCopyOption.REPLACE_EXISTING);
        unsign(smallSigner);
        assertThat(made).as("the signed one, just copied").hasBinaryContent(expected);

        rewrite(small, made, (name, bytes) -> name.matches(SIGNATURE) ? null : bytes);
        unsign(smallSigner);
        assertThat(made)
                .as("without a signature, by a build that did not say whose it was")
                .hasBinaryContent(expected);

        Files.writeString(made, "half of");
        unsign(smallSigner);
        assertThat(made).as("what is no library").hasBinaryContent(expected);
        assertUnsigned("A.class");

        Object file = Files.readAttributes(made, "unix:ino,lastModifiedTime");
        unsign(smallSigner);
        assertThat(Files.readAttributes(made, "unix:ino,lastModifiedTime"))
                .as("what is as it would be made")
                .isEqualTo(file);
    }

    @Test
    void endsTheBuildWhereAFileIsNotWhatWasSigned() throws Exception {
        rewrite(small, library, (name, bytes) -> {
            if (name.equals("A.class")) {
                bytes[bytes.length - 1] ^= 1;
            }
            return bytes;
        });
        assertEnds(smallSigner, "digest error");
    }

    @Test
    void endsTheBuildWhereAFileIsNotSigned() throws Exception {
        rewrite(small, library, (name, bytes) -> bytes, "META-INF/services/java.lang.Runnable");
        assertEnds(smallSigner, "META-INF/services/java.lang.Runnable");
    }

    @Test
    void endsTheBuildWhereThereIsNoSignature() throws Exception {
        rewrite(small, library, (name, bytes) -> name.matches(SIGNATURE) ? null : bytes);
        assertEnds(smallSigner, "has no signature");
    }

    @Test
    void endsTheBuildWhereAnotherHasSigned() throws Exception {
        assertEnds("0".repeat(64), "is not signed by 000");
    }

    @Test
    void endsTheBuildWhereThereIsNoSuchLibrary() {
        library = directory.resolve("another-1.jar");
        assertThatThrownBy(() -> unsign(smallSigner))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("bcprov-*.jar");
    }

    /** Whatever an earlier build has made. */
    private void assertEnds(String signer, String saying) throws IOException {
        for (boolean earlier : new boolean[] {false, true}) {
            if (earlier) {
                rewrite(small, made, (name, bytes) -> name.matches(SIGNATURE) ? null : bytes);
            }
            assertThatThrownBy(() -> unsign(signer))
                    .isInstanceOf(SecurityException.class)
                    .hasMessageContaining(saying);
            assertThat(made.resolveSibling(made.getFileName() + ".unsigned")).doesNotExist();
            assertThat(Files.exists(made)).isEqualTo(earlier);
        }
    }

    private void assertUnsigned(String name) throws IOException {
        try (JarFile before = new JarFile(library.toFile());
                JarFile now = new JarFile(made.toFile())) {
            assertThat(now.getManifest().getEntries()).isEmpty();
            assertThat(now.stream().map(JarEntry::getName))
                    .containsExactlyElementsOf(before.stream()
                            .map(JarEntry::getName)
                            .filter(it -> !it.matches(SIGNATURE))
                            .toList());
            assertThat(bytes(now, name)).isEqualTo(bytes(before, name));
        }
        try (var files = Files.list(made.getParent())) {
            assertThat(files).containsExactly(made);
        }
    }

    private void unsign(String signer) throws Exception {
        try {
            main.invoke(null, (Object) new String[] {
                Objects.requireNonNull(made.getParent()).toString(),
                "bcprov-",
                signer,
                "classes:/elsewhere/other-1.jar:" + library
            });
        } catch (InvocationTargetException e) {
            throw (Exception) Objects.requireNonNull(e.getCause());
        }
    }

    private static Path sign(TestCertificate certificate, Path shared) throws Exception {
        Path unsigned = shared.resolve("small.jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(unsigned))) {
            for (String name : new String[] {"META-INF/MANIFEST.MF", "META-INF/services/", "A.class", "org/B.class"}) {
                out.putNextEntry(new JarEntry(name));
                out.write((name.endsWith(".class") ? name : name.endsWith("/") ? "" : "Manifest-Version: 1.0\n\n")
                        .getBytes(UTF_8));
                out.closeEntry();
            }
        }
        String pem = Files.readString(certificate.key()).replaceAll("-----[A-Z ]*-----|\\s", "");
        PrivateKey key = KeyFactory.getInstance("EC")
                .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
        Path signed = shared.resolve("signed.jar");
        try (ZipFile from = new ZipFile(unsigned.toFile());
                OutputStream to = Files.newOutputStream(signed)) {
            new JarSigner.Builder(new PrivateKeyEntry(key, new Certificate[] {certificate.content()}))
                    .build()
                    .sign(from, to);
        }
        return signed;
    }

    /** Every file anew, but those of which nothing is made; and empty ones behind them. */
    private static void rewrite(
            Path from, Path to, BiFunction<String, byte[], byte @Nullable []> change, String... added)
            throws IOException {
        try (JarFile jar = new JarFile(from.toFile(), false);
                JarOutputStream out = new JarOutputStream(Files.newOutputStream(to))) {
            for (Enumeration<JarEntry> all = jar.entries(); all.hasMoreElements(); ) {
                String name = all.nextElement().getName();
                byte[] bytes = change.apply(name, bytes(jar, name));
                if (bytes != null) {
                    out.putNextEntry(new JarEntry(name));
                    out.write(bytes);
                    out.closeEntry();
                }
            }
            for (String name : added) {
                out.putNextEntry(new JarEntry(name));
                out.closeEntry();
            }
        }
    }

    private static byte[] bytes(JarFile jar, String name) throws IOException {
        try (InputStream in = jar.getInputStream(Objects.requireNonNull(jar.getEntry(name)))) {
            return in.readAllBytes();
        }
    }
}
