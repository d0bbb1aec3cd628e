package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the catalog says of the migrated schema. */
class CatalogTest {

    private static final String TABLES = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            + " WHERE n.nspname = 'assize' AND c.relkind IN ('r', 'p')";

    /** Columns that make a table a tenant's. */
    private static final String TENANT_COLUMNS = "('tenant_id', 'scope_key', 'home_tenant')";

    private static TestDatabase database;

    @BeforeAll
    static void migrate() {
        database = TestDatabase.fresh();
        database.open(InstantSource.system()).close();
    }

    @AfterAll
    static void drop() {
        database.close();
    }

    @Test
    void everyTableStatesItsStance() throws SQLException {
        assertThat(query("SELECT c.relname || ': ' || coalesce(obj_description(c.oid, 'pg_class'), '') " + TABLES))
                .hasSizeGreaterThan(10)
                .allMatch(line -> line.matches("\\w+: RLS: (tenant\\b.*|none, because .+)"));
    }

    @Test
    void everyTenantTableForcesRowSecurity() throws SQLException {
        assertThat(query("SELECT c.relname " + TABLES
                        + " AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid"
                        + " AND a.attname IN " + TENANT_COLUMNS
                        + ") AND NOT (c.relrowsecurity AND c.relforcerowsecurity"
                        + " AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))"))
                .isEmpty();
    }

    @Test
    void aTableWithoutRowSecuritySaysWhy() throws SQLException {
        assertThat(query("SELECT c.relname " + TABLES + " AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
                        + " AND obj_description(c.oid, 'pg_class') NOT LIKE 'RLS: none, because %'"))
                .isEmpty();
        assertThat(query("SELECT c.relname " + TABLES + " AND NOT c.relrowsecurity ORDER BY 1"))
                .containsExactly(
                        "anchor",
                        "clean_up",
                        "deployment",
                        "flyway_schema_history",
                        "meta_cosignature",
                        "node",
                        "signing_key");
    }

    @Test
    void theApplicationCanNeitherAlterNorRemoveEntries() throws SQLException {
        assertThat(query("SELECT c.relname || ' ' || privilege "
                        + TABLES.replace(
                                "WHERE",
                                ", unnest(ARRAY['UPDATE',"
                                        + " 'DELETE', 'TRUNCATE']) AS privilege WHERE (c.relname LIKE 'ledger\\_entry%'"
                                        + " OR c.relname IN ('ledger_lineage', 'decision_page', 'decision_bucket', 'ledger_pruning',"
                                        + " 'ledger_pruned', 'ledger_past_action')) AND"
                                        + " (has_table_privilege('" + application()
                                        + "', c.oid, privilege) OR privilege = 'UPDATE' AND"
                                        + " has_any_column_privilege('" + application() + "', c.oid, 'UPDATE')) AND")))
                .isEmpty();
    }

    @Test
    void theApplicationReachesPartitionsThroughTheirParentOnly() throws SQLException {
        assertThat(query("SELECT c.relname " + TABLES + " AND c.relispartition AND has_any_column_privilege('"
                        + application() + "', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')"))
                .isEmpty();
    }

    @Test
    void theApplicationMayRemoveOldAnswersAndWhatNodesSayOnly() throws SQLException {
        assertThat(query("SELECT c.relname " + TABLES + " AND has_table_privilege('" + application()
                        + "', c.oid, 'DELETE, TRUNCATE') ORDER BY 1"))
                .containsExactly("ledger_idempotency", "node", "node_confirmation");
    }

    @Test
    void rolesAreBoundByRowSecurity() throws SQLException {
        assertThat(query("SELECT rolname FROM pg_roles WHERE rolname IN ('" + application() + "', '"
                        + database.owner().user()
                        + "') AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)"))
                .isEmpty();
        assertThat(query("SELECT c.relname " + TABLES + " AND pg_get_userbyid(c.relowner) <> '"
                        + database.owner().user() + "'"))
                .isEmpty();
    }

    @Test
    void theApplicationCannotMakeTables() throws SQLException {
        assertThat(query("SELECT has_schema_privilege('" + application() + "', 'assize', 'CREATE')"))
                .containsExactly("f");
    }

    @Test
    void monthsAreMadeAhead() throws SQLException {
        assertThat(query("SELECT c.relname " + TABLES + " AND c.relispartition"))
                .hasSize(5);
    }

    @Test
    void textsCompareAsBytes() throws SQLException {
        assertThat(query(
                        "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                                + " JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_collation l ON l.oid = a.attcollation"
                                + " WHERE n.nspname = 'assize' AND c.relkind IN ('r', 'p') AND l.collname <> 'C'"
                                + " AND c.relname <> 'flyway_schema_history'"))
                .isEmpty();
    }

    private static String application() {
        return database.application().user();
    }

    private static List<String> query(String sql) throws SQLException {
        DatabaseAccess access = database.superuser();
        List<String> rows = new ArrayList<>();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            while (row.next()) {
                rows.add(row.getString(1));
            }
        }
        return rows;
    }
}
