package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.testing.InMemory;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import javax.tools.ToolProvider;
import org.bouncycastle.math.ec.rfc8032.Ed25519;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the build does to the library that comes signed. */
class UnsignLibraryTest {

    private static final String CLASS = "org/bouncycastle/math/ec/rfc8032/Ed25519.class";

    @TempDir(factory = InMemory.class)
    Path directory;

    private Path jar;
    private Method main;

    @BeforeEach
    void copy() throws Exception {
        jar = Files.createDirectory(directory.resolve("lib")).resolve("bcprov.jar");
        Files.copy(signed(), jar);
        Path classes = Files.createDirectory(directory.resolve("classes"));
        int errors = ToolProvider.getSystemJavaCompiler()
                .run(null, null, null, "-d", classes.toString(), "src/build/java/UnsignLibrary.java");
        assertThat(errors).isZero();
        main = new URLClassLoader(new URL[] {classes.toUri().toURL()}, null)
                .loadClass("UnsignLibrary")
                .getDeclaredMethod("main", String[].class);
        main.setAccessible(true);
    }

    @Test
    void leavesEveryFileAsItWasAndNoSignature() throws Exception {
        unsign();
        unsign();
        try (JarFile before = new JarFile(signed().toFile());
                JarFile now = new JarFile(jar.toFile())) {
            assertThat(now.getManifest().getEntries()).isEmpty();
            assertThat(now.stream().map(JarEntry::getName))
                    .noneMatch(name -> name.matches("META-INF/[^/]*[.](SF|RSA)"))
                    .hasSize((int) before.stream()
                            .filter(entry -> !entry.getName().matches("META-INF/[^/]*[.](SF|RSA)"))
                            .count());
            assertThat(bytes(now, CLASS)).isEqualTo(bytes(before, CLASS));
        }
        try (var files = Files.list(jar.getParent())) {
            assertThat(files).containsExactly(jar);
        }
    }

    @Test
    void endsTheBuildWhereAFileIsNotWhatWasSigned() throws Exception {
        rewrite((name, bytes) -> {
            if (name.equals(CLASS)) {
                bytes[bytes.length - 1] ^= 1;
            }
            return bytes;
        });
        assertEnds("digest error");
    }

    @Test
    void endsTheBuildWhereAFileIsNotSigned() throws Exception {
        rewrite((name, bytes) -> bytes, "META-INF/services/java.lang.Runnable");
        assertEnds("META-INF/services/java.lang.Runnable");
    }

    @Test
    void endsTheBuildWhereThereIsNoSignature() throws Exception {
        rewrite((name, bytes) -> name.matches("META-INF/[^/]*[.](SF|RSA)") ? null : bytes);
        assertEnds("has no signature");
    }

    @Test
    void endsTheBuildWhereAnotherHasSigned() {
        assertThatThrownBy(() -> unsign("0".repeat(64)))
                .isInstanceOf(SecurityException.class)
                .hasMessageContaining("is not signed by 000");
    }

    private void assertEnds(String saying) {
        assertThatThrownBy(this::unsign).isInstanceOf(SecurityException.class).hasMessageContaining(saying);
        assertThatCode(() -> {
                    try (var files = Files.list(jar.getParent())) {
                        assertThat(files).containsExactly(jar);
                    }
                })
                .doesNotThrowAnyException();
    }

    private void unsign() throws Exception {
        String pom = Files.readString(Path.of("../pom.xml"));
        unsign(pom.replaceFirst("(?s).*<bouncycastle.signer>([0-9a-f]{64})</bouncycastle.signer>.*", "$1"));
    }

    private void unsign(String signer) throws Exception {
        try {
            main.invoke(null, (Object)
                    new String[] {Objects.requireNonNull(jar.getParent()).toString(), "bcprov", signer});
        } catch (InvocationTargetException e) {
            throw (Exception) Objects.requireNonNull(e.getCause());
        }
    }

    /** Every file anew, but those of which nothing is made; and empty ones behind them. */
    private void rewrite(BiFunction<String, byte[], byte @Nullable []> change, String... added) throws IOException {
        try (JarFile from = new JarFile(signed().toFile(), false);
                OutputStream out = Files.newOutputStream(jar);
                JarOutputStream to = new JarOutputStream(out)) {
            for (Enumeration<JarEntry> all = from.entries(); all.hasMoreElements(); ) {
                String name = all.nextElement().getName();
                byte[] bytes = change.apply(name, bytes(from, name));
                if (bytes != null) {
                    to.putNextEntry(new JarEntry(name));
                    to.write(bytes);
                    to.closeEntry();
                }
            }
            for (String name : added) {
                to.putNextEntry(new JarEntry(name));
                to.closeEntry();
            }
        }
    }

    private static byte[] bytes(JarFile jar, String name) throws IOException {
        try (InputStream in = jar.getInputStream(Objects.requireNonNull(jar.getEntry(name)))) {
            return in.readAllBytes();
        }
    }

    private static Path signed() {
        return Path.of(Ed25519.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath());
    }
}
