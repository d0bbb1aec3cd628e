package dev.assize.server.anchor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.MerkleProof;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.decision.HistorySource.Performed;
import dev.assize.server.ledger.Envelope;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.Action;
import dev.assize.server.model.Calendar;
import dev.assize.server.model.Digest;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Pruning;
import dev.assize.server.retention.Pruning.Plan;
import dev.assize.server.retention.Pruning.Result;
import dev.assize.server.testing.EventBuilder;
import java.nio.file.Files;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is left of a ledger whose beginning was archived, and what is in the archive. */
class PrunedLedgerTest extends PruningFixture {

    @Test
    void rootsOfWhatWasLostAndOfWhatWasPrunedAreNotCompared() throws Exception {
        TenantId tenant = ledger("lost", 400);
        String sound = node.checkpoints().latest(tenant).orElseThrow().signed().note();
        append(tenant, 200, 60);
        sign();
        sql(
                tenant,
                "DELETE FROM assize.ledger_entry WHERE tenant_id = 'lost' AND seq >= 500",
                "UPDATE assize.ledger_head SET size = 500, (last_hash, last_recorded_at) = (SELECT entry_hash,"
                        + " recorded_at FROM assize.ledger_entry WHERE tenant_id = 'lost' AND seq = 499) WHERE tenant_id ="
                        + " 'lost'");
        now = daysAgo(60);
        assertThat(node.incarnations().begin(tenant, new IncarnationRecord(ANN, "disk lost")))
                .isPresent();
        now = started;
        sign();
        append(tenant, 500, 60);
        sign();
        for (long to : new long[] {256, 512, 768}) {
            agree(propose(tenant, to));
            sign();
            assertThat(node.verifySigned(tenant, (String) null))
                    .as("pruned up to %d", to)
                    .isInstanceOf(Sound.class);
            assertThat(node.verifySigned(tenant, sound)).isInstanceOf(Sound.class);
            for (long from : new long[] {0, to, to + 1, 520}) {
                assertThat(node.verifySigned(tenant, from, Math.max(from, to) + 40, null))
                        .as("%d to %d, behind it what the first incarnation has signed and lost", from, to + 40)
                        .isInstanceOfSatisfying(
                                Sound.class,
                                found -> assertThat(found.span().checkpoints()).isPositive());
            }
            LedgerWalk walk = node.verifier().walk(tenant, null);
            assertThat(walk.step(2_000)).isEmpty();
            assertThat(walk.isDone()).isTrue();
        }
    }

    @Test
    void whatStandsBesideThePrunedIsNotForgottenWithTheLost() throws Exception {
        TenantId tenant = ledger("both", 700);
        agree(propose(tenant, 256));
        sign();
        long size = Long.parseLong(query("SELECT size FROM assize.ledger_head WHERE tenant_id = 'both'"));
        append(tenant, 20, 1);
        sign();
        sql(
                tenant,
                "DELETE FROM assize.ledger_entry WHERE tenant_id = 'both' AND seq >= " + size,
                "UPDATE assize.ledger_head SET size = " + size + ", (last_hash, last_recorded_at) = (SELECT entry_hash,"
                        + " recorded_at FROM assize.ledger_entry WHERE tenant_id = 'both' AND seq = " + (size - 1)
                        + ") WHERE tenant_id = 'both'");
        assertThat(node.incarnations().begin(tenant, new IncarnationRecord(ANN, "disk lost")))
                .isPresent();
        sign();
        assertThat(query("SELECT count(*) FROM assize.ledger_past_action WHERE tenant_id = 'both'"))
                .isNotEqualTo("0");
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        agree(propose(tenant, 512));
        sign();
        assertThat(node.verifySigned(tenant, (String) null))
                .isInstanceOfSatisfying(
                        Sound.class, found -> assertThat(found.span().fromSeq()).isEqualTo(512));
    }

    /** Only the server says in a ledger that a name was erased; of what was pruned it cannot be told who said it. */
    @Test
    void whoSaysThatANameWasErasedAccusesNobody() throws SQLException {
        TenantId tenant = new TenantId("private-said");
        declare(tenant, "1h");
        append(tenant, 1, 60);
        Subject name = entries(tenant, -1, 1).getFirst().event().actor();
        assertThat(name.isPseudonym()).isTrue();
        now = daysAgo(60);
        node.append(tenant, List.of(erased(ResourcePath.parse("tenant:private-said/" + name))));
        append(tenant, 300, 60);
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        agree(propose(tenant, 256));
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
    }

    private static AuditEvent erased(ResourcePath resource) {
        return EventBuilder.event("names.erased", new Subject("service", "payroll"), new Action("erase"), resource)
                .build();
    }

    @Test
    void whatIsLeftAndWhatIsArchivedProveThemselvesAndJoin() throws Exception {
        TenantId tenant = ledger("join", 700);
        append(tenant, 1, 40);
        Checkpoints.Checkpoint old = node.checkpoints().latest(tenant).orElseThrow();
        List<RecordedEvent> before = entries(tenant, -1, 1_000);
        Subject alice = new Subject("user", "alice");
        ResourcePath vault = ResourcePath.parse("vault:company");
        Optional<Performed> done =
                node.history().firstPerformed(tenant, alice, vault, Set.of(new Action("replay")), Calendar.LAST);
        assertThat(done.orElseThrow().seq()).isZero();

        Pruning.Part part = part(agree(propose(tenant, 512)));
        sign();

        LedgerBundle.Contents archived = verifyArchived(part.object());
        assertThat(List.of(archived.from(), archived.to())).containsExactly(0L, 512L);
        byte[] object = Files.readAllBytes(directory.resolve("archive").resolve(part.object()));
        assertThat(part.digest()).isEqualTo(Digest.sha256(object));
        List<RecordedEvent> left = entries(tenant, -1, 1_000);
        assertThat(left.getFirst().seq()).isEqualTo(512);
        assertThat(archived.headHash())
                .isEqualTo(before.get(511).entryHash().bytes())
                .isEqualTo(Envelope.of(FrameFields.read(left.getFirst().frame()))
                        .prevHash()
                        .bytes());
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOfSatisfying(Sound.class, sound -> {
            assertThat(sound.span().fromSeq()).isEqualTo(512);
            assertThat(sound.span().verified()).isEqualTo(left.size());
        });
        assertThat(node.verifySigned(tenant, 600)).isInstanceOf(Sound.class);
        assertThat(node.verifySigned(tenant, old.signed().note())).isInstanceOf(Sound.class);
        assertThat(node.verifySigned(tenant, archiveNote(part.object()))).isInstanceOf(Sound.class);
        Checkpoints.Checkpoint latest = node.checkpoints().latest(tenant).orElseThrow();
        for (long size : new long[] {1, 100, 256, 511, 512, 513, 700}) {
            Checkpoints.Consistency proof = node.checkpoints().consistency(tenant, size, null);
            MerkleProof.requireConsistency(
                    size,
                    proof.fromRoot(),
                    latest.signed().size(),
                    latest.signed().root().bytes(),
                    proof.proof());
        }
        Checkpoints.Inclusion inclusion = node.checkpoints().inclusion(tenant, 600, null);
        MerkleProof.requireInclusion(
                before.get(600).entryHash().bytes(),
                600,
                inclusion.treeSize(),
                latest.signed().root().bytes(),
                inclusion.proof());
        assertThat(node.history().firstPerformed(tenant, alice, vault, Set.of(new Action("replay")), Calendar.LAST))
                .isEqualTo(done);
        assertThat(node.history()
                        .firstPerformed(
                                tenant,
                                alice,
                                vault,
                                Set.of(new Action("replay")),
                                done.orElseThrow().recordedAt().minusNanos(1_000)))
                .isEmpty();
        assertThat(node.prefixes().archived(tenant, 511)).contains(part.object());
        assertThat(node.prefixes().archived(tenant, 512)).isEmpty();
        assertThatThrownBy(() -> node.verifier().verify(tenant, 0, 100L, null, (_, _) -> {}))
                .isInstanceOf(PrunedException.class)
                .hasMessage("entry 100 of tenant `join` was pruned: it is in the archive, in `" + part.object() + "`");
        assertThat(counts(tenant)).isEqualTo("0 0 0 0 0");
    }

    @Test
    void prunesAgainAndGoesOnAfterwards() throws Exception {
        TenantId tenant = ledger("again", 1_100);
        agree(propose(tenant, 256));
        agree(propose(tenant, 768));
        append(tenant, 300, 1);
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        agree(propose(tenant, 1_024));
        try (AnchoredNode fresh = open()) {
            assertThat(fresh.round()).isEmpty();
            fresh.append(tenant, 300);
            assertThat(fresh.round()).isEmpty();
            assertThat(fresh.verifySigned(tenant, (String) null))
                    .isInstanceOfSatisfying(
                            Sound.class,
                            sound -> assertThat(sound.span().fromSeq()).isEqualTo(1_024));
        }
        assertThat(node.prefixes().archived(tenant, 300).orElseThrow()).contains("/256-768-");
    }

    /** More than one slice with `-Dassize.test.pruneEntries=40000`. */
    @Test
    void prunesSliceBySlice() throws Exception {
        int entries = Integer.getInteger("assize.test.pruneEntries", 600);
        TenantId tenant = ledger("slices", entries);
        while (node.checkpoints().latest(tenant).orElseThrow().signed().size() < entries) {
            sign();
        }
        Pruning pruning = propose(tenant, entries);
        List<Pruning.Part> parts = new ArrayList<>();
        Result.Pruned step;
        do {
            step = agree(pruning);
            parts.add(part(step));
        } while (step.remaining() > 0);

        byte[] before = null;
        for (Pruning.Part part : parts) {
            LedgerBundle.Contents archived = verifyArchived(part.object());
            if (before != null) {
                assertThat(archived.prevHash()).isEqualTo(before);
            }
            before = archived.headHash();
        }
        assertThat(parts).hasSize(1 + (int) (pruning.toSeq() - 1) / 16_384);
        assertThat(node.prefixes()
                        .of(tenant)
                        .orElseThrow()
                        .beginning()
                        .lastHash()
                        .bytes())
                .isEqualTo(before);
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
    }

    @Test
    void aNewIncarnationContinuesWhatIsLeft() throws Exception {
        TenantId tenant = ledger("incarnation", 1_000);
        agree(propose(tenant, 512));
        sign();
        assertThat(node.repository().halt(tenant, "for the test")).isTrue();
        assertThat(node.incarnations().begin(tenant, new IncarnationRecord(ANN, "for the test")))
                .isPresent();
        sign();
        append(tenant, 300, 0);
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        Checkpoints.Consistency proof = node.checkpoints().consistency(tenant, 100, null);
        MerkleProof.requireConsistency(100, proof.fromRoot(), proof.toSize(), proof.root(), proof.proof());
        now = started.plus(Duration.ofDays(40));
        Plan plan = plan(tenant);
        now = started;
        assertThat(plan.fromSeq()).isEqualTo(512);
    }

    @Test
    void thePatrolGoesOnWhereTheLedgerBegins() throws Exception {
        TenantId tenant = ledger("patrol", 700);
        LedgerWalk under = node.verifier().walk(tenant, null);
        assertThat(under.step(100)).isEmpty();
        LedgerWalk within = node.verifier().walk(tenant, null);
        assertThat(within.step(600)).isEmpty();
        SignedHead position = within.position();
        SignedHead gone = under.position();

        agree(propose(tenant, 512));

        assertThat(under.step(500)).isEmpty();
        assertThat(under.step(500)).isEmpty();
        assertThat(under.isDone()).isTrue();
        assertThat(within.step(500)).isEmpty();
        assertThat(within.isDone()).isTrue();
        for (SignedHead from : new @Nullable SignedHead[] {null, gone, position}) {
            LedgerWalk walk = node.verifier().walk(tenant, from);
            assertThat(walk.isFromTheBeginning()).isEqualTo(!position.equals(from));
            assertThat(walk.step(1_000)).isEmpty();
            assertThat(walk.isDone()).isTrue();
        }
    }

    @Test
    void aLostPlaceOutsideIsMadeAnewForAPrunedLedger() throws Exception {
        TenantId tenant = ledger("inside", 600);
        agree(propose(tenant, 512));
        sign();
        assertThat(node.verifier().verifyInside(tenant, (_, _) -> {})).isInstanceOf(Sound.class);
    }

    private String archiveNote(String object) throws Exception {
        try (LedgerBundle bundle =
                LedgerBundle.open(directory.resolve("archive").resolve(object))) {
            return bundle.head().checkpoint().toString();
        }
    }
}
