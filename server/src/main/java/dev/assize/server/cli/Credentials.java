package dev.assize.server.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * The file `$ASSIZE_HOME/credentials`: where the server is and who calls. The server writes it at its first start, for
 * the administrator; every command reads it.
 *
 * @param server host and port
 * @param trust by what that server is known
 * @param key the credential, never printed
 */
public record Credentials(String server, ServerTrust trust, String key) {

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
                return Optional.of(new Credentials(server, trust(map), key));
            }
            throw new CommandException(file + ": expected the lines `server: host:port` and `key: asz_…`,"
                    + " and for TLS `tls: true`, `ca: FILE`, `serverName: NAME`, and `clientCertificate: FILE` with"
                    + " `clientKey: FILE`");
        } catch (NoSuchFileException absent) {
            return Optional.empty();
        } catch (IOException | YamlEngineException unreadable) {
            throw new CommandException("cannot read " + file + ": " + unreadable.getMessage(), unreadable);
        }
    }

    private static ServerTrust trust(Map<?, ?> map) {
        Path ca = map.get("ca") instanceof String file ? Path.of(file) : null;
        String name = map.get("serverName") instanceof String text ? text : "";
        ServerTrust trust = ca != null || !name.isEmpty() || Boolean.TRUE.equals(map.get("tls"))
                ? new ServerTrust.Tls(ca, name, null)
                : new ServerTrust.PlainText();
        return map.get("clientCertificate") instanceof String chain && map.get("clientKey") instanceof String key
                ? trust.showing(new ServerTrust.Own(Path.of(chain), Path.of(key)))
                : trust;
    }

    /** Replaces the file, readable by its owner only from its first byte on. */
    public void write(Path home) throws IOException {
        Path draft = Files.createTempFile(
                home, FILE, ".new", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Map<String, Object> lines = new LinkedHashMap<>(Map.of("server", server));
        if (trust instanceof ServerTrust.Tls tls) {
            lines.put("tls", true);
            if (tls.ca() != null) {
                lines.put("ca", tls.ca().toString());
            }
            if (!tls.name().isEmpty()) {
                lines.put("serverName", tls.name());
            }
            if (tls.own() != null) {
                lines.put("clientCertificate", tls.own().chain().toString());
                lines.put("clientKey", tls.own().key().toString());
            }
        }
        lines.put("key", key);
        String yaml = new Dump(DumpSettings.builder()
                        .setDefaultFlowStyle(FlowStyle.BLOCK)
                        .build())
                .dumpToString(lines);
        Files.writeString(
                draft,
                "# The administrator of the server below. Whoever reads this file may do everything.\n" + yaml,
                StandardCharsets.UTF_8);
        Files.move(draft, fileIn(home), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public String toString() {
        return "Credentials[server=" + server + "]";
    }
}
