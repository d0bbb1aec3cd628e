package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.Outcome;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.LedgerMetrics;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.Action;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.EventBuilder;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tampers with the tables as somebody who may do everything, and has the ledger verified. */
class TamperedLedgerTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId OTHER = new TenantId("other");
    private static final int ENTRIES = 10;

    private static TestDatabase testDatabase;
    private static Database database;
    private static ChainVerifier verifier;

    @BeforeAll
    static void append() throws SQLException {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
        AuditCodec codec = new AuditCodec();
        PostgresLedgerStore store = new PostgresLedgerStore(
                database, new LedgerWriter(database, codec, (_, _) -> {}, InstantSource.system()));
        verifier = new ChainVerifier(store, codec, new LedgerMetrics(new SimpleMeterRegistry()));
        for (TenantId tenant : List.of(ACME, OTHER)) {
            List<EntryDraft> drafts = IntStream.range(0, ENTRIES)
                    .mapToObj(i -> codec.encode(event(i), Recorder.ASSIZE))
                    .toList();
            store.append(tenant, List.of(new AppendCommand(Recorder.ASSIZE, drafts, null)));
        }
        execute("""
                CREATE TABLE assize.kept_entry AS TABLE assize.ledger_entry;
                CREATE TABLE assize.kept_head AS TABLE assize.ledger_head;
                """);
    }

    @AfterEach
    void repair() throws SQLException {
        execute("""
                SET search_path = assize;
                DELETE FROM ledger_entry;
                INSERT INTO ledger_entry SELECT * FROM kept_entry;
                DELETE FROM ledger_head;
                INSERT INTO ledger_head SELECT * FROM kept_head;
                """);
        assertThat(verify(ACME)).isInstanceOf(Sound.class);
    }

    @AfterAll
    static void drop() {
        database.close();
        testDatabase.close();
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
                    UPDATE ledger_entry SET actor = 'user:mallory' WHERE #acme AND seq = 3          ; 3 ; PROJECTION
                    UPDATE ledger_entry SET recorded_by = 'user:mallory' WHERE #acme AND seq = 3    ; 3 ; PROJECTION
                    UPDATE ledger_entry SET recorded_by_tenant = 'other' WHERE #acme AND seq = 3    ; 3 ; PROJECTION
                    UPDATE ledger_entry SET type = 'x' WHERE #acme AND seq = 3                      ; 3 ; PROJECTION
                    UPDATE ledger_entry SET category = NULL WHERE #acme AND seq = 3                 ; 3 ; PROJECTION
                    UPDATE ledger_entry SET role = '' WHERE #acme AND seq = 3                       ; 3 ; PROJECTION
                    UPDATE ledger_entry SET action = 'read' WHERE #acme AND seq = 3                 ; 3 ; PROJECTION
                    UPDATE ledger_entry SET resource = 'vault' WHERE #acme AND seq = 3              ; 3 ; PROJECTION
                    UPDATE ledger_entry SET env = 'staging' WHERE #acme AND seq = 3                 ; 3 ; PROJECTION
                    UPDATE ledger_entry SET outcome = 1 WHERE #acme AND seq = 3                     ; 3 ; PROJECTION
                    UPDATE ledger_entry SET occurred_at = occurred_at + 1 WHERE #acme AND seq = 3   ; 3 ; PROJECTION
                    UPDATE ledger_entry SET run_id = 'other' WHERE #acme AND seq = 3                ; 3 ; PROJECTION
                    UPDATE ledger_entry SET decision_id = NULL WHERE #acme AND seq = 3              ; 3 ; PROJECTION
                    UPDATE ledger_entry SET recorded_at = '2020-02-02' WHERE #acme AND seq = 3      ; 3 ; PROJECTION
                    UPDATE ledger_entry SET frame = #flipped WHERE #acme AND seq = 4                ; 4 ; ENTRY_HASH
                    UPDATE ledger_entry SET entry_hash = sha256(frame) WHERE #acme AND seq = 4      ; 4 ; ENTRY_HASH
                    UPDATE ledger_entry SET decision_id = 'decision-A', frame = #flipped, entry_hash = sha256('\\x00' || #flipped) \
                    WHERE #acme AND seq = 4                                                         ; 5 ; LINK
                    UPDATE ledger_entry SET frame = '\\x0109', entry_hash = sha256('\\x000109') \
                    WHERE #acme AND seq = 4                                                         ; 4 ; FRAME
                    DELETE FROM ledger_entry WHERE #acme AND seq = 0                                ; 0 ; SEQUENCE
                    DELETE FROM ledger_entry WHERE #acme AND seq = 5                                ; 5 ; SEQUENCE
                    DELETE FROM ledger_entry WHERE #acme AND seq = 9                                ; 9 ; SEQUENCE
                    DELETE FROM ledger_entry WHERE #acme                                            ; 0 ; SEQUENCE
                    UPDATE ledger_entry SET seq = 20 WHERE #acme AND seq = 6                        ; 6 ; SEQUENCE
                    UPDATE ledger_entry SET seq = 7 WHERE #acme AND seq = 6                         ; 6 ; SEQUENCE
                    UPDATE ledger_entry SET seq = 5 WHERE #acme AND seq = 6                         ; 5 ; SEQUENCE
                    UPDATE ledger_entry SET seq = 13 - seq WHERE #acme AND seq IN (6, 7)            ; 6 ; SEQUENCE
                    UPDATE ledger_entry SET tenant_id = 'other' WHERE #acme AND seq = 6             ; 6 ; SEQUENCE
                    INSERT INTO ledger_entry SELECT 'acme', 10, recorded_at, frame, entry_hash \
                    FROM ledger_entry WHERE #acme AND seq = 9                                               ; 10 ; SEQUENCE
                    UPDATE ledger_head SET size = 9 WHERE #acme                                     ; 9 ; SEQUENCE
                    UPDATE ledger_head SET size = 11 WHERE #acme                                    ; 10 ; SEQUENCE
                    UPDATE ledger_head SET size = 0, last_recorded_at = NULL WHERE #acme            ; 0 ; HEAD
                    UPDATE ledger_head SET last_hash = sha256('') WHERE #acme                       ; 9 ; HEAD
                    UPDATE ledger_head SET last_recorded_at = '2020-02-02' WHERE #acme              ; 9 ; HEAD
                    UPDATE ledger_head SET incarnation = 2 WHERE #acme                              ; 9 ; HEAD
                    UPDATE ledger_head SET origin = 'x/acme' WHERE #acme                            ; 9 ; HEAD
                    DELETE FROM ledger_head WHERE #acme                                             ; 0 ; HEAD
                    """)
    void namesWhatWasTamperedWith(String sql, long seq, Verification.Kind kind) throws SQLException {
        execute("SET search_path = assize; "
                + sql.replace("#acme", "tenant_id = 'acme'")
                        // In the last byte, which is the last of the text of a decision's id.
                        .replace("#flipped", "set_byte(frame, length(frame) - 1, 65)"));
        Fault fault = ((Broken) verify(ACME)).fault();
        assertThat(fault.message()).isNotBlank();
        assertThat(fault).extracting(Fault::seq, Fault::kind).containsExactly(seq, kind);
    }

    @Test
    void findsEntriesOfAnotherTenant() throws SQLException {
        execute("DELETE FROM assize.ledger_entry WHERE tenant_id = 'acme'");
        execute("UPDATE assize.ledger_entry SET tenant_id = 'acme' WHERE tenant_id = 'other'");
        assertThat(((Broken) verify(ACME)).fault())
                .extracting(Fault::seq, Fault::kind)
                .containsExactly(0L, Verification.Kind.ORIGIN);
    }

    private static Verification verify(TenantId tenant) {
        return verifier.verify(tenant, 0, null, (verified, total) -> {});
    }

    private static void execute(String sql) throws SQLException {
        DatabaseAccess superuser = testDatabase.superuser();
        try (Connection connection =
                        DriverManager.getConnection(superuser.url(), superuser.user(), superuser.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static AuditEvent event(int i) {
        return EventBuilder.event(
                        "replay.executed",
                        new Subject("user", "alice"),
                        new Action("replay"),
                        ResourcePath.parse("vault:company"))
                .outcome(Outcome.DENIED)
                .category("replay")
                .role("operator")
                .occurredAt(Instant.parse("2026-02-28T00:00:00Z").plusSeconds(i))
                .runId("run-" + i)
                .decisionId("decision-" + i)
                .build();
    }
}
