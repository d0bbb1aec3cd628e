package dev.assize.server.anchor;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.administration.PolicyDriftException;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Hold;
import dev.assize.server.retention.HoldScope;
import dev.assize.server.retention.Pruning;
import dev.assize.server.retention.Pruning.Limit.Kind;
import dev.assize.server.retention.Pruning.Plan;
import dev.assize.server.retention.Pruning.ProposalResult;
import dev.assize.server.retention.Pruning.Result;
import dev.assize.server.retention.Pruning.Wish;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What may leave a ledger, and who says so. */
class PruningTest extends PruningFixture {

    @Test
    void refusesWhatMayNotGo() throws SQLException {
        TenantId tenant = new TenantId("not-yet");
        append(tenant, 600, 60);
        append(tenant, 300, 10);
        assertThat(limit(tenant)).isEqualTo(Kind.NO_RETENTION);
        declare(tenant, "240h");

        assertThat(limit(tenant)).isEqualTo(Kind.UNSIGNED);
        sign();
        Plan plan = plan(tenant);
        assertThat(plan.toSeq()).isEqualTo(512);
        assertThat(plan.limit())
                .isEqualTo(new Pruning.Limit(
                        Kind.YOUNG,
                        600,
                        "entry 600 stays: it is not 31 days old, for which retries of an append are answered"));
        assertThat(pruner.plan(new Wish(tenant, 300L, null))).isEqualTo(new Plan(0, 256, null, Duration.ofDays(10)));
        assertThat(pruner.plan(new Wish(tenant, null, daysAgo(60).minusSeconds(1)))
                        .isEmpty())
                .isTrue();
        Hold hold = retention.place(new Hold.Placing(
                tenant, ANN, new HoldScope(null, null, recordedAt(tenant, 300), recordedAt(tenant, 301)), "case 12"));
        assertThat(plan(tenant).toSeq()).isEqualTo(256);
        assertThat(limit(tenant)).isEqualTo(Kind.HOLD);
        retention.place(new Hold.Placing(tenant, ANN, EVERYTHING, "case 13"));
        assertThat(pruner.propose(new Wish(tenant, null, null), ANN, "old"))
                .isInstanceOfSatisfying(
                        ProposalResult.Nothing.class,
                        nothing -> assertThat(
                                        requireNonNull(nothing.plan().limit()).message())
                                .startsWith("entry 0 stays: it is under legal hold h"));
        assertThat(hold.id()).startsWith("h");
        sql(
                tenant,
                "UPDATE assize.ledger_hold SET released_by = 'user:x', released_by_tenant = 'assize', released_at ="
                        + " now(), released_seq = placed_seq + 1 WHERE tenant_id = 'not-yet'");
        declare(tenant, "8760h");
        assertThat(plan(tenant).isEmpty()).isTrue();
    }

    @Test
    void whatSaysThatAHoldIsInForceStaysAsLongAsItIs() throws SQLException {
        TenantId tenant = new TenantId("says-so");
        append(tenant, 100, 60);
        now = daysAgo(59);
        Hold hold = retention.place(new Hold.Placing(
                tenant, ANN, new HoldScope(new Subject("user", "nobody"), null, null, null), "case 12"));
        now = started;
        append(tenant, 600, 50);
        declare(tenant, "240h");
        sign();
        assertThat(plan(tenant).isEmpty()).isTrue();
        assertThat(requireNonNull(plan(tenant).limit()).message())
                .isEqualTo("entry 100 stays: it is under legal hold " + hold.id());
        retention.release(new Hold.Release(tenant, BOB, hold.id(), "closed"));
        assertThat(plan(tenant).toSeq()).isEqualTo(512);
        sign();
        agree(propose(tenant, 512));
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        sql(tenant, "UPDATE assize.ledger_hold SET released_seq = released_seq + 1 WHERE tenant_id = 'says-so'");
        assertThat(fault(tenant)).isEqualTo("legal hold " + hold.id() + " is not as the ledger's entries say");
    }

    @Test
    void refusesWhereTheStoredPolicyIsNotWhatItsLastChangeLeft() throws SQLException {
        TenantId tenant = ledger("drifted", 600);
        sql(tenant, "UPDATE assize.policy_scope SET revision = 1 WHERE scope_key = 'drifted'");
        Pruning pruning = propose(tenant, 512);

        assertThatThrownBy(() -> pruner.agree(tenant, BOB, pruning.id())).isInstanceOf(PolicyDriftException.class);

        assertThat(entries(tenant, -1, 1).getFirst().seq()).isZero();
    }

    /** Answers are kept for 31 days, and entries as long: with what is pruned go all answers that were given for it. */
    @Test
    void aKeyOfWhatWasPrunedIsUnknown() throws SQLException {
        TenantId tenant = new TenantId("keys");
        declare(tenant, "1h");
        List<AuditEvent> four =
                IntStream.range(0, 4).mapToObj(AnchoredNode::event).toList();
        now = daysAgo(60);
        node.append(tenant, four, "gone");
        append(tenant, 250, 60);
        now = daysAgo(60);
        List<Receipt> first = ((AppendResult.Appended) node.append(tenant, four, "in part gone")).receipts();
        assertThat(first).extracting(Receipt::seq).containsExactly(254L, 255L, 256L, 257L);
        append(tenant, 300, 60);
        now = daysAgo(60);
        node.append(tenant, four, "left");
        now = started;
        sign();
        String answers = "assize.ledger_idempotency WHERE tenant_id = 'keys'";
        sql(tenant, "CREATE TABLE public.answers AS SELECT * FROM " + answers);
        assertThat(query("SELECT count(*) FROM public.answers")).isEqualTo("3");

        agree(propose(tenant, 256));

        assertThat(query("SELECT count(*) FROM " + answers + " AND first_seq < 256"))
                .isEqualTo("0");
        for (String key : List.of("gone", "in part gone")) {
            List<Receipt> anew = appended(node.append(tenant, four, key));
            assertThat(node.append(tenant, four, key)).isEqualTo(new AppendResult.Replayed(anew));
        }
        // Somebody, or a copy from before, puts the old answers back: they acknowledge nothing.
        sql(
                tenant,
                "DELETE FROM " + answers,
                "INSERT INTO assize.ledger_idempotency SELECT * FROM public.answers WHERE key <> 'left'");
        for (String key : List.of("gone", "in part gone")) {
            assertThat(appended(node.append(tenant, four, key)))
                    .allSatisfy(receipt -> assertThat(receipt.seq()).isGreaterThan(560));
        }
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
    }

    @Test
    void keepsEveryEntryThatARetryIsAnsweredFor() throws SQLException {
        TenantId tenant = new TenantId("retried");
        declare(tenant, "1h");
        List<AuditEvent> all =
                IntStream.range(0, 260).mapToObj(AnchoredNode::event).toList();
        now = started.minus(Pruning.YOUNGEST).plusSeconds(60);
        List<Receipt> receipts = appended(node.append(tenant, all, "young"));
        now = started;
        sign();
        assertThat(limit(tenant)).isEqualTo(Kind.YOUNG);
        assertThat(plan(tenant).isEmpty()).isTrue();
        assertThat(node.append(tenant, all, "young")).isEqualTo(new AppendResult.Replayed(receipts));
    }

    @Test
    void takesTwoPersons() throws SQLException {
        TenantId tenant = ledger("two", 600);
        Pruning pruning = propose(tenant, 512);

        assertThat(pruner.agree(tenant, ANN, pruning.id())).isEqualTo(new Result.Own(pruning));
        assertThat(pruner.agree(tenant, BOB, "p999")).isEqualTo(new Result.NoSuchPruning());
        Hold hold = retention.place(new Hold.Placing(tenant, ANN, EVERYTHING, "case 12"));
        assertThat(pruner.agree(tenant, BOB, pruning.id()))
                .isInstanceOfSatisfying(
                        Result.Refused.class,
                        refused -> assertThat(refused.limit().message())
                                .isEqualTo("entry 0 stays: it is under legal hold " + hold.id()));
        retention.release(new Hold.Release(tenant, BOB, hold.id(), "closed"));
        now = started.plus(Pruning.OPEN_FOR).plusSeconds(1);
        assertThat(pruner.agree(tenant, BOB, pruning.id())).isEqualTo(new Result.Expired(pruning));
        now = started;
        assertThat(entries(tenant, -1, 1)).hasSize(1);
        assertThat(part(agree(pruning)).toSeq()).isEqualTo(512);
        assertThat(pruner.agree(tenant, BOB, pruning.id())).isEqualTo(new Result.Pruned(pruning, null, 0));
    }

    @Test
    void refusesTheApplicationToPruneInAnotherWay() throws SQLException {
        TenantId tenant = ledger("another-way", 700);
        for (String sql : List.of(
                "DELETE FROM assize.ledger_entry",
                "DELETE FROM assize.ledger_pruned",
                "UPDATE assize.ledger_pruned SET to_seq = 512",
                "DELETE FROM assize.ledger_past_action",
                "UPDATE assize.ledger_pruning SET proposed_by = 'user:x'")) {
            assertThatThrownBy(() -> sql(database.application(), tenant, sql))
                    .hasMessageContaining("permission denied");
        }
        String prune = "SELECT assize.prune_ledger_prefix('another-way', 0, 256)";
        assertThatThrownBy(() -> sql(database.application(), tenant, prune))
                .hasMessageContaining("no entry of this transaction says that entries 0 to 255 are pruned");
        assertThatThrownBy(() -> sql(
                        database.application(), tenant, "SELECT assize.prune_ledger_prefix('another-way', 256, 512)"))
                .hasMessageContaining("the ledger does not begin at entry 256");
        String forged =
                "INSERT INTO assize.ledger_entry (tenant_id, seq, recorded_at, frame, entry_hash, type, resource)"
                        + " VALUES ('another-way', 900, now(), '', decode(repeat('ab', 32), 'hex'),"
                        + " 'assize.ledger.pruned', 'tenant:another-way/entries:0-255'); INSERT INTO assize.ledger_pruning"
                        + " VALUES ('another-way', 'p1', 0, 256, 'r', 'user:ann', 'assize', now(), 900); INSERT INTO"
                        + " assize.ledger_pruned VALUES ('another-way', 256, 0, 'p1', 'n', 'o', '%s', 'assize', now(),"
                        + " 900); " + prune;
        assertThatThrownBy(() -> sql(database.application(), tenant, forged.formatted("user:ann")))
                .hasMessageContaining("nobody else has agreed");
        Hold hold = retention.place(new Hold.Placing(tenant, ANN, EVERYTHING, "case 12"));
        assertThatThrownBy(() -> sql(database.application(), tenant, forged.formatted("user:bob")))
                .hasMessageContaining("a legal hold is on an entry before 256");
        retention.release(new Hold.Release(tenant, BOB, hold.id(), "closed"));
        assertThat(entries(tenant, -1, 1_000)).hasSizeGreaterThan(700);
    }

    private static List<Receipt> appended(AppendResult result) {
        return ((AppendResult.Appended) result).receipts();
    }
}
