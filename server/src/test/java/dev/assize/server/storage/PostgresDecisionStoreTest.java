package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.decision.DecisionMade;
import dev.assize.server.ledger.BesideCheck.Stretch;
import dev.assize.server.ledger.ChainVerifier;
import dev.assize.server.ledger.InMemoryLedgerStore;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerMetrics;
import dev.assize.server.ledger.LedgerVerifiers;
import dev.assize.server.ledger.StoredEntry;
import dev.assize.server.ledger.Verification;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Reason;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.DecisionLog.Acknowledge;
import dev.assize.server.recording.DecisionFilter;
import dev.assize.server.recording.DecisionFilter.Place;
import dev.assize.server.recording.DecisionStore;
import dev.assize.server.recording.DecisionTerms.Kind;
import dev.assize.server.recording.DecisionTerms.Term;
import dev.assize.server.recording.InMemoryDecisionStore;
import dev.assize.server.recording.PackingRecorder;
import dev.assize.server.recording.RecordedDecision;
import dev.assize.server.recording.RecordingWorld;
import dev.assize.server.recording.TermBucket;
import dev.assize.server.recording.TermHash;
import dev.assize.server.testing.TestDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class PostgresDecisionStoreTest {

    /** Connections that the pool may still have after they were ended; each of them fails once. */
    private static final int MOST_ENDED = 32;

    private static final TenantId ACME = RecordingWorld.TENANT;
    private static final int PACKS = 6;
    private static final int DECISIONS = 8;

    /** One pack has ten pages, and more terms than a small one has. */
    private static final int LARGE_PACK = 4;

    private static final int LARGE = 300;

    /** Packs. */
    private static final int MANY = 600;

    private static TestDatabase testDatabase;
    private static Database database;
    private static DecisionStore store;
    private static PostgresLedgerStore ledger;
    private static ChainVerifier verifier;
    private static final InMemoryDecisionStore REFERENCE =
            new InMemoryDecisionStore(new InMemoryLedgerStore(InstantSource.system(), new AuditCodec()));

    @BeforeAll
    static void record() throws SQLException {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
        AuditCodec codec = new AuditCodec();
        LedgerWriter writer = new LedgerWriter(database, codec, (_, _) -> {}, InstantSource.system());
        store = new PostgresDecisionStore(database, writer);
        ledger = new PostgresLedgerStore(database, writer);
        verifier = LedgerVerifiers.of(ledger, codec, RecordingWorld.check(store));
        for (DecisionStore each : List.of(store, REFERENCE)) {
            try (PackingRecorder recorder = RecordingWorld.recorder(each)) {
                for (int pack = 0; pack < PACKS; pack++) {
                    recorder.record(
                                    ACME,
                                    Acknowledge.BEFORE,
                                    RecordingWorld.decisions(pack, pack == LARGE_PACK ? LARGE : DECISIONS))
                            .join();
                }
            }
        }
        execute("CREATE TABLE assize.kept_page AS TABLE assize.decision_page;"
                + "CREATE TABLE assize.kept_bucket AS TABLE assize.decision_bucket");
    }

    @AfterEach
    void repair() throws SQLException {
        execute("DELETE FROM assize.decision_page; DELETE FROM assize.decision_bucket;"
                + "INSERT INTO assize.decision_page SELECT * FROM assize.kept_page;"
                + "INSERT INTO assize.decision_bucket SELECT * FROM assize.kept_bucket;"
                + "UPDATE assize.ledger_head SET halted = NULL");
        assertThat(verify()).isInstanceOf(Sound.class);
    }

    @AfterAll
    static void drop() {
        database.close();
        testDatabase.close();
    }

    /** Reading holds a connection, and a pool whose every connection waited for a second one would stand still. */
    @Test
    void verifiesWithOneConnection() {
        StorageConfig config = testDatabase.config();
        StorageConfig narrow = new StorageConfig(
                config.location(),
                config.ledgerName(),
                1,
                Duration.ofMillis(300),
                config.statementTimeout(),
                config.idleTimeout());
        try (Database only = new Database(narrow, InstantSource.system())) {
            only.start();
            AuditCodec codec = new AuditCodec();
            LedgerWriter writer = new LedgerWriter(only, codec, (_, _) -> {}, InstantSource.system());
            Verification found = LedgerVerifiers.of(
                            new PostgresLedgerStore(only, writer),
                            codec,
                            RecordingWorld.check(new PostgresDecisionStore(only, writer)))
                    .verify(ACME, 0, null, (verified, total) -> {});
            assertThat(found)
                    .isInstanceOfSatisfying(
                            Sound.class,
                            sound -> assertThat(sound.span().verified()).isEqualTo(PACKS));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
        UPDATE decision_bucket SET bucket = 65599 - bucket WHERE seq = 2                              ; 2
        UPDATE decision_bucket SET seq = 1003 WHERE seq = 2 AND bucket = (SELECT max(bucket) FROM decision_bucket WHERE seq = 2) ; 2
        UPDATE decision_bucket SET terms = terms || '\\x0000000000010000' WHERE seq = 2             ; 2
        UPDATE decision_bucket SET terms = terms || '\\x0007' WHERE seq = 2                         ; 2
        DELETE FROM decision_bucket WHERE seq = 2 AND bucket = (SELECT min(bucket) FROM decision_bucket WHERE seq = 2) ; 2
        DELETE FROM decision_bucket WHERE seq = 2                                                     ; 2
        UPDATE decision_bucket SET terms = substring(terms FOR 8) WHERE seq = 4                       ; 4
        DELETE FROM decision_bucket WHERE seq = 4 AND bucket = 7                                      ; 4
        UPDATE decision_page SET first_at = first_at + 1 WHERE seq = 2                                ; 2
        UPDATE decision_page SET last_at = last_at - 1 WHERE seq = 2                                  ; 2
        UPDATE decision_page SET first_position = 32 WHERE seq = 2                                    ; 2
        UPDATE decision_page SET records = records || '\\x0000' WHERE seq = 2                        ; 2
        UPDATE decision_page SET records = records || '\\x00' WHERE seq = 2                          ; 2
        UPDATE decision_page SET records = '' WHERE seq = 2                                           ; 2
        DELETE FROM decision_page WHERE seq = 2                                                       ; 2
        UPDATE decision_page SET seq = 3, first_position = 32 WHERE seq = 2                           ; 2
        UPDATE decision_page SET seq = seq + 1000 WHERE seq = 5                                       ; 5
        INSERT INTO decision_page SELECT tenant_id, 2, 32, records, first_at, last_at FROM decision_page WHERE seq = 3 ; 2
        INSERT INTO decision_page SELECT tenant_id, 99, 0, records, first_at, last_at FROM decision_page WHERE seq = 3 ; 99
        """)
    void namesWhatWasTamperedWith(String sql, long seq) throws SQLException {
        execute("SET search_path = assize; " + sql);
        assertThat(verify())
                .isInstanceOfSatisfying(
                        Broken.class,
                        broken -> assertThat(broken.fault())
                                .extracting(Fault::seq, Fault::kind)
                                .containsExactly(seq, Verification.Kind.DECISIONS));
    }

    @Test
    void everyByteOfAPackThatIsFlippedIsFound() throws SQLException {
        int bytes = store.pages(ACME, 1).getFirst().bytes().length;
        StoredEntry entry = entry(1);
        DatabaseAccess access = testDatabase.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                PreparedStatement flip = connection.prepareStatement("UPDATE assize.decision_page SET records ="
                        + " set_byte(records, ?, get_byte(records, ?) # 16) WHERE seq = 1")) {
            for (int at = 0; at < bytes; at++) {
                flip.setInt(1, at);
                flip.setInt(2, at);
                flip.executeUpdate();
                assertThat(RecordingWorld.check(store).fault(ACME, entry))
                        .as("byte %s", at)
                        .isNotNull();
                flip.executeUpdate();
            }
        }
    }

    /** Each of a small pack, one after the other, and some of a large one. */
    @ParameterizedTest
    @CsvSource({"1, 1000", LARGE_PACK + ", 200"})
    void aBitOfABucketThatIsFlippedIsFound(int seq, int most) throws SQLException {
        StoredEntry entry = entry(seq);
        SplittableRandom dice = new SplittableRandom(seq);
        List<int[]> places = new ArrayList<>();
        for (TermBucket bucket : TermBucket.of(store.records(ACME, seq))) {
            for (int at = 0; at < bucket.terms().length; at++) {
                places.add(new int[] {bucket.number(), at, 1 << dice.nextInt(Byte.SIZE)});
            }
        }
        Collections.shuffle(places, new Random(seq));
        DatabaseAccess access = testDatabase.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                PreparedStatement flip = connection.prepareStatement("UPDATE assize.decision_bucket SET terms ="
                        + " set_byte(terms, ?, get_byte(terms, ?) # ?) WHERE seq = ? AND bucket = ?")) {
            for (int[] place : places.subList(0, Math.min(most, places.size()))) {
                flip.setInt(1, place[1]);
                flip.setInt(2, place[1]);
                flip.setInt(3, place[2]);
                flip.setLong(4, seq);
                flip.setInt(5, place[0]);
                assertThat(flip.executeUpdate()).isEqualTo(1);
                assertThat(RecordingWorld.check(store).fault(ACME, entry))
                        .as("bucket %s, byte %s", place[0], place[1])
                        .isNotNull();
                assertThat(flip.executeUpdate()).isEqualTo(1);
            }
        }
    }

    @Test
    void howFarAVerificationComesGoesByThePagesToo() {
        assertThat(verifier.stretch(ACME, 0, PACKS - 1, 36)).isEqualTo(new Stretch(3, 36));
        assertThat(verifier.stretch(ACME, 0, PACKS - 1, 116)).isEqualTo(new Stretch(3, 36));
        assertThat(verifier.stretch(ACME, 0, PACKS - 1, 117)).isEqualTo(new Stretch(LARGE_PACK, 117));
        assertThat(verifier.stretch(ACME, LARGE_PACK, PACKS - 1, 1)).isEqualTo(new Stretch(LARGE_PACK, 81));
        assertThat(verifier.stretch(ACME, 2, 3, Integer.MAX_VALUE)).isEqualTo(new Stretch(3, 18));
        assertThat(new ChainVerifier(ledger, new AuditCodec(), new LedgerMetrics(new SimpleMeterRegistry()))
                        .stretch(ACME, 2, PACKS - 1, 3))
                .as("where nothing stands beside entries")
                .isEqualTo(new Stretch(4, 3));
    }

    private static StoredEntry entry(long seq) {
        AtomicReference<StoredEntry> found = new AtomicReference<>();
        var _ = ledger.scan(ACME, seq, seq, read -> {
            found.set(read);
            return false;
        });
        return Objects.requireNonNull(found.get());
    }

    @Test
    void findsWhatAPlainSearchFinds() {
        SplittableRandom dice = new SplittableRandom(9);
        List<Reason> reasons = List.of(Reason.values());
        List<String> ids = RecordingWorld.decisions(LARGE_PACK, LARGE).stream()
                .map(DecisionMade::id)
                .toList();
        for (int i = 0; i < 300; i++) {
            DecisionFilter filter = new DecisionFilter(
                    dice.nextInt(4) > 0 ? null : noon(dice),
                    dice.nextInt(4) > 0 ? null : noon(dice),
                    dice.nextInt(3) > 0 ? null : "user:u" + dice.nextInt(6) + "@fünd.com",
                    dice.nextInt(3) > 0 ? null : "read",
                    dice.nextInt(3) > 0 ? null : ResourcePath.parse("vault:v" + dice.nextInt(3)),
                    dice.nextInt(3) > 0 ? null : dice.nextBoolean(),
                    dice.nextInt(4) > 0 ? null : reasons.get(dice.nextInt(4)),
                    dice.nextInt(9) > 0 ? null : ids.get(dice.nextInt(ids.size())),
                    dice.nextInt(3) > 0 ? Set.of() : Set.of(new Environment("production")),
                    dice.nextBoolean(),
                    dice.nextInt(3) > 0 ? null : new Place(dice.nextInt(PACKS), dice.nextInt(LARGE)),
                    1 + dice.nextInt(30));
            assertThat(places(store.find(ACME, filter)))
                    .as("%s", filter)
                    .isEqualTo(places(REFERENCE.find(ACME, filter)));
        }
        assertThat(store.find(new TenantId("other"), all())).isEmpty();
    }

    /** More packs than the first round trip names, and of two terms one that all of them have. */
    @Test
    void goesOnBehindTheFirstPacks() {
        TenantId many = new TenantId("many");
        for (DecisionStore each : List.of(store, REFERENCE)) {
            try (PackingRecorder recorder = RecordingWorld.recorder(each)) {
                for (int pack = 0; pack < MANY; pack++) {
                    recorder.record(many, Acknowledge.BEFORE, RecordingWorld.decisions(pack, 1))
                            .join();
                }
            }
        }
        for (boolean ascending : new boolean[] {true, false}) {
            for (String subject : new String[] {null, "user:u1@fünd.com"}) {
                DecisionFilter filter = new DecisionFilter(
                        null, null, subject, "read", null, null, null, null, Set.of(), ascending, null, 2 * MANY);
                List<String> found = places(store.find(many, filter));
                assertThat(found).isNotEmpty().isEqualTo(places(REFERENCE.find(many, filter)));
            }
        }
    }

    /** Somebody adds terms: what they name is found by what it says itself, and by nothing else. */
    @Test
    void findsNothingByATermThatItsRecordsDoNotHave() throws SQLException {
        TermHash victim = TermHash.of(new Term(Kind.SUBJECT, "user:victim"));
        for (int bucket : victim.buckets()) {
            execute("INSERT INTO assize.decision_bucket SELECT " + bucket + ", 'acme', seq, '\\x"
                    + HexFormat.of().formatHex(victim.bytes()) + "000200000001' FROM generate_series(0, " + (PACKS - 1)
                    + ") AS seq ON CONFLICT (bucket, tenant_id, seq)"
                    + " DO UPDATE SET terms = decision_bucket.terms || EXCLUDED.terms");
        }
        DecisionFilter ofVictim = new DecisionFilter(
                null, null, "user:victim", null, null, null, null, null, Set.of(), true, null, 1_000);
        assertThat(store.find(ACME, ofVictim)).isEmpty();
    }

    /** An id that tells its time has no term, and is found by that; one that does not, or not of a page of a moment, has one. */
    @ParameterizedTest
    @CsvSource({"0, 0, 0", "100, 0, 0", "-101, 0, 40", "101, 0, 40", "0, 2000, 32"})
    void findsADecisionByItsIdWhateverThatTells(long offBy, long lastIsLater, int terms) throws SQLException {
        TenantId tenant = new TenantId("ids-" + Math.abs(offBy) + (offBy < 0 ? "-early-" : "-late-") + lastIsLater);
        List<DecisionMade> decisions = new ArrayList<>();
        for (DecisionMade made : RecordingWorld.decisions(7, 40)) {
            // The first page of two may be the one that is not of a moment.
            boolean isLate = decisions.size() == 31;
            Instant at = made.decidedAt().truncatedTo(ChronoUnit.MILLIS).plusMillis(isLate ? lastIsLater : 0);
            String id = HexFormat.of().toHexDigits(at.toEpochMilli() + offBy, 12)
                    + HexFormat.of().toHexDigits((byte) decisions.size());
            decisions.add(new DecisionMade(id, at, made.caller(), made.query(), made.answer(), made.traceContext()));
        }
        try (PackingRecorder recorder = RecordingWorld.recorder(store)) {
            recorder.record(tenant, Acknowledge.BEFORE, decisions).join();
        }
        for (int i = 0; i < decisions.size(); i++) {
            String id = decisions.get(i).id();
            assertThat(places(store.find(
                            tenant,
                            new DecisionFilter(null, null, null, null, null, null, null, id, Set.of(), true, null, 9))))
                    .containsExactly("0/" + i + " " + id);
            assertThat(store.contains(tenant, id)).isTrue();
        }
        assertThat(IntStream.range(0, decisions.size())
                        .filter(i -> hasTerm(tenant, decisions.get(i).id(), i)))
                .hasSize(terms);
        assertThat(verifier.verify(tenant, 0, null, (_, _) -> {})).isInstanceOf(Sound.class);
    }

    private static boolean hasTerm(TenantId tenant, String id, int position) {
        TermHash hash = TermHash.of(new Term(Kind.ID, id));
        return store.buckets(tenant, 0, hash.buckets()).stream()
                .anyMatch(bucket -> hash.positions(bucket.terms()).get(position));
    }

    private static Instant noon(SplittableRandom dice) {
        return Instant.parse("2026-03-01T12:00:00Z").plusNanos(1_000L * dice.nextInt(1_000_000));
    }

    private static DecisionFilter all() {
        return new DecisionFilter(null, null, null, null, null, null, null, null, Set.of(), true, null, 1_000);
    }

    private static List<String> places(List<RecordedDecision> found) {
        return found.stream()
                .map(it -> it.seq() + "/" + it.position() + " " + it.content().decisionId())
                .toList();
    }

    @Test
    void appendsNothingToALedgerThatIsHalted() throws SQLException {
        execute("UPDATE assize.ledger_head SET halted = 'edited' WHERE tenant_id = 'acme'");
        try (PackingRecorder recorder = RecordingWorld.recorder(store)) {
            assertThatThrownBy(() -> recorder.record(ACME, Acknowledge.BEFORE, RecordingWorld.decisions(77, 1))
                            .get())
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(LedgerHaltedException.class);
        }
        assertThat(store.contains(ACME, "d-77-0")).isFalse();
    }

    /** The entry and its decisions are one transaction: where the one cannot be, the other is not. */
    @Test
    void keepsTheEntryAndItsDecisionsTogether() throws SQLException {
        execute("ALTER TABLE assize.decision_bucket ADD CONSTRAINT never CHECK (seq < " + PACKS + ")");
        try (PackingRecorder recorder = RecordingWorld.recorder(store)) {
            assertThatThrownBy(() -> recorder.record(ACME, Acknowledge.BEFORE, RecordingWorld.decisions(88, 1))
                            .get())
                    .isInstanceOf(ExecutionException.class);
        } finally {
            execute("ALTER TABLE assize.decision_bucket DROP CONSTRAINT never");
        }
        assertThat(verify())
                .isInstanceOfSatisfying(
                        Sound.class,
                        sound -> assertThat(sound.span().verified()).isEqualTo(PACKS));
    }

    /** Connections die in the middle of whatever they do; what was answered is on record all the same, and once. */
    @ParameterizedTest
    @EnumSource(Acknowledge.class)
    void whatWasAnsweredIsOnRecordWhateverBreaks(Acknowledge acknowledge) throws Exception {
        TenantId tenant = new TenantId("crash-" + acknowledge.name());
        Queue<String> answered = new ConcurrentLinkedQueue<>();
        AtomicInteger refused = new AtomicInteger();
        AtomicBoolean over = new AtomicBoolean();
        Thread breaker = Thread.ofVirtual().start(() -> {
            for (int i = 0; i < 30 && !over.get(); i++) {
                try {
                    execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '"
                            + testDatabase.application().user() + "'");
                } catch (SQLException alreadyGone) {
                    // The next one will do.
                }
            }
        });
        try (PackingRecorder recorder = RecordingWorld.recorder(store)) {
            List<Thread> callers = IntStream.range(0, 4)
                    .mapToObj(caller -> Thread.ofVirtual().start(() -> {
                        for (DecisionMade made : RecordingWorld.decisions(1_000 + caller, 25)) {
                            try {
                                recorder.record(tenant, acknowledge, List.of(made))
                                        .get();
                                answered.add(made.id());
                            } catch (ExecutionException | InterruptedException notAnswered) {
                                refused.incrementAndGet();
                            }
                        }
                    }))
                    .toList();
            for (Thread caller : callers) {
                caller.join();
            }
            over.set(true);
            breaker.join();
            assertThat(answered.size() + refused.get()).isEqualTo(100);
            // A last one, so that not everything was refused.
            answered.add(recordOne(recorder, tenant, acknowledge));
        }
        List<String> recorded = untilServed(() -> store.find(tenant, all())).stream()
                .map(it -> it.content().decisionId())
                .toList();
        assertThat(recorded).doesNotHaveDuplicates().containsAll(answered);
        assertThat(untilServed(() -> verifier.verify(tenant, 0, null, (_, _) -> {})))
                .isInstanceOf(Sound.class);
    }

    /** Records decisions until one is on record, and says which. */
    private static String recordOne(PackingRecorder recorder, TenantId tenant, Acknowledge acknowledge)
            throws InterruptedException {
        for (int i = 0; ; i++) {
            List<DecisionMade> decision = RecordingWorld.decisions(2_000 + i, 1);
            try {
                recorder.record(tenant, acknowledge, decision).get();
                return decision.getFirst().id();
            } catch (ExecutionException ended) {
                assertThat(i).as("%s", ended).isLessThan(MOST_ENDED);
            }
        }
    }

    private static <T> T untilServed(Supplier<T> work) {
        for (int i = 0; ; i++) {
            try {
                return work.get();
            } catch (StoreUnavailableException ended) {
                assertThat(i).as("%s", ended).isLessThan(MOST_ENDED);
            }
        }
    }

    private static Verification verify() {
        return verifier.verify(ACME, 0, null, (_, _) -> {});
    }

    private static void execute(String sql) throws SQLException {
        DatabaseAccess access = testDatabase.superuser();
        try (Connection connection = DriverManager.getConnection(access.url(), access.user(), access.password());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
