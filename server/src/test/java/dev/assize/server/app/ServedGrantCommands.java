package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.server.storage.DatabaseAccess;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Who may and who is stopped, from the command line: freezes, grants, their review and their end. */
abstract class ServedGrantCommands extends ServedCommands {

    ServedGrantCommands(Served served) {
        super(served);
    }

    @Test
    void freezesListsAndLifts() throws IOException {
        assertThat(console.run("freeze", "--subject", "user:alice")).isEqualTo(2);
        assertThat(console.err()).contains("--reason");
        assertThat(console.run("freeze", "--reason", "why")).isEqualTo(2);
        assertThat(console.run("freeze", "--all", "--reason", "why", "--until", "soon"))
                .isEqualTo(2);
        assertThat(console.run(
                        "freeze", "--run", "r1", "--reason", "why", "--until", "2999-01-01T00:00:00Z", "--for", "15m"))
                .isEqualTo(2);

        assertThat(console.run("freeze", "--subject", "user:alice", "--reason", "runs wild", "--name", "stop"))
                .as(console.err())
                .isZero();
        assertThat(console.out())
                .contains("FROZEN stop", "Confirmed by 1 node.", "noc", "assize unfreeze stop --tenant acme");
        assertThat(console.run("check", "user:alice", "replay:1", "execute", "--env", "staging"))
                .isEqualTo(3);
        assertThat(console.run("freeze", "--list")).isZero();
        assertThat(console.out()).contains("stop", "user:alice", "runs wild");
        assertThat(console.run("unfreeze", "stop", "--reason", "over", "--output", "json"))
                .isZero();
        assertThat(new ObjectMapper()
                        .readTree(console.out())
                        .path("nodes")
                        .path("confirmed")
                        .asInt())
                .isEqualTo(1);
        assertThat(console.run("unfreeze", "stop")).isEqualTo(1);
        assertThat(console.run("check", "user:alice", "replay:1", "execute", "--env", "staging"))
                .isZero();

        assertThat(console.run(
                        "freeze",
                        "--run",
                        "r1",
                        "--env",
                        "staging",
                        "--for",
                        "15m",
                        "--reason",
                        "w",
                        "--output",
                        "json"))
                .isZero();
        String name = new ObjectMapper().readTree(console.out()).path("name").asText();
        assertThat(console.run("freeze", "--list", "--output", "json")).isZero();
        assertThat(new ObjectMapper()
                        .readTree(console.out())
                        .path("freezes")
                        .path(0)
                        .path("env")
                        .asText())
                .isEqualTo("staging");
        assertThat(console.run("unfreeze", name)).isZero();
    }

    @Test
    void grantsAndRevokes() {
        assertThat(console.run("grant", "--subject", "user:bob")).isEqualTo(2);
        assertThat(console.run("grant", "--subject", "user:bob", "--role", "nobody"))
                .isEqualTo(1);
        assertThat(console.run(
                        "grant",
                        "--subject",
                        "user:bob,user:eve",
                        "--role",
                        "operator",
                        "--env",
                        "staging",
                        "--for",
                        "8h",
                        "--name",
                        "on-call"))
                .as(console.err())
                .isZero();
        assertThat(console.out()).startsWith("GRANTED on-call");
        assertThat(console.run("check", "user:bob", "replay:1", "execute", "--env", "staging"))
                .isZero();
        assertThat(console.run("check", "user:bob", "replay:1", "execute", "--env", "production"))
                .isEqualTo(3);
        assertThat(console.run("revoke", "on-call", "--subject", "user:bob")).isZero();
        assertThat(console.run("check", "user:eve", "replay:1", "execute", "--env", "staging"))
                .isZero();
        assertThat(console.run("check", "user:bob", "replay:1", "execute", "--env", "staging"))
                .isEqualTo(3);
        assertThat(console.run("revoke", "on-call", "--idempotency-key", "k", "--output", "json"))
                .isZero();
        assertThat(console.run("revoke", "on-call", "--idempotency-key", "k")).isZero();
        assertThat(console.out()).contains("by an earlier request");
        assertThat(console.run("revoke", "on-call")).isEqualTo(1);
    }

    @Test
    void reviewsAccessAsTableJsonAndCsv() throws IOException {
        assertThat(console.run(
                        "grant",
                        "--subject",
                        "user:rita",
                        "--role",
                        "operator",
                        "--name",
                        "rita",
                        "--reason",
                        "=HYPERLINK(\"http://x\")"))
                .as(console.err())
                .isZero();
        assertThat(console.run("access", "review", "--subject", "user:rita", "--csv", "--output", "json"))
                .isEqualTo(2);

        assertThat(console.run("access", "review", "--subject", "user:rita")).isZero();
        assertThat(console.out())
                .contains("user:rita", "operator", "user:admin", "for ever", "not recorded")
                .contains("1 grant at revision");
        assertThat(console.run("access", "review", "--subject", "user:rita", "--output", "json"))
                .isZero();
        assertThat(new ObjectMapper()
                        .readTree(console.out())
                        .path("grants")
                        .path(0)
                        .path("given")
                        .path("origin")
                        .asText())
                .isEqualTo("grant");
        assertThat(console.run("access", "review", "--csv")).isZero();
        assertThat(console.out())
                .startsWith("subject,subject_tenant,role,")
                .contains("user:rita,acme,operator,rita,")
                .contains("\"'=HYPERLINK(\"\"http://x\"\")\"")
                .doesNotContain(",=");
        assertThat(console.run("revoke", "rita")).as(console.err()).isZero();
    }

    /** Its first turn came with the first start. */
    @Test
    void cleansUpOnceADayByItself() throws SQLException {
        DatabaseAccess owner = server.databaseOwner().orElseThrow();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        try (Connection connection = DriverManager.getConnection(owner.url(), owner.user(), owner.password());
                Statement statement = connection.createStatement()) {
            long minutes;
            do {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
                try (ResultSet row = statement.executeQuery(
                        "SELECT extract(epoch FROM next_at - now())::bigint / 60 FROM assize.clean_up")) {
                    assertThat(row.next()).isTrue();
                    minutes = row.getLong(1);
                }
            } while (minutes < 23 * 60 && System.nanoTime() < deadline);
            assertThat(minutes).as("minutes to its next turn").isBetween(23L * 60, 24L * 60);
        }
    }

    @Test
    void cleansUpWhatHasEnded() {
        assertThat(console.run(
                        "grant",
                        "--subject",
                        "user:gone",
                        "--role",
                        "operator",
                        "--name",
                        "gone",
                        "--until",
                        "2026-01-01T00:00:00Z"))
                .as(console.err())
                .isZero();
        assertThat(console.run("access", "clean-up", "--dry-run", "--ended-for", "0s"))
                .isZero();
        assertThat(console.out()).contains("gone", "user:gone", "WOULD DELETE 1 binding");
        assertThat(console.run("access", "clean-up", "--ended-for", "0s")).isZero();
        assertThat(console.out()).contains("DELETED 1 binding  revision ");
        assertThat(console.run("access", "clean-up")).isZero();
        assertThat(console.out()).startsWith("NOTHING TO DELETE");
    }
}
