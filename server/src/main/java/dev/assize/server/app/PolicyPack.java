package dev.assize.server.app;

import dev.assize.server.cli.PolicyFiles;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A policy that comes with Assize: files under `policies/<name>` in the jar. */
final class PolicyPack {

    private PolicyPack() {}

    static List<PolicyFiles.Piece> read(String name) {
        String folder = "/policies/" + name;
        URL resource = PolicyPack.class.getResource(folder);
        if (resource == null) {
            throw new IllegalStateException(folder + " is not in the jar");
        }
        try {
            URI uri = resource.toURI();
            if (!uri.getScheme().equals("jar")) {
                return PolicyFiles.read(List.of(Path.of(uri)));
            }
            try (FileSystem jar = FileSystems.newFileSystem(uri, Map.of())) {
                return PolicyFiles.read(List.of(jar.getPath(folder)));
            }
        } catch (IOException | URISyntaxException unreadable) {
            throw new IllegalStateException("cannot read " + folder, unreadable);
        }
    }
}
