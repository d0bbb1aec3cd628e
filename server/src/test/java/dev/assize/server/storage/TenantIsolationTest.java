package dev.assize.server.storage;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** Tries, by SQL of its own as the application's role, to reach another tenant's rows. */
class TenantIsolationTest {

    private static final String HASH = "decode(repeat('ab', 32), 'hex')";

    /** How to make a row of a tenant, by table. */
    private static final Map<String, String> ROWS = Map.ofEntries(
            Map.entry(
                    "ledger_head",
                    "(tenant_id, origin, incarnation, size, last_hash) VALUES ('%s', 'o', 1, 0, " + HASH + ")"),
            Map.entry(
                    "ledger_entry",
                    "(tenant_id, seq, recorded_at, frame, entry_hash) VALUES ('%s', 0, now(), '', " + HASH + ")"),
            Map.entry(
                    "ledger_idempotency",
                    "(tenant_id, recorded_by_tenant, recorded_by, key, content_hash, first_seq, entry_count,"
                            + " recorded_at) VALUES ('%s', 't', 's', 'k', " + HASH + ", 0, 1, now())"),
            Map.entry("policy_scope", "(scope_key, revision) VALUES ('%s', 0)"),
            Map.entry(
                    "policy_document",
                    "(scope_key, kind, name, from_revision, yaml, source_file, source_lines)"
                            + " VALUES ('%s', 'Role', 'r', 1, '', '', '{}')"),
            Map.entry(
                    "policy_revision",
                    "(scope_key, revision, committed_at, actor, actor_tenant, change_count, change_digest,"
                            + " policy_digest, seq) VALUES ('%s', 1, now(), 'a', 't', 1, " + HASH + ", " + HASH
                            + ", 0)"),
            Map.entry("policy_sum", "(scope_key, revision, lanes) VALUES ('%s', 1, decode(repeat('00', 2048), 'hex'))"),
            Map.entry(
                    "approval_request",
                    "(tenant_id, approval_id, requester, requester_tenant, requested_by, requested_by_tenant,"
                            + " content_hash, subject, subject_tenant, action, resource, env, rules, requested_at,"
                            + " open_until, usable_until) VALUES ('%s', 'a', 's', 't', 's', 't', " + HASH
                            + ", 's', 't', 'a', 'r', 'e', '[]', now(), now(), now())"),
            Map.entry(
                    "approval_vote",
                    "(tenant_id, approval_id, approver, approver_tenant, position, approves, rules, voted_at)"
                            + " VALUES ('%s', 'a', 's', 't', 0, true, '{}', now())"),
            Map.entry(
                    "approval_comment",
                    "(tenant_id, approval_id, position, author, author_tenant, said_by, said_by_tenant, comment,"
                            + " said_at) VALUES ('%s', 'a', 0, 's', 't', 's', 't', 'c', now())"),
            Map.entry(
                    "api_key",
                    "(key_id, home_tenant, subject, all_tenants, tenants, envs, rpcs, secret_hash, description,"
                            + " created_by, created_by_tenant, created_at) VALUES ('key-of-%1$s', '%1$s', 's', false,"
                            + " '{}', '{}', '{}', " + HASH + ", '', 'c', 't', now())"),
            Map.entry(
                    "decision_page",
                    "(tenant_id, seq, first_position, records, first_at, last_at) VALUES ('%s', 0, 0, '', 0, 0)"),
            Map.entry("decision_bucket", "(bucket, tenant_id, seq, terms) VALUES (0, '%s', 0, '\\x0000000000010000')"),
            Map.entry("ledger_term", "(tenant_id, kind, value, block, bits) VALUES ('%s', 1, 'v', 0, 1)"),
            Map.entry(
                    "ledger_lineage",
                    "(tenant_id, seq, kind, position, uri, recorded_at) VALUES ('%s', 0, 1, 0, 'db:record', now())"));

    /** The same of tables that make changes known. */
    private static final Map<String, String> CHANGE_ROWS = Map.of(
            "policy_proposal",
            "(scope_key, proposal_id, proposer, proposer_tenant, recorded_by, recorded_by_tenant, request_hash,"
                    + " content_hash, force, document_count, proposed_at, expires_at, base_revision,"
                    + " base_platform_revision) VALUES ('%s', 'p', 's', 't', 's', 't', " + HASH + ", " + HASH
                    + ", false, 1, now(), now() + interval '1 day', 0, 0)",
            "policy_proposal_document",
            "(scope_key, proposal_id, position, kind, name, source_file, source_lines)"
                    + " VALUES ('%s', 'p', 0, 'Role', 'r', '', '{}')",
            "policy_proposal_acceptance",
            "(scope_key, proposal_id, base_revision, base_platform_revision, acceptor, acceptor_tenant, position,"
                    + " accepted_at) VALUES ('%s', 'p', 0, 0, 's', 't', 0, now())",
            "policy_proposal_comment",
            "(scope_key, proposal_id, position, author, author_tenant, comment, said_at)"
                    + " VALUES ('%s', 'p', 0, 's', 't', 'c', now())",
            "policy_answer",
            "(scope_key, recorded_by_tenant, recorded_by, key, content_hash, name, revision)"
                    + " VALUES ('%s', 't', 's', 'k', " + HASH + ", 'n', 1)",
            "policy_snapshot",
            "(scope_key, revision, leased_until) VALUES ('%s', 1, now())",
            "node_confirmation",
            "(tenant_id, revision, instance_id, asked_at) VALUES ('%s', 1, 'i', now())");

    /** The same of what stands beside entries, and of what keeps it. */
    private static final Map<String, String> KEPT_ROWS = Map.of(
            "ledger_payload", "(tenant_id, seq, field, salt, value) VALUES ('%s', 0, 28, " + HASH + ", '')",
            "ledger_spool",
                    "(tenant_id, recorded_by_tenant, recorded_by, spool_id, next_number, highest_number, heard_at,"
                            + " last_seq, last_entry_hash, last_recorded_at)"
                            + " VALUES ('%s', 't', 's', repeat('0', 32), 1, 0, now(), 0, " + HASH + ", now())",
            "ledger_pseudonym",
                    "(tenant_id, pseudonym, subject, salt) VALUES ('%s', 'pseudonym:' || repeat('0', 64), 's', " + HASH
                            + ")",
            "ledger_hold",
                    "(tenant_id, hold_id, reason, placed_by, placed_by_tenant, placed_at, placed_seq)"
                            + " VALUES ('%s', 'h', 'r', 's', 't', now(), 0)",
            "ledger_pruning",
                    "(tenant_id, pruning_id, from_seq, to_seq, reason, proposed_by, proposed_by_tenant, proposed_at,"
                            + " proposed_seq) VALUES ('%s', 'p', 0, 256, 'r', 's', 't', now(), 256)",
            "ledger_pruned",
                    "(tenant_id, to_seq, from_seq, pruning_id, note, object, pruned_by, pruned_by_tenant, pruned_at,"
                            + " pruned_seq) VALUES ('%s', 256, 0, 'p', 'n', 'o', 's', 't', now(), 257)",
            "ledger_past_action",
                    "(tenant_id, to_seq, resource, actor, action, seq, recorded_at)"
                            + " VALUES ('%s', 256, 'r', 's', 'a', 0, now())");

    /** The same of tables that only a transaction that signs writes. */
    private static final Map<String, String> SIGNED_ROWS = Map.of(
            "ledger_tree",
                    "(tenant_id, incarnation, size, root, note, signed_at) VALUES ('%s', 1, 0, " + HASH
                            + ", 'n', now())",
            "ledger_checkpoint",
                    "(tenant_id, incarnation, hour, size, root, note, signed_at) VALUES ('%s', 1, 1, 0, " + HASH
                            + ", 'n', now())",
            "ledger_tile",
                    "(tenant_id, incarnation, level, index, root, hashes) VALUES ('%s', 1, 0, 0, " + HASH
                            + ", decode(repeat('00', 8192), 'hex'))",
            "ledger_patrol", "(tenant_id, note, leased_until) VALUES ('%s', 'n', now())",
            "meta_leaf",
                    "(incarnation, index, tenant_id, leaf) VALUES (1, abs(hashtext('%1$s')::bigint), '%1$s', 'l')");

    /** Parents first. */
    static final List<String> TABLES = List.of(
            "ledger_head",
            "ledger_entry",
            "ledger_lineage",
            "ledger_term",
            "ledger_idempotency",
            "decision_page",
            "decision_bucket",
            "ledger_payload",
            "ledger_hold",
            "ledger_pseudonym",
            "ledger_spool",
            "ledger_pruning",
            "ledger_pruned",
            "ledger_past_action",
            "ledger_tree",
            "ledger_checkpoint",
            "ledger_tile",
            "ledger_patrol",
            "meta_leaf",
            "policy_scope",
            "policy_document",
            "policy_revision",
            "policy_sum",
            "policy_answer",
            "policy_snapshot",
            "policy_proposal",
            "policy_proposal_document",
            "policy_proposal_acceptance",
            "policy_proposal_comment",
            "node_confirmation",
            "approval_request",
            "approval_vote",
            "approval_comment",
            "api_key");

    /** Tables of which the application removes rows that are of no use any more. */
    private static final Set<String> DELETABLE = Set.of("ledger_idempotency", "node_confirmation");

    /** A column of each table that the application may set, where there is one. */
    private static final Map<String, String> SETTABLE = Map.ofEntries(
            Map.entry("ledger_head", "size = size"),
            Map.entry("ledger_term", "bits = bits"),
            Map.entry("ledger_hold", "released_at = released_at"),
            Map.entry("ledger_tree", "size = size"),
            Map.entry("ledger_patrol", "note = note"),
            Map.entry("ledger_checkpoint", "size = size"),
            Map.entry("meta_leaf", "leaf = leaf"),
            Map.entry("policy_scope", "revision = revision"),
            Map.entry("policy_document", "to_revision = to_revision"),
            Map.entry("policy_sum", "revision = revision"),
            Map.entry("policy_snapshot", "revision = revision"),
            Map.entry("policy_proposal", "ended = ended"),
            Map.entry("node_confirmation", "confirmed_at = confirmed_at"),
            Map.entry("approval_request", "open_until = open_until"),
            Map.entry("api_key", "revoked_at = revoked_at"));

    private static TestDatabase database;

    @BeforeAll
    static void fill() throws SQLException {
        database = TestDatabase.fresh();
        database.open(InstantSource.system()).close();
        for (String tenant : List.of("victim", "thief")) {
            for (String table : TABLES) {
                execute(SIGNED_ROWS.containsKey(table) ? "~anchor" : tenant, insert(table, tenant));
            }
        }
    }

    @AfterAll
    static void drop() {
        database.close();
    }

    @Test
    void knowsEveryTenantTable() throws SQLException {
        try (Connection connection = connect(database.superuser(), null);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class"
                        + " WHERE relnamespace = 'assize'::regnamespace AND relkind IN ('r', 'p') AND relrowsecurity"
                        + " AND NOT relispartition")) {
            row.next();
            assertThat(row.getString(1).split(",")).containsExactlyInAnyOrderElementsOf(TABLES);
        }
    }

    @ParameterizedTest
    @FieldSource("TABLES")
    void showsNothingWithoutATenant(String table) throws SQLException {
        for (String unset : new String[] {null, ""}) {
            assertThat(count(database.application(), unset, table, "true")).isZero();
            assertThat(count(database.owner(), unset, table, "true")).isZero();
        }
    }

    @ParameterizedTest
    @FieldSource("TABLES")
    void showsATenantItsOwnRowsOnly(String table) throws SQLException {
        assertThat(count(database.application(), "thief", table, named(table, "thief")))
                .isOne();
        assertThat(count(database.application(), "thief", table, named(table, "victim")))
                .isZero();
        assertThat(count(database.owner(), "thief", table, named(table, "victim")))
                .isZero();
    }

    @ParameterizedTest
    @FieldSource("TABLES")
    void refusesToInsertForAnother(String table) {
        assertThatThrownBy(() -> execute("thief", insert(table, "victim2")))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("row-level security policy");
        assertThatThrownBy(() -> execute(null, insert(table, "victim2")))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("row-level security policy");
    }

    @ParameterizedTest
    @FieldSource("TABLES")
    void neitherUpdatesNorRemovesAnothersRows(String table) throws SQLException {
        String where = " WHERE " + named(table, "victim");
        if (SETTABLE.containsKey(table)) {
            assertThat(execute("thief", "UPDATE assize." + table + " SET " + SETTABLE.get(table) + where))
                    .isZero();
        }
        if (DELETABLE.contains(table)) {
            assertThat(execute("thief", "DELETE FROM assize." + table + where)).isZero();
        } else {
            assertThatThrownBy(() -> execute("thief", "DELETE FROM assize." + table + where))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("permission denied");
        }
    }

    @Test
    void doesNotMoveARowToAnother() {
        assertThatThrownBy(() -> execute("thief", "UPDATE assize.ledger_head SET tenant_id = 'victim2'"))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("permission denied");
    }

    @Test
    void reachesNoPartitionDirectly() {
        assertThatThrownBy(() -> execute("thief", "SELECT FROM assize.ledger_entry_default"))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("permission denied");
    }

    @Test
    void showsTheOneKeyThatIsPresented() throws SQLException {
        try (Connection connection = connect(database.application(), "");
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT set_config('assize.key', 'key-of-victim', true)");
            try (ResultSet row = statement.executeQuery("SELECT string_agg(key_id, ',') FROM assize.api_key")) {
                row.next();
                assertThat(row.getString(1)).isEqualTo("key-of-victim");
            }
        }
    }

    @Test
    void showsTheKeysThatAreNamedTogetherAndNoOthers() throws SQLException {
        try (Connection connection = connect(database.application(), "");
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT set_config('assize.key', 'key-of-nobody,key-of-victim', true)");
            try (ResultSet row = statement.executeQuery("SELECT string_agg(key_id, ',') FROM assize.api_key")) {
                row.next();
                assertThat(row.getString(1)).isEqualTo("key-of-victim");
            }
            for (String others : List.of("", "key-of", "key-of-victim-2", "key-of-victim%", ",,")) {
                statement.execute("SELECT set_config('assize.key', '" + others + "', true)");
                try (ResultSet row = statement.executeQuery("SELECT count(*) FROM assize.api_key")) {
                    row.next();
                    assertThat(row.getInt(1)).as(others).isZero();
                }
            }
        }
    }

    @Test
    void showsEveryTenantThePlatformsPolicyButNotToChange() throws SQLException {
        assertThat(count(database.application(), "thief", "policy_scope", "scope_key = '~platform'"))
                .isOne();
        assertThat(execute("thief", "UPDATE assize.policy_scope SET revision = 9 WHERE scope_key = '~platform'"))
                .isZero();
    }

    @Test
    void showsWhoLooksForWhatHasExpiredWhatWaitsButNotToChange() throws SQLException {
        Map<String, String> changes =
                Map.of("approval_request", "open_until = open_until", "policy_proposal", "ended = ended");
        for (Map.Entry<String, String> change : changes.entrySet()) {
            String table = change.getKey();
            assertThat(count(database.application(), "~expiry", table, "ended IS NULL"))
                    .as(table)
                    .isEqualTo(2);
            assertThat(execute("~expiry", "UPDATE assize." + table + " SET " + change.getValue()))
                    .as(table)
                    .isZero();
        }
        assertThat(count(database.application(), "~expiry", "approval_vote", "true"))
                .isZero();
        assertThat(count(database.application(), "~expiry", "policy_proposal_document", "true"))
                .isZero();
    }

    @Test
    void forgetsTheTenantWithTheTransaction() throws SQLException {
        try (Connection connection = connect(database.application(), "victim");
                Statement statement = connection.createStatement()) {
            connection.rollback();
            try (ResultSet row = statement.executeQuery("SELECT count(*) FROM assize.ledger_entry")) {
                row.next();
                assertThat(row.getInt(1)).isZero();
            }
        }
    }

    private static String insert(String table, String tenant) {
        return "INSERT INTO assize." + table + " "
                + requireNonNull(ROWS.getOrDefault(
                                table,
                                CHANGE_ROWS.getOrDefault(table, KEPT_ROWS.getOrDefault(table, SIGNED_ROWS.get(table)))))
                        .formatted(tenant);
    }

    private static String named(String table, String tenant) {
        String column =
                table.startsWith("policy") ? "scope_key" : table.equals("api_key") ? "home_tenant" : "tenant_id";
        return column + " = '" + tenant + "'";
    }

    private static int count(DatabaseAccess access, @Nullable String tenant, String table, String where)
            throws SQLException {
        try (Connection connection = connect(access, tenant);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT count(*) FROM assize." + table + " WHERE " + where)) {
            row.next();
            return row.getInt(1);
        }
    }

    private static int execute(@Nullable String tenant, String sql) throws SQLException {
        try (Connection connection = connect(database.application(), tenant);
                Statement statement = connection.createStatement()) {
            int rows = statement.executeUpdate(sql);
            connection.commit();
            return rows;
        }
    }

    /** Within a transaction that names the tenant. */
    private static Connection connect(DatabaseAccess access, @Nullable String tenant) throws SQLException {
        Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
        connection.setAutoCommit(false);
        if (tenant != null) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("SELECT set_config('assize.tenant', '" + tenant + "', true)");
            }
        }
        return connection;
    }
}
