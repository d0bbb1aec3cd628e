package dev.assize.server.anchor;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.ledger.LedgerBundle;
import dev.assize.client.ledger.MerkleProof;
import dev.assize.client.ledger.VerifierKey;
import dev.assize.server.administration.PolicyDriftException;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.audit.SpoolRepository.Verdict;
import dev.assize.server.audit.SpooledBatch;
import dev.assize.server.audit.SpooledBatch.SpooledEvents;
import dev.assize.server.audit.SpooledLog;
import dev.assize.server.decision.HistorySource.Performed;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.Envelope;
import dev.assize.server.ledger.FrameFields;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.ledger.archive.ArchiveStore;
import dev.assize.server.ledger.archive.ArchiveUnavailableException;
import dev.assize.server.ledger.archive.DirectoryArchive;
import dev.assize.server.model.Action;
import dev.assize.server.model.Calendar;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Erasure;
import dev.assize.server.retention.Hold;
import dev.assize.server.retention.HoldScope;
import dev.assize.server.retention.Pruner;
import dev.assize.server.retention.Pruning;
import dev.assize.server.retention.Pruning.Limit.Kind;
import dev.assize.server.retention.Pruning.Plan;
import dev.assize.server.retention.Pruning.ProposalResult;
import dev.assize.server.retention.Pruning.Result;
import dev.assize.server.retention.Pruning.Wish;
import dev.assize.server.retention.RetentionRepository;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.storage.s3.LockMode;
import dev.assize.server.storage.s3.S3ArchiveStore;
import dev.assize.server.storage.s3.S3Place;
import dev.assize.server.storage.s3.S3TestPlaces;
import dev.assize.server.storage.s3.S3TestServer;
import dev.assize.server.storage.s3.S3TestServer.Failure;
import dev.assize.server.testing.TestDatabase;
import dev.assize.server.verification.VerificationConfig;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Moves the beginning of signed ledgers into an archive. Each test has a ledger of its own. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PruningTest {

    /** Of a hold placed while something is pruned; thousands with `-Dassize.test.pruneRounds=2000`. */
    private static final int ROUNDS = Integer.getInteger("assize.test.pruneRounds", 12);

    private static final Recorder ANN = new Recorder(new Subject("user", "ann"), TenantId.ASSIZE);
    private static final Recorder BOB = new Recorder(new Subject("user", "bob"), TenantId.ASSIZE);
    private static final HoldScope EVERYTHING = new HoldScope(null, null, null, null);

    /** As somebody can who owns the database: rows need not fit each other. */
    private static final String FREELY = "SET session_replication_role = replica";

    private final TestDatabase database = TestDatabase.migrated();
    private final Instant started = Instant.now();
    private Path directory;
    private FragileArchive archive;
    private volatile Instant now = started;
    private AnchoredNode node;
    private Pruner pruner;
    private RetentionRepository retention;

    @BeforeAll
    void start(@TempDir Path temporary) {
        directory = temporary;
        archive = new FragileArchive(new DirectoryArchive(directory.resolve("archive")));
        node = open();
        assertThat(node.round()).isEmpty();
        pruner = node.pruner();
        retention = node.retention();
    }

    private AnchoredNode open() {
        return open(archive);
    }

    private AnchoredNode open(ArchiveStore archive) {
        return AnchoredNode.start(
                database,
                new FileOutsideStore(directory.resolve("anchor")),
                AnchorConfig.defaults(directory.resolve("keys")),
                WitnessConfig.defaults(),
                VerificationConfig.defaults(),
                () -> now,
                archive);
    }

    @AfterAll
    void stop() {
        node.close();
        database.close();
    }

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
                "UPDATE assize.ledger_hold SET released_by = 'user:x', released_by_tenant = 'assize', released_at = now(),"
                        + " released_seq = placed_seq + 1 WHERE tenant_id = 'not-yet'");
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
    void rootsOfWhatWasLostAndOfWhatWasPrunedAreNotCompared() throws Exception {
        TenantId tenant = ledger("lost", 400);
        String sound = node.checkpoints().latest(tenant).orElseThrow().signed().note();
        append(tenant, 200, 60);
        sign();
        sql(
                tenant,
                "DELETE FROM assize.ledger_entry WHERE tenant_id = 'lost' AND seq >= 500",
                "UPDATE assize.ledger_head SET size = 500, (last_hash, last_recorded_at) = (SELECT entry_hash, recorded_at"
                        + " FROM assize.ledger_entry WHERE tenant_id = 'lost' AND seq = 499) WHERE tenant_id = 'lost'");
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

    private static List<Receipt> appended(AppendResult result) {
        return ((AppendResult.Appended) result).receipts();
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
        assertThat(counts(tenant)).isEqualTo("0 0 0 0");
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
                        + " proposed_by_tenant, proposed_at, proposed_seq FROM assize.ledger_pruning WHERE tenant_id = 'honest'",
                "INSERT INTO assize.ledger_pruned SELECT 'forged', to_seq, from_seq, pruning_id, note, object, pruned_by,"
                        + " pruned_by_tenant, pruned_at, pruned_seq FROM assize.ledger_pruned WHERE tenant_id = 'honest'");
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

    private void send(TenantId tenant, String spool) {
        SpooledBatch batch = new SpooledBatch(
                spool,
                List.of(new SpooledEvents(1, List.of(AnchoredNode.event(1)))),
                SpooledLog.begins(spool),
                Digest.sha256(new byte[1]),
                1);
        assertThat(node.spooled()
                        .append(tenant, new Recorder(new Subject("service", "sidecar"), tenant), batch)
                        .verdict())
                .isEqualTo(Verdict.APPENDED);
    }

    @Test
    void somebodyForgetsWhatWasDone() throws Exception {
        TenantId tenant = ledger("forgotten", 700);
        agree(propose(tenant, 256));
        sign();
        sql(tenant, "DELETE FROM assize.ledger_past_action WHERE tenant_id = 'forgotten'");
        assertThat(fault(tenant))
                .isEqualTo(
                        "what entries 0 to 255 show to have been done is not what was kept of it when they were pruned");
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
                        + " VALUES ('another-way', 900, now(), '', decode(repeat('ab', 32), 'hex'), 'assize.ledger.pruned',"
                        + " 'tenant:another-way/entries:0-255'); INSERT INTO assize.ledger_pruning VALUES ('another-way', 'p1', 0,"
                        + " 256, 'r', 'user:ann', 'assize', now(), 900); INSERT INTO assize.ledger_pruned VALUES ('another-way', 256,"
                        + " 0, 'p1', 'n', 'o', '%s', 'assize', now(), 900); " + prune;
        assertThatThrownBy(() -> sql(database.application(), tenant, forged.formatted("user:ann")))
                .hasMessageContaining("nobody else has agreed");
        Hold hold = retention.place(new Hold.Placing(tenant, ANN, EVERYTHING, "case 12"));
        assertThatThrownBy(() -> sql(database.application(), tenant, forged.formatted("user:bob")))
                .hasMessageContaining("a legal hold is on an entry before 256");
        retention.release(new Hold.Release(tenant, BOB, hold.id(), "closed"));
        assertThat(entries(tenant, -1, 1_000)).hasSizeGreaterThan(700);
    }

    @Test
    void nothingIsLostWhereverItStops() throws Exception {
        TenantId tenant = ledger("crash", 700);
        Pruning pruning = propose(tenant, 512);
        for (FragileArchive.Fault fault : FragileArchive.Fault.values()) {
            archive.fault = fault;
            assertThatThrownBy(() -> pruner.agree(tenant, BOB, pruning.id()))
                    .isInstanceOf(ArchiveUnavailableException.class);
            archive.fault = null;
            assertThat(entries(tenant, -1, 1).getFirst().seq())
                    .as("after %s", fault)
                    .isZero();
            assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        }
        for (String table : List.of("ledger_pruned", "ledger_past_action", "ledger_entry_default", "ledger_lineage")) {
            String when = table.equals("ledger_entry_default") || table.equals("ledger_lineage") ? "DELETE" : "INSERT";
            sql(
                    tenant,
                    "CREATE OR REPLACE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS"
                            + " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN OLD; END $$",
                    "ALTER FUNCTION public.die() SECURITY DEFINER",
                    "CREATE TRIGGER die BEFORE " + when + " ON assize." + table
                            + " FOR EACH ROW EXECUTE FUNCTION public.die()");
            assertThatThrownBy(() -> pruner.agree(tenant, BOB, pruning.id()))
                    .as(table)
                    .isInstanceOf(RuntimeException.class);
            sql(tenant, "DROP TRIGGER die ON assize." + table);
            assertThat(entries(tenant, -1, 1).getFirst().seq())
                    .as("after %s", table)
                    .isZero();
            assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        }
        Pruning.Part part = part(agree(pruning));
        sign();
        assertThat(verifyArchived(part.object()).to()).isEqualTo(512);
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
    }

    @Test
    void nothingIsLostWhateverTheWireToABucketLoses() throws Exception {
        Failure[] failures = Failure.values();
        TenantId tenant = ledger("bucket", failures.length * Pruning.TILE + 2);
        S3TestServer server = S3TestServer.start();
        S3Place place = S3TestPlaces.at(server.endpoint(), S3TestPlaces.ownKey(directory), Duration.ofMillis(250));
        try (server;
                S3ArchiveStore bucket = new S3ArchiveStore(place, LockMode.COMPLIANCE);
                AnchoredNode other = open(bucket)) {
            assertThat(other.round()).isEmpty();
            for (Failure failure : failures) {
                Pruning pruning = propose(tenant, plan(tenant).fromSeq() + Pruning.TILE);
                server.failPut(failure, failure, failure, failure);
                Pruning.Part part = agreeOr(other, pruning, () -> {
                    assertThat(entries(tenant, -1, 1).getFirst().seq()).isEqualTo(pruning.fromSeq());
                    server.failPut();
                });
                server.failPut();
                Path fetched = directory.resolve(failure + ".tar");
                try (InputStream in = bucket.read(part.object()).orElseThrow()) {
                    Files.copy(in, fetched);
                }
                try (LedgerBundle archived = LedgerBundle.open(fetched)) {
                    assertThat(archived.verify(keys(), null, (_, _) -> {}).to()).isEqualTo(pruning.toSeq());
                }
            }
        }
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
    }

    private static Pruning.Part agreeOr(AnchoredNode node, Pruning pruning, Runnable failed) {
        try {
            return part((Result.Pruned) node.pruner().agree(pruning.tenant(), BOB, pruning.id()));
        } catch (ArchiveUnavailableException lost) {
            failed.run();
            return part((Result.Pruned) node.pruner().agree(pruning.tenant(), BOB, pruning.id()));
        }
    }

    @Test
    void refusesToArchiveWhatIsNotWhatWasSigned() throws SQLException {
        TenantId tenant = ledger("rotten", 700);
        Pruning pruning = propose(tenant, 512);
        sql(tenant, "UPDATE assize.ledger_entry SET frame = frame || '\\x00' WHERE tenant_id = 'rotten' AND seq = 7");
        assertThat(pruner.agree(tenant, BOB, pruning.id()))
                .isInstanceOfSatisfying(
                        Result.Unsound.class,
                        unsound -> assertThat(unsound.fault().seq()).isEqualTo(7));
        assertThat(query("SELECT min(seq) FROM assize.ledger_entry WHERE tenant_id = 'rotten'"))
                .isEqualTo("0");
    }

    @Test
    void aValueErasedMeanwhileDoesNotGoOnInTheArchive() throws Exception {
        TenantId tenant = new TenantId("erased");
        declare(tenant, "1h");
        now = daysAgo(60);
        node.append(
                tenant, IntStream.range(0, 300).mapToObj(AnchoredNode::erasable).toList());
        now = started;
        sign();
        Pruning pruning = propose(tenant, 256);
        archive.behindCreate = () -> {
            archive.behindCreate = null;
            retention.erase(new Erasure(tenant, ANN, Set.of(), List.of(5L), Set.of(), "request 7"));
        };

        assertThat(pruner.agree(tenant, BOB, pruning.id())).isEqualTo(new Result.Pruned(pruning, null, 256));
        assertThat(entries(tenant, -1, 1).getFirst().seq()).isZero();
        Pruning.Part part = part(agree(pruning));
        assertThat(verifyArchived(part.object()).missing()).isEqualTo(1);
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
        assertThat(counts(tenant)).isEqualTo("0 0 0 0");
    }

    @Test
    void aHoldWinsEveryRaceItDoesNotLose() throws Exception {
        TenantId tenant = new TenantId("race");
        declare(tenant, "1h");
        append(tenant, ROUNDS * Pruning.TILE + 2, 60);
        sign();
        CyclicBarrier together = new CyclicBarrier(2);
        int held = 0;
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int round = 1; round <= ROUNDS; round++) {
                Pruning pruning = propose(tenant, plan(tenant).fromSeq() + Pruning.TILE);
                archive.behindRead = () -> await(together);
                Future<Hold> placing = threads.submit(() -> {
                    await(together);
                    return retention.place(new Hold.Placing(tenant, ANN, EVERYTHING, "case 12"));
                });
                Result result = pruner.agree(tenant, BOB, pruning.id());
                Hold hold = placing.get();
                archive.behindRead = null;
                switch (result) {
                    case Result.Refused refused -> {
                        held++;
                        assertThat(refused.limit().message()).endsWith("legal hold " + hold.id());
                        assertThat(entries(tenant, -1, 1).getFirst().seq()).isEqualTo(pruning.fromSeq());
                    }
                    case Result.Pruned pruned -> {
                        assertThat(part(pruned).entry().seq())
                                .isLessThan(hold.placed().seq());
                        assertThat(entries(tenant, -1, 1).getFirst().seq()).isEqualTo(pruning.toSeq());
                    }
                    case Result other -> throw new AssertionError(other);
                }
                retention.release(new Hold.Release(tenant, BOB, hold.id(), "closed"));
            }
        }
        assertThat(held).as("of %d rounds", ROUNDS).isBetween(1, ROUNDS);
        sign();
        assertThat(node.verifySigned(tenant, (String) null)).isInstanceOf(Sound.class);
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (BrokenBarrierException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private TenantId ledger(String name, int entries) throws SQLException {
        TenantId tenant = new TenantId(name);
        declare(tenant, "1h");
        append(tenant, entries, 60);
        sign();
        return tenant;
    }

    private void append(TenantId tenant, int entries, int daysAgo) {
        now = daysAgo(daysAgo);
        List<AuditEvent> events =
                IntStream.range(0, entries).mapToObj(AnchoredNode::event).toList();
        for (int from = 0; from < entries; from += 500) {
            node.append(tenant, events.subList(from, Math.min(entries, from + 500)));
        }
        now = started;
    }

    private Instant daysAgo(int days) {
        return started.minus(Duration.ofDays(days));
    }

    private void sign() {
        assertThat(node.round()).isEmpty();
    }

    private Plan plan(TenantId tenant) {
        return pruner.plan(new Wish(tenant, null, null));
    }

    private @Nullable Kind limit(TenantId tenant) {
        Pruning.Limit limit = plan(tenant).limit();
        return limit == null ? null : limit.kind();
    }

    private Pruning propose(TenantId tenant, long toSeq) {
        return ((ProposalResult.Proposed) pruner.propose(new Wish(tenant, toSeq, null), ANN, "older than we keep"))
                .pruning();
    }

    private Result.Pruned agree(Pruning pruning) {
        return (Result.Pruned) pruner.agree(pruning.tenant(), BOB, pruning.id());
    }

    private static Pruning.Part part(Result.Pruned pruned) {
        return requireNonNull(pruned.part());
    }

    private String fault(TenantId tenant) {
        Verification found = node.verifySigned(tenant, (String) null);
        assertThat(found).isInstanceOf(Broken.class);
        return ((Broken) found).fault().message();
    }

    private LedgerBundle.Contents verifyArchived(String object) throws Exception {
        try (LedgerBundle bundle =
                LedgerBundle.open(directory.resolve("archive").resolve(object))) {
            return bundle.verify(keys(), null, (_, _) -> {});
        }
    }

    private String archiveNote(String object) throws Exception {
        try (LedgerBundle bundle =
                LedgerBundle.open(directory.resolve("archive").resolve(object))) {
            return bundle.head().checkpoint().toString();
        }
    }

    private Set<VerifierKey> keys() throws Exception {
        return Set.of(VerifierKey.parse(new CheckpointSigner(directory.resolve("keys"))
                .verifierKeys(node.repository().deployment())
                .getFirst()));
    }

    private Instant recordedAt(TenantId tenant, long seq) {
        return entries(tenant, seq - 1, 1).getFirst().recordedAt();
    }

    private List<RecordedEvent> entries(TenantId tenant, long behind, int limit) {
        return node.index()
                .find(
                        tenant,
                        new AuditFilter(null, null, null, null, null, null, null, null, Set.of(), true, behind, limit));
    }

    /** What stands beside pruned entries. */
    private String counts(TenantId tenant) throws SQLException {
        List<String> counts = new ArrayList<>();
        for (String table : List.of("ledger_lineage", "ledger_payload", "decision_page", "decision_term")) {
            counts.add(query("SELECT count(*) FROM assize." + table + " WHERE tenant_id = '" + tenant
                    + "' AND seq < (SELECT max(to_seq) FROM assize.ledger_pruned WHERE tenant_id = '" + tenant + "')"));
        }
        return String.join(" ", counts);
    }

    private void declare(TenantId tenant, String retention) throws SQLException {
        String yaml = "apiVersion: assize.dev/v1\nkind: Tenant\nmetadata:\n  name: " + tenant
                + "\nspec:\n  environments: [production]\n  audit:\n    retention: " + retention + "\n";
        sql(
                tenant,
                "INSERT INTO assize.policy_scope VALUES ('" + tenant + "', 0) ON CONFLICT DO NOTHING",
                "DELETE FROM assize.policy_document WHERE scope_key = '" + tenant + "'",
                "INSERT INTO assize.policy_document (scope_key, kind, name, from_revision, yaml, source_file, source_lines)"
                        + " VALUES ('" + tenant + "', 'Tenant', '" + tenant + "', 1, '" + yaml
                        + "', 'tenant.yaml', '{}')");
    }

    private void remove(TenantId tenant, long to) throws SQLException {
        List<String> statements = new ArrayList<>();
        for (String table :
                List.of("ledger_lineage", "ledger_payload", "decision_page", "decision_term", "ledger_entry")) {
            statements.add("DELETE FROM assize." + table + " WHERE tenant_id = '" + tenant + "' AND seq < " + to);
        }
        sql(tenant, statements.toArray(String[]::new));
    }

    private void sql(TenantId tenant, String... statements) throws SQLException {
        sql(database.superuser(), tenant, statements);
    }

    /** Within one transaction that names the tenant and is not committed where something fails. */
    private static void sql(DatabaseAccess access, TenantId tenant, String... statements) throws SQLException {
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SELECT set_config('assize.tenant', '" + tenant + "', true)");
            for (String sql : statements) {
                statement.execute(sql);
            }
            connection.commit();
        }
    }

    private String query(String sql) throws SQLException {
        DatabaseAccess access = database.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    /** An archive that fails where a test says so. */
    private static final class FragileArchive implements ArchiveStore {

        private final ArchiveStore store;
        private volatile @Nullable Fault fault;
        private volatile @Nullable Runnable behindCreate;
        private volatile @Nullable Runnable behindRead;

        FragileArchive(ArchiveStore store) {
            this.store = store;
        }

        @Override
        public boolean create(String name, Path content, Instant retainUntil) {
            if (fault == Fault.BEFORE_CREATE) {
                throw new ArchiveUnavailableException("before", null);
            }
            if (fault == Fault.NOT_KEPT) {
                return true;
            }
            boolean created = store.create(name, content, retainUntil);
            if (fault == Fault.BEHIND_CREATE) {
                throw new ArchiveUnavailableException("behind", null);
            }
            if (behindCreate != null) {
                behindCreate.run();
            }
            return created;
        }

        @Override
        public Optional<InputStream> read(String name) {
            if (fault == Fault.UNREADABLE) {
                throw new ArchiveUnavailableException("unreadable", null);
            }
            if (fault == Fault.OTHER_BYTES) {
                return Optional.of(new ByteArrayInputStream("other".getBytes(StandardCharsets.UTF_8)));
            }
            if (fault == Fault.NOT_KEPT) {
                return Optional.empty();
            }
            if (behindRead != null) {
                behindRead.run();
            }
            return store.read(name);
        }

        @Override
        public String describe() {
            return "fragile";
        }

        private enum Fault {
            BEFORE_CREATE,
            BEHIND_CREATE,
            UNREADABLE,
            NOT_KEPT,
            OTHER_BYTES
        }
    }
}
