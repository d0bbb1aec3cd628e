package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * The migrations that came with this build, by the checksums that Flyway keeps of them. Where its history holds just these, all of
 * them done, there is nothing for it to do, which it would take a good part of a start to find out by itself. Wherever
 * history says anything else, what to make of that is Flyway's business.
 *
 * @param checksums of the scripts, by their names
 */
record MigrationScripts(Map<String, Integer> checksums) {

    private static final String DIRECTORY = "db/migration/";
    private static final String GRANTS = "afterMigrate__grants.sql";

    /** Written by Flyway when it makes the schema; there is no script of it. */
    private static final String SCHEMA_MADE = "SCHEMA";

    private static final String SCRIPT_RUN = "SQL";

    /** What else a row may be takes back what another says: a repair's word that a migration counts as not run. */
    private static final Set<String> KINDS = Set.of(SCHEMA_MADE, SCRIPT_RUN);

    /** Those on the class path. */
    static MigrationScripts ofThisBuild() {
        Map<String, Integer> checksums = new HashMap<>();
        for (String name : names()) {
            if (!name.equals(GRANTS)) {
                checksums.put(name, checksum(text(name)));
            }
        }
        return new MigrationScripts(Map.copyOf(checksums));
    }

    /** What Flyway runs after each migration, in the name of a role. */
    static String grants(String quotedRole) {
        return text(GRANTS).replace("${application_role}", quotedRole);
    }

    /** Whether these have been run in that schema, all of them as they are now, and no others. */
    boolean areDone(Statement statement, String schema, String history) throws SQLException {
        String table = schema + "." + history;
        try (ResultSet there = statement.executeQuery("SELECT to_regclass('" + table + "') IS NOT NULL")) {
            if (!there.next() || !there.getBoolean(1)) {
                return false;
            }
        }
        Map<String, Integer> done = new HashMap<>();
        try (ResultSet row = statement.executeQuery("SELECT script, checksum, type, success FROM " + table)) {
            while (row.next()) {
                String type = row.getString("type");
                if (!row.getBoolean("success") || !KINDS.contains(type)) {
                    return false;
                }
                if (type.equals(SCRIPT_RUN) && done.put(row.getString("script"), row.getInt("checksum")) != null) {
                    return false;
                }
            }
        }
        return done.equals(checksums);
    }

    /** As Flyway has it: of the lines, however they end. */
    static int checksum(String script) {
        CRC32 sum = new CRC32();
        script.lines().forEach(line -> sum.update(line.getBytes(UTF_8)));
        return (int) sum.getValue();
    }

    private static String text(String name) {
        try (InputStream in =
                Objects.requireNonNull(MigrationScripts.class.getResourceAsStream("/" + DIRECTORY + name), name)) {
            return new String(in.readAllBytes(), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> names() {
        URL grants = Objects.requireNonNull(MigrationScripts.class.getResource("/" + DIRECTORY + GRANTS), GRANTS);
        try {
            return grants.getProtocol().equals("jar") ? inJar(grants) : inDirectory(grants);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(grants + " is where no class path leads", e);
        }
    }

    private static List<String> inDirectory(URL grants) throws IOException, URISyntaxException {
        try (Stream<Path> files = Files.list(Path.of(grants.toURI()).resolveSibling(""))) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    /** By its own list, which the class loader has read already. */
    private static List<String> inJar(URL grants) throws IOException {
        String file = grants.getPath().substring(0, grants.getPath().indexOf("!/"));
        try (ZipFile jar = new ZipFile(Path.of(URI.create(file)).toFile())) {
            return jar.stream()
                    .map(ZipEntry::getName)
                    .filter(name -> name.startsWith(DIRECTORY) && !name.equals(DIRECTORY))
                    .map(name -> name.substring(DIRECTORY.length()))
                    .toList();
        }
    }
}
