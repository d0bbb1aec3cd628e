package dev.assize.server.anchor;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.client.ledger.MerkleProof;
import dev.assize.server.administration.review.GrantRecords.Held;
import dev.assize.server.administration.review.GrantRecords.Use;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.decision.HistorySource.Performed;
import dev.assize.server.ledger.AppendResult;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.ledger.Frame;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.retention.Hold;
import dev.assize.server.retention.HoldScope;
import dev.assize.server.retention.PseudonymRepository;
import dev.assize.server.retention.PseudonymRepository.Forgotten;
import dev.assize.server.storage.DatabaseAccess;
import dev.assize.server.testing.EventBuilder;
import dev.assize.server.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** People who stand in ledgers under pseudonyms. Each test has a ledger of its own. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PseudonymTest {

    private static final Subject ALICE = new Subject("user", "alice");
    private static final Recorder BY_ALICE = new Recorder(ALICE, TenantId.ASSIZE);
    private static final Recorder ANN = new Recorder(new Subject("user", "ann"), TenantId.ASSIZE);
    private static final Recorder BOB = new Recorder(new Subject("user", "bob"), TenantId.ASSIZE);
    private static final Recorder PAYROLL = new Recorder(new Subject("service", "payroll"), TenantId.ASSIZE);

    private final TestDatabase database = TestDatabase.migrated();
    private AnchoredNode node;
    private PseudonymRepository pseudonyms;

    @BeforeAll
    void start(@TempDir Path directory) {
        node = AnchoredNode.start(
                database, new FileOutsideStore(directory.resolve("anchor")), directory.resolve("keys"));
        assertThat(node.round()).isEmpty();
        pseudonyms = node.pseudonyms();
    }

    @AfterAll
    void stop() {
        node.close();
        database.close();
    }

    @Test
    void refusesToForgetWhatAHoldIsOn() {
        TenantId tenant = ledger("private-held", 2);
        Subject name = pseudonym(tenant);
        for (HoldScope scope : List.of(
                new HoldScope(null, null, null, null),
                new HoldScope(ALICE, null, null, null),
                new HoldScope(name, null, null, null),
                new HoldScope(ALICE, ResourcePath.parse("vault:other"), null, null),
                new HoldScope(null, null, Instant.EPOCH, Instant.EPOCH.plusSeconds(1)))) {
            Hold hold = node.retention().place(new Hold.Placing(tenant, ANN, scope, "case 12"));
            assertThat(forget(tenant, ALICE)).isEqualTo(new Forgotten.Held(name, List.of(hold.id())));
            assertThatThrownBy(() -> execute("SELECT set_config('assize.tenant', 'private-held', false); INSERT INTO"
                            + " assize.ledger_entry (tenant_id, seq, recorded_at, frame, entry_hash, type, resource)"
                            + " VALUES ('private-held', 900, now(), '', sha256(''), 'assize.ledger.actor-erased',"
                            + " 'tenant:private-held/" + name + "');"
                            + " SELECT assize.erase_ledger_pseudonym('private-held', '" + name + "')"))
                    .hasMessageContaining("a legal hold may be on an entry");
            node.retention().release(new Hold.Release(tenant, BOB, hold.id(), "closed"));
        }
        node.retention().place(new Hold.Placing(tenant, ANN, new HoldScope(ANN.caller(), null, null, null), "case 13"));
        Forgotten done = forget(tenant, ALICE);
        assertThat(done).isInstanceOf(Forgotten.Done.class);
        node.retention().place(new Hold.Placing(tenant, ANN, new HoldScope(null, null, null, null), "case 14"));
        assertThat(forget(tenant, name)).as("again, under a later hold").isEqualTo(done);
    }

    @Test
    void refusesToForgetOnWhoseBehalfWhatIsHeldWasDoneAndWhoRecordedIt() {
        TenantId tenant = new TenantId("private-behalf");
        Subject agent = new Subject("agent", "x");
        append(tenant, BY_ALICE, AnchoredNode.event(agent, ALICE), null);
        Subject name = requireNonNull(entries(tenant).getFirst().event().onBehalfOf());
        assertThat(entries(tenant)).singleElement().satisfies(entry -> {
            assertThat(entry.event().actor()).isEqualTo(agent);
            assertThat(entry.recorder().caller()).isEqualTo(name);
        });
        Hold hold =
                node.retention().place(new Hold.Placing(tenant, ANN, new HoldScope(null, null, null, null), "case 12"));
        assertThat(forget(tenant, ALICE)).isEqualTo(new Forgotten.Held(name, List.of(hold.id())));
    }

    @Test
    void refusesTheApplicationToForgetInAnotherWay() {
        TenantId tenant = ledger("private-application", 1);
        String name = pseudonym(tenant).toString();
        for (String sql : List.of(
                "DELETE FROM assize.ledger_pseudonym", "UPDATE assize.ledger_pseudonym SET subject = 'user:x'")) {
            assertThatThrownBy(() -> asApplication(tenant, sql)).hasMessageContaining("permission denied");
        }
        assertThatThrownBy(() -> asApplication(
                        tenant, "SELECT assize.erase_ledger_pseudonym('private-application', '" + name + "')"))
                .hasMessageContaining("no entry of this transaction says");
        assertThat(forget(tenant, new Subject("user", "nobody"))).isEqualTo(new Forgotten.NoSuchActor());
        assertThat(forget(tenant, new Subject("pseudonym", "0".repeat(64)))).isEqualTo(new Forgotten.NoSuchActor());
    }

    @Test
    void aNameIsNowhereInTheLedgerAndFoundByWhoMayAsk() {
        TenantId tenant = ledger("private-names", 3);
        Subject name = pseudonym(tenant);
        assertThat(entries(tenant)).hasSize(3).allSatisfy(entry -> {
            assertThat(new String(entry.frame(), ISO_8859_1)).doesNotContain("alice");
            assertThat(entry.event().actor()).isEqualTo(name);
            assertThat(entry.recorder().caller()).isEqualTo(name);
        });

        PseudonymRepository.Identified found =
                pseudonyms.identify(tenant, ANN, List.of(name, ALICE, new Subject("user", "nobody")), "case 12");
        assertThat(found.actors()).hasSize(2).allSatisfy(actor -> {
            assertThat(actor.subject()).isEqualTo(ALICE);
            byte[] text = "user:alice".getBytes(StandardCharsets.UTF_8);
            assertThat(new ErasableValue(17, actor.salt(), text).commitment().toString())
                    .isEqualTo(name.id());
        });
        RecordedEvent recorded = entries(tenant).getLast();
        assertThat(recorded.event().type()).isEqualTo("assize.ledger.identified");
        assertThat(recorded.event().payload()).contains(name.toString());
        assertThat(new String(recorded.frame(), ISO_8859_1)).doesNotContain("alice");
        assertThat(pseudonyms.identify(tenant, ANN, List.of(new Subject("user", "nobody")), "case 12"))
                .isEqualTo(new PseudonymRepository.Identified(List.of(), null));
        assertThat(node.round()).isEmpty();
        assertThat(node.verifySigned(tenant, null)).isInstanceOf(Sound.class);
    }

    @Test
    void eachLedgerHasItsOwnPseudonymsAndTheTypesItChose() {
        assertThat(pseudonym(ledger("private-one", 1))).isNotEqualTo(pseudonym(ledger("private-two", 1)));
        assertThat(entries(ledger("open", 1)).getFirst().event().actor()).isEqualTo(ALICE);
    }

    @Test
    void whatWasDoneUnderAPseudonymCountsForSeparationOfDuty() {
        TenantId tenant = ledger("private-history", 1);
        assertThat(performed(tenant)).isPresent();
        assertThat(forget(tenant, ALICE)).isInstanceOf(Forgotten.Done.class);
        assertThat(performed(tenant)).isEmpty();
    }

    @Test
    void theReviewOfAccessKnowsWhatWasDoneUnderAPseudonym() {
        TenantId tenant = ledger("private-review", 3);
        TenantId other = ledger("private-review-of-another", 1);
        Held grant = new Held(ALICE, tenant, "operators", "operator");
        Held unused = new Held(ALICE, tenant, "auditors", "auditor");
        Held bobs = new Held(BOB.caller(), tenant, "operators", "operator");
        RecordedEvent last = entries(tenant).getLast();
        assertThat(node.grants().lastUses(tenant, List.of(grant, unused, bobs), Set.of()))
                .containsExactly(Map.entry(grant, new Use(last.recordedAt(), last.seq())));
        assertThat(node.grants().lastUses(tenant, List.of(grant), Set.of(new Environment("staging"))))
                .isEmpty();
        assertThat(forget(tenant, ALICE)).isInstanceOf(Forgotten.Done.class);
        assertThat(node.grants().lastUses(tenant, List.of(grant), Set.of()))
                .as("nobody can tell any more")
                .isEmpty();
        assertThat(node.grants().lastUses(other, List.of(new Held(ALICE, other, "operators", "operator")), Set.of()))
                .hasSize(1);
    }

    @Test
    void erasingANameLeavesEveryProofAsItWas() throws Exception {
        TenantId tenant = new TenantId("private-erased");
        Receipt kept = node.append(
                        tenant,
                        IntStream.range(0, 5).mapToObj(AnchoredNode::event).toList())
                .get(2);
        assertThat(node.round()).isEmpty();
        Checkpoints.Inclusion proof = node.checkpoints().inclusion(tenant, kept.seq(), 5L);
        String note = node.checkpoints().latest(tenant).orElseThrow().signed().note();
        Subject name = pseudonym(tenant);

        Forgotten.Done done = (Forgotten.Done) forget(tenant, ALICE);
        assertThat(done.pseudonym()).isEqualTo(name);
        assertThat(forget(tenant, name)).as("again, by its name").isEqualTo(done);
        assertThat(forget(tenant, ALICE)).as("again, by the subject").isEqualTo(new Forgotten.NoSuchActor());
        assertThat(pseudonyms.identify(tenant, ANN, List.of(name), "case 12").actors())
                .isEmpty();
        assertThat(node.round()).isEmpty();

        assertThat(node.verifySigned(tenant, null)).isInstanceOf(Sound.class);
        assertThat(node.verifySigned(tenant, note)).isInstanceOf(Sound.class);
        RecordedEvent now = entries(tenant).get(2);
        MerkleProof.requireInclusion(Frame.hash(now.frame()).bytes(), kept.seq(), 5, proof.root(), proof.proof());
        assertThat(now.entryHash()).isEqualTo(kept.entryHash());
        node.append(tenant, 1);
        assertThat(entries(tenant).getLast().event().actor())
                .as("who acts again has another")
                .isNotEqualTo(name);
    }

    @Test
    void aRetryIsAnsweredAsItWas() {
        TenantId tenant = new TenantId("private-retry");
        AppendResult first = node.log()
                .append(tenant, BY_ALICE, List.of(AnchoredNode.event(0)), "k")
                .join();
        AppendResult again = node.log()
                .append(tenant, BY_ALICE, List.of(AnchoredNode.event(0)), "k")
                .join();
        assertThat(again).isEqualTo(new AppendResult.Replayed(((AppendResult.Appended) first).receipts()));
    }

    @Test
    void erasingANameForgetsTheAnswersThatItsOwnerWasGiven() throws SQLException {
        TenantId tenant = new TenantId("private-answers");
        append(tenant, BY_ALICE, AnchoredNode.event(0), "k");
        append(tenant, BOB, AnchoredNode.event(1), "k");
        assertThat(answered(tenant)).containsExactly("user:alice", "user:bob");

        assertThat(forget(tenant, ALICE)).isInstanceOf(Forgotten.Done.class);
        assertThat(answered(tenant)).containsExactly("user:bob");
        assertThat(append(tenant, BY_ALICE, AnchoredNode.event(0), "k"))
                .as("a retry is a new append")
                .isInstanceOf(AppendResult.Appended.class);
    }

    @Test
    void aRetryAfterANameInItWasErasedIsAnsweredAsItWas() {
        TenantId tenant = new TenantId("private-estranged");
        AuditEvent byAlice = AnchoredNode.event(ALICE, null);
        AuditEvent forAlice = AnchoredNode.event(new Subject("agent", "x"), ALICE);
        AppendResult first = append(tenant, PAYROLL, byAlice, "k");
        AppendResult second = append(tenant, PAYROLL, forAlice, "l");
        assertThat(append(tenant, PAYROLL, byBob(), "k"))
                .as("while both names are there")
                .isEqualTo(new AppendResult.KeyReused("k"));
        assertThat(forget(tenant, ALICE)).isInstanceOf(Forgotten.Done.class);

        assertThat(append(tenant, PAYROLL, byAlice, "k"))
                .isEqualTo(new AppendResult.Replayed(((AppendResult.Appended) first).receipts()));
        assertThat(append(tenant, PAYROLL, forAlice, "l"))
                .isEqualTo(new AppendResult.Replayed(((AppendResult.Appended) second).receipts()));
        assertThat(append(tenant, PAYROLL, AnchoredNode.event(1), "k"))
                .as("with another run")
                .isEqualTo(new AppendResult.KeyReused("k"));
        assertThat(append(tenant, PAYROLL, byAlice, "l"))
                .as("of another type of actor")
                .isEqualTo(new AppendResult.KeyReused("l"));
        append(tenant, PAYROLL, byBob(), "m");
        assertThat(append(tenant, PAYROLL, byAlice, "m"))
                .as("where no name was erased")
                .isEqualTo(new AppendResult.KeyReused("m"));
        assertThat(node.round()).isEmpty();
        assertThat(node.verifySigned(tenant, null)).isInstanceOf(Sound.class);
    }

    /** Nobody can tell who the erased name was, but that it was not one who had another name at that time. */
    @Test
    void whoHadAnotherNameBeforeTheErasureRetriesNothing() {
        TenantId tenant = new TenantId("private-older");
        AuditEvent byAlice = AnchoredNode.event(ALICE, null);
        AppendResult first = append(tenant, PAYROLL, byAlice, "k");
        append(tenant, PAYROLL, byBob(), "b");
        append(tenant, ANN, AnchoredNode.event(1), "c");
        assertThat(forget(tenant, ALICE)).isInstanceOf(Forgotten.Done.class);

        assertThat(append(tenant, PAYROLL, byBob(), "k")).isEqualTo(new AppendResult.KeyReused("k"));
        assertThat(append(tenant, PAYROLL, AnchoredNode.event(ANN.caller(), null), "k"))
                .as("who has recorded entries only")
                .isEqualTo(new AppendResult.KeyReused("k"));
        assertThat(append(tenant, PAYROLL, byAlice, "k"))
                .isEqualTo(new AppendResult.Replayed(((AppendResult.Appended) first).receipts()));
    }

    @Test
    void aTextThatBeginsAsAPseudonymIsNoName() {
        TenantId tenant = new TenantId("private-texts");
        for (String text : List.of("pseudonym:", "pseudonym:" + "0".repeat(64))) {
            assertThat(append(tenant, PAYROLL, because(text), text)).isInstanceOf(AppendResult.Appended.class);
            assertThat(append(tenant, PAYROLL, because(text + "1"), text)).isEqualTo(new AppendResult.KeyReused(text));
        }
    }

    private static AuditEvent because(String reason) {
        return EventBuilder.event(
                        "replay.executed",
                        new Subject("agent", "x"),
                        new Action("replay"),
                        ResourcePath.parse("vault:company"))
                .reason(reason)
                .build();
    }

    private static AuditEvent byBob() {
        return AnchoredNode.event(BOB.caller(), null);
    }

    @Test
    void theLossOfANameForWhichSomethingWasDoneIsFound() throws SQLException {
        TenantId tenant = new TenantId("private-for");
        append(tenant, PAYROLL, AnchoredNode.event(new Subject("agent", "x"), BOB.caller()), null);
        append(tenant, PAYROLL, AnchoredNode.event(new Subject("agent", "x"), ALICE), null);
        assertThat(node.round()).isEmpty();
        assertThat(node.verifySigned(tenant, null)).isInstanceOf(Sound.class);
        Subject name = requireNonNull(entries(tenant).getLast().event().onBehalfOf());
        execute("CREATE TABLE public.lost_names AS SELECT * FROM assize.ledger_pseudonym WHERE pseudonym = '" + name
                + "'; DELETE FROM assize.ledger_pseudonym WHERE pseudonym = '" + name + "'");
        for (Verification found : List.of(node.verifySigned(tenant, null), node.verifyPart(tenant, 1, 1))) {
            assertThat(found).isInstanceOfSatisfying(Broken.class, broken -> {
                assertThat(broken.fault().kind()).isEqualTo(Kind.COMMITMENT);
                assertThat(broken.fault().seq()).isEqualTo(1);
                assertThat(broken.fault().message())
                        .isEqualTo("the name behind " + name + " is gone, and no entry says that it was erased");
            });
        }
        assertThat(node.verifyPart(tenant, 0, 0)).isInstanceOf(Sound.class);
        execute("INSERT INTO assize.ledger_pseudonym SELECT * FROM public.lost_names; DROP TABLE public.lost_names");
        assertThat(forget(tenant, ALICE)).isInstanceOf(Forgotten.Done.class);
        assertThat(node.round()).isEmpty();
        assertThat(node.verifySigned(tenant, null)).as("what was erased").isInstanceOf(Sound.class);
    }

    /** What is kept of actions is in the digest of the part that was pruned; who owns the database can add more. */
    @Test
    void anErasureThatIsMadeUpExcusesNoLoss() throws SQLException {
        TenantId tenant = new TenantId("private-made-up");
        append(tenant, PAYROLL, AnchoredNode.event(new Subject("agent", "x"), null), null);
        append(tenant, PAYROLL, AnchoredNode.event(new Subject("agent", "x"), ALICE), null);
        assertThat(node.round()).isEmpty();
        Subject name = requireNonNull(entries(tenant).getLast().event().onBehalfOf());
        execute("INSERT INTO assize.ledger_past_action (tenant_id, to_seq, resource, actor, action, seq, recorded_at)"
                + " VALUES ('private-made-up', 256, 'tenant:private-made-up/" + name
                + "', 'user:ann', 'erase', 7, now())");
        assertThat(message(node.verifySigned(tenant, null)))
                .isEqualTo("what is kept of actions before entry 256 is not as the ledger's entries say");
        assertThat(node.verifier().walk(tenant, null).step(1)).as("patrol").isPresent();
        execute("DELETE FROM assize.ledger_pseudonym WHERE pseudonym = '" + name + "'");
        assertThat(message(node.verifyPart(tenant, 1, 1)))
                .isEqualTo("the name behind " + name + " is gone, and no entry says that it was erased");
    }

    private static String message(Verification found) {
        assertThat(found).isInstanceOf(Broken.class);
        return ((Broken) found).fault().message();
    }

    @Test
    void theLossOfANameThatOnlyRecordedIsFound() throws SQLException {
        TenantId tenant = new TenantId("private-recorder");
        append(tenant, BOB, AnchoredNode.event(new Subject("service", "y"), null), null);
        append(tenant, BY_ALICE, AnchoredNode.event(new Subject("service", "y"), null), null);
        assertThat(node.round()).isEmpty();
        assertThat(node.verifySigned(tenant, null)).isInstanceOf(Sound.class);
        for (RecordedEvent entry : entries(tenant)) {
            Subject name = entry.recorder().caller();
            execute("CREATE TABLE public.kept_names AS SELECT * FROM assize.ledger_pseudonym WHERE pseudonym = '" + name
                    + "'; DELETE FROM assize.ledger_pseudonym WHERE pseudonym = '" + name + "'");
            assertThat(node.verifySigned(tenant, null))
                    .isInstanceOfSatisfying(
                            Broken.class,
                            broken -> assertThat(broken.fault().message())
                                    .isEqualTo("the name behind " + name
                                            + " is gone, and no entry says that it was erased"));
            execute("INSERT INTO assize.ledger_pseudonym SELECT * FROM public.kept_names; DROP TABLE"
                    + " public.kept_names");
        }
    }

    @Test
    void everyChangeOfANameAndItsLossIsFound() throws SQLException {
        TenantId tenant = ledger("private-changed", 2);
        String name = pseudonym(tenant).toString();
        for (String change : List.of(
                "UPDATE assize.ledger_pseudonym SET subject = 'user:mallory'",
                "UPDATE assize.ledger_pseudonym SET salt = set_byte(salt, 31, get_byte(salt, 31) # 1)",
                "UPDATE assize.ledger_pseudonym SET pseudonym = 'pseudonym:' || repeat('0', 64)",
                "UPDATE assize.ledger_pseudonym SET tenant_id = 'else'",
                "DELETE FROM assize.ledger_pseudonym")) {
            execute("CREATE TABLE public.kept AS SELECT * FROM assize.ledger_pseudonym WHERE tenant_id ="
                    + " 'private-changed'");
            execute(change + " WHERE tenant_id = 'private-changed'");
            assertThat(node.verifySigned(tenant, null)).as(change).isInstanceOfSatisfying(Broken.class, broken -> {
                assertThat(broken.fault().kind()).isEqualTo(Kind.COMMITMENT);
            });
            execute("DELETE FROM assize.ledger_pseudonym WHERE tenant_id IN ('private-changed', 'else');"
                    + " INSERT INTO assize.ledger_pseudonym SELECT * FROM public.kept");
            if (!change.startsWith("DELETE")) {
                execute("DROP TABLE public.kept");
            }
        }
        assertThat(node.verifySigned(tenant, null)).isInstanceOf(Sound.class);
        assertThat(forget(tenant, ALICE)).isInstanceOf(Forgotten.Done.class);
        assertThat(node.verifySigned(tenant, null)).isInstanceOf(Sound.class);
        execute("INSERT INTO assize.ledger_pseudonym SELECT * FROM public.kept");
        Verification back = node.verifySigned(tenant, null);
        assertThat(((Broken) back).fault().message())
                .isEqualTo("the name behind " + name + " was erased, and is not gone");
    }

    private TenantId ledger(String name, int entries) {
        TenantId tenant = new TenantId(name);
        AppendResult result = node.log()
                .append(
                        tenant,
                        BY_ALICE,
                        IntStream.range(0, entries)
                                .mapToObj(AnchoredNode::event)
                                .toList(),
                        null)
                .join();
        assertThat(result).isInstanceOf(AppendResult.Appended.class);
        return tenant;
    }

    private AppendResult append(TenantId tenant, Recorder by, AuditEvent event, @Nullable String key) {
        return node.log().append(tenant, by, List.of(event), key).join();
    }

    private List<String> answered(TenantId tenant) throws SQLException {
        DatabaseAccess access = database.superuser();
        List<String> callers = new ArrayList<>();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT recorded_by FROM assize.ledger_idempotency"
                        + " WHERE tenant_id = '" + tenant + "' ORDER BY recorded_by")) {
            while (row.next()) {
                callers.add(row.getString(1));
            }
        }
        return callers;
    }

    private Subject pseudonym(TenantId tenant) {
        Subject actor = entries(tenant).getFirst().event().actor();
        assertThat(actor.isPseudonym()).isTrue();
        return actor;
    }

    private Forgotten forget(TenantId tenant, Subject actor) {
        return pseudonyms.forget(tenant, ANN, actor, "request 7");
    }

    private Optional<Performed> performed(TenantId tenant) {
        return node.history()
                .firstPerformed(
                        tenant,
                        ALICE,
                        ResourcePath.parse("vault:company"),
                        Set.of(AnchoredNode.event(0).action()),
                        Instant.now().plusSeconds(60));
    }

    private List<RecordedEvent> entries(TenantId tenant) {
        return node.index()
                .find(
                        tenant,
                        new AuditFilter(null, null, null, null, null, null, null, null, Set.of(), true, null, 100))
                .entries();
    }

    private void asApplication(TenantId tenant, String sql) throws SQLException {
        DatabaseAccess access = database.application();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT set_config('assize.tenant', '" + tenant + "', false); " + sql);
        }
    }

    private void execute(String sql) throws SQLException {
        DatabaseAccess access = database.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute(sql);
            connection.commit();
        }
    }
}
