package dev.assize.server.testing;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.tools.ToolProvider;

/** A class whose source a page gives, compiled as it stands there against what the tests have, and loaded until it is closed. */
public final class CompiledSnippet implements AutoCloseable {

    private final URLClassLoader loader;
    private final Class<?> type;

    private CompiledSnippet(URLClassLoader loader, Class<?> type) {
        this.loader = loader;
        this.type = type;
    }

    /**
     * Compiles a class.
     *
     * @param directory where its source and its classes go
     * @throws IllegalArgumentException where it does not compile; the compiler has said why
     */
    public static CompiledSnippet of(Path directory, String name, String source) throws IOException {
        Path file = Files.writeString(directory.resolve(name + ".java"), source);
        int failed = ToolProvider.getSystemJavaCompiler()
                .run(
                        null,
                        null,
                        null,
                        "-proc:none",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path", "")),
                        "-d",
                        directory.toString(),
                        file.toString());
        if (failed != 0) {
            throw new IllegalArgumentException(name + " does not compile");
        }
        URLClassLoader loader =
                new URLClassLoader(new URL[] {directory.toUri().toURL()}, CompiledSnippet.class.getClassLoader());
        try {
            return new CompiledSnippet(loader, loader.loadClass(name));
        } catch (ClassNotFoundException e) {
            loader.close();
            throw new IllegalStateException(e);
        }
    }

    /** The class. */
    public Class<?> type() {
        return type;
    }

    @Override
    public void close() throws IOException {
        loader.close();
    }
}
