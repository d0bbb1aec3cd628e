package dev.assize.server.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * The file `$ASSIZE_HOME/credentials`: where the server is and who calls. The server writes it at its first start, for
 * the administrator; every command reads it.
 *
 * @param server host and port
 * @param key the credential, never printed
 */
public record Credentials(String server, String key) {

    private static final String FILE = "credentials";

    public static Path fileIn(Path home) {
        return home.resolve(FILE);
    }

    /** What the file says; empty where there is none. */
    public static Optional<Credentials> read(Path home) {
        Path file = fileIn(home);
        try {
            Object content = new Load(
                            LoadSettings.builder().setLabel(file.toString()).build())
                    .loadFromString(Files.readString(file));
            if (content instanceof Map<?, ?> map
                    && map.get("server") instanceof String server
                    && map.get("key") instanceof String key) {
                return Optional.of(new Credentials(server, key));
            }
            throw new CommandException(file + ": expected the lines `server: host:port` and `key: asz_…`");
        } catch (NoSuchFileException absent) {
            return Optional.empty();
        } catch (IOException | YamlEngineException unreadable) {
            throw new CommandException("cannot read " + file + ": " + unreadable.getMessage(), unreadable);
        }
    }

    /** Replaces the file, readable by its owner only from its first byte on. */
    public void write(Path home) throws IOException {
        Path draft = Files.createTempFile(
                home, FILE, ".new", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(
                draft,
                "# The administrator of the server below. Whoever reads this file may do everything.\n" + "server: "
                        + server + "\nkey: " + key + "\n",
                StandardCharsets.UTF_8);
        Files.move(draft, fileIn(home), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public String toString() {
        return "Credentials[server=" + server + "]";
    }
}
