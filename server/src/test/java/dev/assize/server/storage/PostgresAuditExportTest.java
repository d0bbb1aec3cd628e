package dev.assize.server.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.audit.AuditEvent;
import dev.assize.server.audit.AuditExport;
import dev.assize.server.audit.AuditFilter;
import dev.assize.server.audit.Outcome;
import dev.assize.server.audit.RecordedEvent;
import dev.assize.server.ledger.AppendCommand;
import dev.assize.server.ledger.EntryDraft;
import dev.assize.server.ledger.ErasableValue;
import dev.assize.server.model.Action;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Environment;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.EventBuilder;
import dev.assize.server.testing.TestDatabase;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class PostgresAuditExportTest {

    private static final TenantId TENANT = new TenantId("acme");
    private static final TenantId OTHER = new TenantId("other");
    private static final AuditCodec CODEC = new AuditCodec();
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    /** More than two fetches. */
    private static final int ENTRIES = 1_200;

    private static TestDatabase testDatabase;
    private static Database database;
    private static PostgresLedgerStore store;
    private static PostgresAuditExport export;
    private static PostgresAuditIndex index;
    private static Instant now = NOON;

    @BeforeAll
    static void fill() {
        testDatabase = TestDatabase.migrated();
        database = testDatabase.open(InstantSource.system());
        store = new PostgresLedgerStore(database, new LedgerWriter(database, CODEC, (_, _) -> {}, () -> now));
        export = new PostgresAuditExport(database, new AuditCodec());
        index = new PostgresAuditIndex(database, CODEC);
        for (int i = 0; i < ENTRIES; i += 100) {
            append(TENANT, i, 100);
            append(OTHER, i, 100);
        }
    }

    @AfterAll
    static void drop() {
        database.close();
        testDatabase.close();
    }

    @Test
    void handsOutWhatTheIndexFinds() {
        for (String actor : new String[] {null, "user:u1"}) {
            for (Outcome outcome : new Outcome[] {null, Outcome.DENIED}) {
                for (String resource : new String[] {null, "vault:v3"}) {
                    for (Instant from : new Instant[] {null, NOON.plusSeconds(500)}) {
                        AuditFilter filter = filter(actor, outcome, resource, from, Set.of(), 299L);
                        List<Long> expected = index.find(TENANT, filter).entries().stream()
                                .map(RecordedEvent::seq)
                                .toList();
                        Read read = new Read(_ -> {});
                        export.read(TENANT, filter, Long.MAX_VALUE, read);
                        assertThat(read.seqs).isEqualTo(expected);
                    }
                }
            }
        }
    }

    @Test
    void endsWhereItIsToldTo() {
        Read read = new Read(_ -> {});
        export.read(TENANT, filter(null, null, null, null, Set.of(), 499L), 999, read);
        assertThat(read.seqs).hasSize(500).startsWith(500L).endsWith(999L);
        read = new Read(_ -> {});
        export.read(new TenantId("empty"), filter(null, null, null, null, Set.of(), null), Long.MAX_VALUE, read);
        assertThat(read.seqs).isEmpty();
        assertThat(read.size).isZero();
    }

    /** Terms tell 64 positions at a time; an end is any of them. */
    @Test
    void endsWithinABlockOfTermsWhereItIsToldTo() {
        AuditFilter filter = filter("user:u1", null, null, null, Set.of(), null);
        for (int toSeq : new int[] {0, 1, 62, 63, 64, 65, 126, 127, 128, 130, ENTRIES - 2, ENTRIES - 1, ENTRIES}) {
            Read read = new Read(_ -> {});
            export.read(TENANT, filter, toSeq, read);
            assertThat(read.seqs)
                    .as("up to %d", toSeq)
                    .isEqualTo(LongStream.rangeClosed(0, Math.min(toSeq, ENTRIES - 1))
                            .filter(seq -> seq % 3 == 1)
                            .boxed()
                            .toList());
        }
    }

    @Test
    void keepsToTheEnvironmentsOfTheCaller() {
        Read read = new Read(_ -> {});
        export.read(
                OTHER, filter(null, null, null, null, Set.of(new Environment("staging")), null), Long.MAX_VALUE, read);
        assertThat(read.seqs).hasSize(ENTRIES / 2).allMatch(seq -> seq % 2 == 1);
    }

    @Test
    void seesOneMomentWhateverIsAppendedMeanwhile() {
        TenantId busy = new TenantId("busy");
        for (int i = 0; i < 600; i += 100) {
            append(busy, i, 100);
        }
        Read read = new Read(seq -> {
            if (seq == 10) {
                // On a thread of its own: this one reads within the moment that it must not change.
                CompletableFuture.runAsync(() -> append(busy, 600, 100)).join();
            }
        });
        export.read(busy, filter(null, null, null, null, Set.of(), null), Long.MAX_VALUE, read);
        assertThat(read.size).isEqualTo(600);
        assertThat(read.seqs).hasSize(600);
    }

    /** Nobody listens any more, and nothing is found that could tell it so: it ends at the first stretch that it has passed. */
    @Test
    void endsWithItsReaderAlsoWhereNothingIsFound() {
        IllegalStateException gone = new IllegalStateException("gone");
        List<Long> passed = new ArrayList<>();
        AuditExport.Reader reader = new AuditExport.Reader() {
            @Override
            public void begin(long ledgerSize) {}

            @Override
            public void accept(long seq, byte[] frame, Digest entryHash, List<ErasableValue> beside) {
                throw new AssertionError("found " + seq);
            }

            @Override
            public void passed(long seq) {
                passed.add(seq);
                throw gone;
            }
        };
        // Both are there, and never in one entry.
        AuditFilter nothing = filter("user:u1", Outcome.DENIED, null, null, Set.of(new Environment("nowhere")), null);
        assertThatThrownBy(() -> export.read(TENANT, nothing, Long.MAX_VALUE, reader))
                .isSameAs(gone);
        assertThat(passed).hasSize(1);
        Read again = new Read(_ -> {});
        export.read(TENANT, filter(null, null, null, null, Set.of(), null), Long.MAX_VALUE, again);
        assertThat(again.seqs).as("what was broken off keeps no connection").hasSize(ENTRIES);
    }

    @Test
    void endsWithItsReader() {
        RuntimeException enough = new IllegalStateException("enough");
        assertThatThrownBy(() -> export.read(
                        TENANT, filter(null, null, null, null, Set.of(), null), Long.MAX_VALUE, new Read(seq -> {
                            if (seq == 700) {
                                throw enough;
                            }
                        })))
                .isSameAs(enough);
        // And the connection, with its cursor closed, is good for the next.
        Read read = new Read(_ -> {});
        export.read(TENANT, filter(null, null, null, null, Set.of(), null), Long.MAX_VALUE, read);
        assertThat(read.seqs).hasSize(ENTRIES);
    }

    private static void append(TenantId tenant, int from, int count) {
        List<EntryDraft> drafts = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            drafts.add(CODEC.encode(event(i), Recorder.ASSIZE));
        }
        now = now.plusSeconds(60);
        assertThat(store.append(tenant, List.of(new AppendCommand(Recorder.ASSIZE, drafts, null))))
                .hasSize(1);
    }

    private static AuditFilter filter(
            @Nullable String actor,
            @Nullable Outcome outcome,
            @Nullable String resource,
            @Nullable Instant from,
            Set<Environment> envs,
            @Nullable Long afterSeq) {
        return new AuditFilter(
                from,
                null,
                actor,
                null,
                resource == null ? null : ResourcePath.parse(resource),
                outcome,
                null,
                null,
                envs,
                true,
                afterSeq,
                1_000);
    }

    private static AuditEvent event(int i) {
        return EventBuilder.event(
                        "replay.executed",
                        Subject.parse("user:u" + i % 3),
                        new Action("read"),
                        ResourcePath.parse("vault:v" + i % 5))
                .env(new Environment(i % 2 == 1 ? "staging" : "default"))
                .outcome(i % 7 == 0 ? Outcome.DENIED : Outcome.SUCCESS)
                .build();
    }

    private static final class Read implements AuditExport.Reader {

        private final LongConsumer seen;
        private final List<Long> seqs = new ArrayList<>();
        private long size = -1;

        Read(LongConsumer seen) {
            this.seen = seen;
        }

        @Override
        public void begin(long ledgerSize) {
            size = ledgerSize;
        }

        @Override
        public void accept(long seq, byte[] frame, Digest entryHash, List<ErasableValue> beside) {
            assertThat(CODEC.decode(frame, entryHash).seq()).isEqualTo(seq);
            seqs.add(seq);
            seen.accept(seq);
        }
    }
}
