package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.SpoolRepository.Sender;
import dev.assize.server.audit.SpoolRepository.Verdict;
import dev.assize.server.audit.SpooledBatch;
import dev.assize.server.audit.SpooledBatch.SpooledEvents;
import dev.assize.server.audit.SpooledLog;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Hold;
import dev.assize.server.retention.HoldScope;
import dev.assize.server.retention.Pruning;
import dev.assize.server.retention.PseudonymRepository;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Attacks on ledgers whose beginning was archived, and on what says so. */
class TamperedPruningTest extends PruningFixture {

    /** As somebody can who owns the database: rows need not fit each other. */
    private static final String FREELY = "SET session_replication_role = replica";

    @Test
    void somebodyRemovesTheBeginning() throws Exception {
        TenantId tenant = ledger("attacked", 700);
        remove(tenant, 256);
        assertThat(fault(tenant)).startsWith("entry 0 is missing: entry 256 follows");
    }

    @Test
    void somebodyRemovesTheBeginningAndSaysThatItWasPruned() throws Exception {
        TenantId tenant = ledger("forged", 700);
        TenantId other = ledger("honest", 700);
        agree(propose(other, 256));
        sign();
        remove(tenant, 256);
        sql(
                tenant,
                "INSERT INTO assize.ledger_pruning SELECT 'forged', pruning_id, from_seq, to_seq, reason, proposed_by,"
                        + " proposed_by_tenant, proposed_at, proposed_seq FROM assize.ledger_pruning WHERE tenant_id ="
                        + " 'honest'",
                "INSERT INTO assize.ledger_pruned SELECT 'forged', to_seq, from_seq, pruning_id, note, object,"
                        + " pruned_by, pruned_by_tenant, pruned_at, pruned_seq FROM assize.ledger_pruned WHERE tenant_id ="
                        + " 'honest'");
        assertThat(fault(tenant))
                .isEqualTo("that entries before 256 were pruned is not signed by a key of this deployment");
        LedgerWalk walk = node.verifier().walk(tenant, null);
        assertThat(walk.step(100)).isPresent();
    }

    @Test
    void somebodyRemovesMoreThanWasPruned() throws Exception {
        TenantId tenant = ledger("more", 700);
        agree(propose(tenant, 256));
        sign();
        remove(tenant, 512);
        assertThat(fault(tenant)).startsWith("entry 256 is missing: entry 512 follows");
    }

    @Test
    void somebodyRemovesWhatSaysThatItWasPruned() throws Exception {
        TenantId tenant = ledger("unsaid", 700);
        agree(propose(tenant, 256));
        sign();
        String kept = "DELETE FROM assize.ledger_pruned WHERE tenant_id = 'unsaid'";
        sql(
                tenant,
                "CREATE TABLE IF NOT EXISTS public.kept AS SELECT * FROM assize.ledger_pruned WHERE false",
                "INSERT INTO public.kept SELECT * FROM assize.ledger_pruned WHERE tenant_id = 'unsaid'",
                kept);
        assertThat(fault(tenant)).startsWith("entry 0 is missing: entry 256 follows");
        sql(tenant, "INSERT INTO assize.ledger_pruned SELECT * FROM public.kept");
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        sql(tenant, "UPDATE assize.ledger_pruned SET pruned_seq = pruned_seq - 1 WHERE tenant_id = 'unsaid'");
        assertThat(fault(tenant)).isEqualTo("that entries before 256 were pruned is in no entry of the ledger");
    }

    @Test
    void somebodySetsASpoolBackToWhatWasPruned() throws SQLException {
        TenantId tenant = new TenantId("set-back");
        String before = "a".repeat(32);
        String behind = "b".repeat(32);
        declare(tenant, "1h");
        now = daysAgo(60);
        send(tenant, before);
        append(tenant, 300, 60);
        send(tenant, behind);
        sign();
        agree(propose(tenant, 256));
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        sql(
                tenant,
                "UPDATE assize.ledger_spool SET last_seq = 0, last_hash = NULL, next_number = highest_number + 1"
                        + " WHERE tenant_id = 'set-back' AND spool_id = '" + behind + "'");
        assertThat(fault(tenant)).isEqualTo("how far spool " + behind + " is is not as the ledger's entries say");
    }

    @Test
    void aNameWhoseErasureWasPrunedIsNotMissed() throws SQLException {
        TenantId tenant = new TenantId("private-gone");
        declare(tenant, "1h");
        now = daysAgo(60);
        Subject alice = new Subject("user", "alice");
        Subject agent = new Subject("agent", "x");
        try (AnchoredNode other = open()) {
            assertThat(other.round()).isEmpty();
            other.append(tenant, List.of(AnchoredNode.event(alice, null)));
            append(tenant, 250, 60);
            now = daysAgo(60);
            assertThat(node.pseudonyms().forget(tenant, ANN, alice, "request 7"))
                    .isInstanceOf(PseudonymRepository.Forgotten.Done.class);
            append(tenant, 5, 60);
            now = daysAgo(60);
            other.append(tenant, List.of(AnchoredNode.event(alice, null), AnchoredNode.event(agent, alice)));
        }
        now = started;
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        agree(propose(tenant, 256));
        sign();
        assertThat(entries(tenant, 255, 10).getFirst().event().actor().isPseudonym())
                .isTrue();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
    }

    @Test
    void somebodyForgetsWhatWasDone() throws Exception {
        TenantId tenant = ledger("forgotten", 700);
        agree(propose(tenant, 256));
        sign();
        sql(tenant, "DELETE FROM assize.ledger_past_action WHERE tenant_id = 'forgotten'");
        assertThat(fault(tenant))
                .isEqualTo("what entries 0 to 255 show to have been done is not what was kept of it when they were"
                        + " pruned");
    }

    @Test
    void everyChangeOfWhatIsKeptOfThePrunedIsFound() throws SQLException {
        TenantId tenant = ledger("kept-of-it", 1_000);
        agree(propose(tenant, 256));
        agree(propose(tenant, 512));
        sign();
        for (String table : List.of("ledger_pruned", "ledger_past_action", "ledger_pruning")) {
            sql(
                    tenant,
                    "CREATE TABLE public.kept_" + table + " AS SELECT * FROM assize." + table
                            + " WHERE tenant_id = 'kept-of-it'");
        }
        for (String change : List.of(
                "ledger_pruned SET to_seq = 768 WHERE to_seq = 512",
                "ledger_pruned SET note = replace(note, '512', '768') WHERE to_seq = 512",
                "ledger_pruned SET note = replace(note, 'pruned v1', 'pruned v2') WHERE to_seq = 256",
                "ledger_pruned SET pruned_seq = pruned_seq + 1 WHERE to_seq = 512",
                "ledger_pruned SET pruned_seq = pruned_seq + 1 WHERE to_seq = 256",
                "ledger_pruned SET from_seq = 0 WHERE to_seq = 512",
                "ledger_pruned SET pruning_id = pruning_id || 'x' WHERE to_seq = 256",
                "ledger_pruned SET object = object || 'x' WHERE to_seq = 512",
                "ledger_pruned SET pruned_by = pruned_by || 'x' WHERE to_seq = 512",
                "ledger_pruned SET pruned_by_tenant = pruned_by_tenant || 'x' WHERE to_seq = 256",
                "ledger_pruned SET pruned_at = pruned_at + interval '1 microsecond' WHERE to_seq = 512",
                "ledger_pruning SET tenant_id = 'else' WHERE to_seq = 512",
                "ledger_pruning SET pruning_id = pruning_id || 'x' WHERE to_seq = 512",
                "ledger_pruning SET from_seq = from_seq + 1 WHERE to_seq = 512",
                "ledger_pruning SET to_seq = to_seq + 1 WHERE to_seq = 256",
                "ledger_pruning SET reason = reason || 'x' WHERE to_seq = 256",
                "ledger_pruning SET proposed_by = proposed_by || 'x' WHERE to_seq = 256",
                "ledger_pruning SET proposed_by_tenant = proposed_by_tenant || 'x' WHERE to_seq = 256",
                "ledger_pruning SET proposed_at = proposed_at + interval '1 microsecond' WHERE to_seq = 256",
                "ledger_pruning SET proposed_seq = proposed_seq + 1 WHERE to_seq = 256",
                "ledger_past_action SET resource = resource || '/x' WHERE to_seq = 256",
                "ledger_past_action SET actor = actor || 'x' WHERE to_seq = 256",
                "ledger_past_action SET action = action || 'x' WHERE to_seq = 512",
                "ledger_past_action SET seq = seq + 1 WHERE to_seq = 256",
                "ledger_past_action SET to_seq = to_seq + 1 WHERE to_seq = 512",
                "ledger_past_action SET recorded_at = recorded_at + interval '1 microsecond' WHERE to_seq = 512")) {
            String table = change.substring(0, change.indexOf(' '));
            sql(tenant, FREELY, "UPDATE assize." + change + " AND tenant_id = 'kept-of-it'");
            assertThat(node.verifySigned(tenant, (String) null)).as(change).isInstanceOf(Broken.class);
            assertThat(node.verifier().walk(tenant, null).step(1))
                    .as("patrol, %s", change)
                    .isPresent();
            sql(
                    tenant,
                    FREELY,
                    "DELETE FROM assize." + table + " WHERE tenant_id IN ('kept-of-it', 'else')",
                    "INSERT INTO assize." + table + " SELECT * FROM public.kept_" + table);
        }
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
    }

    @Test
    void aMaskedReasonIsHeldToWhatIsLeftOfIt() throws SQLException {
        TenantId tenant = new TenantId("masked-reasons");
        declare(tenant, "1h\n    piiPatterns: [Ann Example]");
        append(tenant, 600, 60);
        sign();
        Hold hold = retention.place(new Hold.Placing(
                tenant, ANN, new HoldScope(new Subject("user", "x"), null, null, null), "Ann Example asked, case 12"));
        Pruning pruning = propose(tenant, 256, "Ann Example asked, case 13");
        sign();
        assertThat(hold.reason()).isEqualTo("[masked] asked, case 12");
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        for (String table : List.of("ledger_hold", "ledger_pruning")) {
            String row = " WHERE tenant_id = 'masked-reasons'";
            String change = "UPDATE assize." + table + " SET reason = replace(reason, ";
            sql(tenant, change + "'[masked]', 'Ann Example')" + row);
            assertThat(node.verifySigned(tenant, (String) null))
                    .as("an older row")
                    .isInstanceOf(Sound.class);
            sql(tenant, change + "'Ann Example', '[masked]')" + row);
            sql(tenant, change + "'case', 'file')" + row);
            assertThat(fault(tenant))
                    .isEqualTo((table.equals("ledger_hold")
                                    ? "legal hold " + hold.id()
                                    : "what is on record of pruning " + pruning.id())
                            + " is not as the ledger's entries say");
            sql(tenant, change + "'file', 'case')" + row);
        }
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
    }

    @Test
    void somebodyPutsEntriesBack() throws Exception {
        TenantId tenant = ledger("back", 700);
        sql(
                tenant,
                "CREATE TABLE public.copy AS SELECT * FROM assize.ledger_entry WHERE tenant_id = 'back' AND seq < 2");
        agree(propose(tenant, 256));
        sign();
        sql(tenant, "INSERT INTO assize.ledger_entry SELECT * FROM public.copy WHERE seq = 1");
        assertThat(fault(tenant)).isEqualTo("entry 1 is there, and the ledger was pruned up to 256");
        sql(
                tenant,
                "DELETE FROM assize.ledger_entry WHERE tenant_id = 'back' AND seq = 1",
                "INSERT INTO assize.ledger_lineage (tenant_id, seq, kind, position, uri, recorded_at)"
                        + " VALUES ('back', 3, 1, 0, 'db:x', now())");
        assertThat(fault(tenant)).startsWith("entry 3 is not there");
    }

    private void send(TenantId tenant, String spool) {
        SpooledBatch batch = new SpooledBatch(
                spool,
                List.of(new SpooledEvents(1, List.of(AnchoredNode.event(1)))),
                SpooledLog.begins(spool),
                Digest.sha256(new byte[1]),
                1);
        Sender sidecar = new Sender(new Recorder(new Subject("service", "sidecar"), tenant), "key");
        assertThat(node.spooled().append(tenant, sidecar, batch).verdict()).isEqualTo(Verdict.APPENDED);
    }

    private void remove(TenantId tenant, long to) throws SQLException {
        List<String> statements = new ArrayList<>();
        for (String table :
                List.of("ledger_lineage", "ledger_payload", "decision_page", "decision_bucket", "ledger_entry")) {
            statements.add("DELETE FROM assize." + table + " WHERE tenant_id = '" + tenant + "' AND seq < " + to);
        }
        sql(tenant, statements.toArray(String[]::new));
    }
}
