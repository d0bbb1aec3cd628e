package dev.assize.server.storage;

import dev.assize.server.testing.TestDatabase;
import java.util.Map;
import org.flywaydb.core.Flyway;

/** The schema as an earlier version left it, without the rights that it gave. */
final class EarlierSchema {

    private EarlierSchema() {}

    /** Runs the migrations up to a version into a database that has none. */
    static void make(TestDatabase database, String version) {
        Flyway.configure(Migrations.class.getClassLoader())
                .dataSource(
                        database.owner().url(),
                        database.owner().user(),
                        database.owner().password())
                .schemas(Migrations.SCHEMA)
                .defaultSchema(Migrations.SCHEMA)
                .locations("classpath:db/migration")
                .placeholders(Map.of("application_role", database.application().user()))
                .skipDefaultCallbacks(true)
                .target(version)
                .load()
                .migrate();
    }
}
