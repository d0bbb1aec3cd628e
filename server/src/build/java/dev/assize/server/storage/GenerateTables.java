package dev.assize.server.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.jooq.codegen.GenerationTool;
import org.jooq.meta.jaxb.Configuration;
import org.jooq.meta.jaxb.Database;
import org.jooq.meta.jaxb.ForcedType;
import org.jooq.meta.jaxb.Generate;
import org.jooq.meta.jaxb.Generator;
import org.jooq.meta.jaxb.Jdbc;
import org.jooq.meta.jaxb.Target;

/**
 * Writes the typed tables: starts a PostgreSQL, migrates an empty database, and has jOOQ read what came out. Run by
 * the build before the server is compiled; does nothing where neither migrations nor this file have changed.
 *
 * <p>Arguments: the module's directory, the directory to write to, the address of a PostgreSQL to use instead of the
 * embedded one (may be empty), and its superuser's name and password.
 */
final class GenerateTables {

    private static final String PACKAGE = "dev.assize.server.storage.generated";

    private GenerateTables() {}

    public static void main(String[] arguments) throws Exception {
        Path module = Path.of(arguments[0]);
        Path target = Path.of(arguments[1]);
        Path marker = target.resolve(".made-from");
        String inputs = digestOf(module);
        if (Files.exists(marker) && Files.readString(marker, UTF_8).equals(inputs)) {
            return;
        }
        PostgresBinaries.deleteTree(target);
        Files.createDirectories(target);
        if (arguments[2].isBlank()) {
            Path home = Files.createTempDirectory(target.getParent(), "schema-database-");
            try (EmbeddedPostgres server = EmbeddedPostgres.start(home)) {
                generate(server.superuser("postgres"), target);
            } finally {
                PostgresBinaries.deleteTree(home);
            }
        } else {
            generate(new DatabaseAccess(arguments[2], arguments[3], arguments[4]), target);
        }
        Files.writeString(marker, inputs, UTF_8);
    }

    private static void generate(DatabaseAccess superuser, Path target) throws Exception {
        String name = "assize_build_" + ProcessHandle.current().pid() + "_" + Long.toHexString(System.nanoTime());
        String url = superuser.url().replaceFirst("/[^/?]*(\\?|$)", "/" + name + "$1");
        try {
            DatabaseAccess owner = Provisioning.ensure(superuser, url, name, name + "_owner", name + "_app")
                    .owner();
            Migrations.migrate(owner, name + "_app");
            GenerationTool.generate(configuration(owner, target));
        } finally {
            drop(superuser, name);
        }
    }

    private static void drop(DatabaseAccess superuser, String name) throws SQLException {
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
            statement.execute("DROP ROLE IF EXISTS " + name + "_owner, " + name + "_app");
        }
    }

    private static Configuration configuration(DatabaseAccess owner, Path target) {
        return new Configuration()
                .withJdbc(new Jdbc()
                        .withDriver("org.postgresql.Driver")
                        .withUrl(owner.url())
                        .withUser(owner.user())
                        .withPassword(owner.password()))
                .withGenerator(new Generator()
                        .withDatabase(new Database()
                                .withName("org.jooq.meta.postgres.PostgresDatabase")
                                .withInputSchema(Migrations.SCHEMA)
                                .withIncludes(".*")
                                .withExcludes("flyway_schema_history|ledger_entry_.*|ledger_answer")
                                .withIncludeRoutines(false)
                                .withIncludeUDTs(false)
                                .withIncludeIndexes(false)
                                .withForcedTypes(new ForcedType()
                                        .withName("INSTANT")
                                        .withIncludeTypes("(?i:timestamp with time zone|timestamptz)")))
                        .withGenerate(new Generate()
                                .withGeneratedAnnotation(true)
                                .withGeneratedAnnotationDate(false)
                                .withImplicitJoinPathsToOne(false)
                                .withImplicitJoinPathsToMany(false)
                                .withComments(false))
                        .withTarget(new Target().withPackageName(PACKAGE).withDirectory(target.toString())));
    }

    private static String digestOf(Path module) throws IOException, NoSuchAlgorithmException {
        MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
        for (String directory : List.of("src/main/resources/db/migration", "src/build/java")) {
            try (Stream<Path> files = Files.walk(module.resolve(directory))) {
                for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                    sha256.update(module.relativize(file).toString().getBytes(UTF_8));
                    sha256.update(Files.readAllBytes(file));
                }
            }
        }
        return HexFormat.of().formatHex(sha256.digest());
    }
}
