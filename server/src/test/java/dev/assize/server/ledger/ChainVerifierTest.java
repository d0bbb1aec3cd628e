package dev.assize.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.Verification.Broken;
import dev.assize.server.ledger.Verification.Fault;
import dev.assize.server.ledger.Verification.Kind;
import dev.assize.server.ledger.Verification.NoSuchRange;
import dev.assize.server.ledger.Verification.Sound;
import dev.assize.server.ledger.Verification.Span;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.TenantId;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ChainVerifierTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final TenantId OTHER = new TenantId("other");
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final int ENTRIES = 6;

    private final InMemoryLedgerStore store = new InMemoryLedgerStore(InstantSource.fixed(NOON), new AuditCodec());
    private final ChainVerifier verifier =
            new ChainVerifier(store, new AuditCodec(), new LedgerMetrics(new SimpleMeterRegistry()));

    @Test
    void findsEveryFlippedBitOfEveryFrame() {
        append(ACME, 3);
        NavigableMap<Long, StoredEntry> rows = store.rows(ACME);
        for (StoredEntry entry : List.copyOf(rows.values())) {
            for (int bit = 0; bit < entry.frame().length * 8; bit++) {
                byte[] frame = entry.frame().clone();
                frame[bit / 8] ^= (byte) (1 << (bit % 8));
                rows.put(entry.seq(), new StoredEntry(entry.seq(), frame, entry.entryHash(), entry.columns()));
                assertFault(entry.seq(), Kind.ENTRY_HASH);
            }
            rows.put(entry.seq(), entry);
        }
        assertSound(3);
    }

    /** Who edits a frame can also edit the hash beside it: then the next link is broken, or the frame is. */
    @Test
    void findsEveryFlippedBitWhoseHashWasMended() {
        append(ACME, 3);
        NavigableMap<Long, StoredEntry> rows = store.rows(ACME);
        for (StoredEntry entry : List.copyOf(rows.values())) {
            for (int bit = 0; bit < entry.frame().length * 8; bit++) {
                byte[] frame = entry.frame().clone();
                frame[bit / 8] ^= (byte) (1 << (bit % 8));
                rows.put(entry.seq(), new StoredEntry(entry.seq(), frame, Frame.hash(frame), entry.columns()));
                assertThat(fault().seq()).isBetween(entry.seq(), entry.seq() + 1);
            }
            rows.put(entry.seq(), entry);
        }
        assertSound(3);
    }

    @Test
    void findsEveryColumnThatDiffers() {
        append(ACME, ENTRIES);
        NavigableMap<Long, StoredEntry> rows = store.rows(ACME);
        StoredEntry entry = row(2);
        for (String column : List.copyOf(entry.columns().keySet())) {
            rows.put(2L, withColumns(entry, columns -> columns.put(column, "tampered")));
            assertThat(fault().message()).contains("column " + column).contains("`tampered`");
            assertFault(2, Kind.PROJECTION);
            rows.put(2L, withColumns(entry, columns -> columns.remove(column)));
            assertFault(2, Kind.PROJECTION);
        }
        rows.put(2L, withColumns(entry, columns -> columns.put("run_id", "run")));
        assertFault(2, Kind.PROJECTION);
    }

    @Test
    void findsWhatIsMissing() {
        append(ACME, ENTRIES);
        NavigableMap<Long, StoredEntry> rows = store.rows(ACME);
        for (long seq = 0; seq < ENTRIES; seq++) {
            StoredEntry removed = rows.remove(seq);
            assertFault(seq, Kind.SEQUENCE);
            rows.put(seq, removed);
        }
        store.rows(ACME).clear();
        assertFault(0, Kind.SEQUENCE);
    }

    @Test
    void findsWhatStandsBehindTheHead() {
        append(ACME, ENTRIES);
        LedgerHead early = store.head(ACME).orElseThrow();
        append(ACME, 1);
        store.putHead(ACME, early);
        assertFault(ENTRIES, Kind.SEQUENCE);
        store.putHead(ACME, null);
        assertFault(0, Kind.HEAD);
    }

    @Test
    void findsSwappedEntries() {
        append(ACME, ENTRIES);
        NavigableMap<Long, StoredEntry> rows = store.rows(ACME);
        StoredEntry third = row(3);
        StoredEntry second = row(2);
        rows.put(2L, new StoredEntry(2, third.frame(), third.entryHash(), third.columns()));
        rows.put(3L, new StoredEntry(3, second.frame(), second.entryHash(), second.columns()));
        assertFault(2, Kind.SEQUENCE);
    }

    @Test
    void findsEntriesOfAnotherLedger() {
        append(ACME, ENTRIES);
        append(OTHER, ENTRIES);
        store.rows(ACME).put(1L, Optional.ofNullable(store.rows(OTHER).get(1L)).orElseThrow());
        assertFault(1, Kind.ORIGIN);
        store.rows(ACME).putAll(store.rows(OTHER));
        store.putHead(ACME, store.head(OTHER).orElseThrow());
        assertFault(0, Kind.ORIGIN);
    }

    @Test
    void findsRewrittenEntriesByTheLinkBehindThem() {
        append(ACME, ENTRIES);
        rewrite(2, head -> head);
        assertFault(3, Kind.LINK);
    }

    @Test
    void findsLinksTimesAndIncarnationsThatDoNotFit() {
        append(ACME, ENTRIES);
        rewrite(2, head -> new LedgerHead(head.origin(), 1, 2, Digest.sha256(), head.lastRecordedAt()));
        assertFault(2, Kind.LINK);
        rewrite(2, head -> new LedgerHead(head.origin(), 1, 2, head.lastHash(), NOON.minusSeconds(9)));
        assertFault(2, Kind.SEQUENCE);
        rewrite(2, head -> new LedgerHead(head.origin(), 0, 2, head.lastHash(), head.lastRecordedAt()));
        assertFault(2, Kind.FRAME);
        rewrite(2, head -> new LedgerHead(head.origin(), 2, 2, head.lastHash(), head.lastRecordedAt()));
        rewrite(3, head -> head);
        assertFault(3, Kind.ORIGIN);
    }

    @Test
    void findsFramesThatCannotBeRead() {
        append(ACME, ENTRIES);
        byte[] frame = {1, 0, 9, 0, 0, 0, 0};
        store.rows(ACME).put(4L, new StoredEntry(4, frame, Frame.hash(frame), new TreeMap<>()));
        assertFault(4, Kind.FRAME);
    }

    @Test
    void findsHeadsThatDoNotFit() {
        append(ACME, ENTRIES);
        LedgerHead head = store.head(ACME).orElseThrow();
        for (LedgerHead other : List.of(
                new LedgerHead(head.origin(), 1, ENTRIES, Digest.sha256(), head.lastRecordedAt()),
                new LedgerHead("x/acme", 1, ENTRIES, head.lastHash(), head.lastRecordedAt()),
                new LedgerHead(head.origin(), 2, ENTRIES, head.lastHash(), head.lastRecordedAt()),
                new LedgerHead(head.origin(), 1, ENTRIES, head.lastHash(), NOON),
                new LedgerHead(head.origin(), 1, ENTRIES, head.lastHash(), null))) {
            store.putHead(ACME, other);
            assertFault(ENTRIES - 1, Kind.HEAD);
        }
        store.putHead(ACME, new LedgerHead(head.origin(), 1, ENTRIES + 1, head.lastHash(), head.lastRecordedAt()));
        assertFault(ENTRIES, Kind.SEQUENCE);
        store.putHead(ACME, Sequencer.genesis(head.origin()));
        assertFault(0, Kind.SEQUENCE);
    }

    @Test
    void refusesRangesThatAreNotThere() {
        assertThat(verify(1, null)).isEqualTo(new NoSuchRange(0));
        assertThat(verify(0, 0L)).isEqualTo(new NoSuchRange(0));
        append(ACME, 3);
        assertThat(verify(3, null)).isEqualTo(new NoSuchRange(3));
        assertThat(verify(4, null)).isEqualTo(new NoSuchRange(3));
        assertThat(verify(0, 3L)).isEqualTo(new NoSuchRange(3));
        assertThat(verify(2, 1L)).isEqualTo(new NoSuchRange(3));
        assertThat(verify(-1, 1L)).isEqualTo(new NoSuchRange(3));
        assertThat(verify(0, Long.MAX_VALUE)).isEqualTo(new NoSuchRange(3));
    }

    @Test
    void findsAnEmptyLedgerSound() {
        assertThat(verify(0, null)).isEqualTo(new Sound(new Span("", 0, -1, 0, null, 0)));
    }

    @Test
    void verifiesRanges() {
        append(ACME, ENTRIES);
        List<StoredEntry> entries = List.copyOf(store.rows(ACME).values());
        String origin = InMemoryLedgerStore.origin(ACME);
        for (int from = 0; from < ENTRIES; from++) {
            for (int to = from; to < ENTRIES; to++) {
                Span span = new Span(
                        origin, from, to, to - from + 1L, entries.get(to).entryHash(), 0);
                assertThat(verify(from, (long) to)).isEqualTo(new Sound(span));
            }
        }
    }

    @Test
    void judgesOnlyTheRange() {
        append(ACME, ENTRIES);
        rewrite(2, head -> head);
        assertThat(verify(0, 2L)).isInstanceOf(Sound.class);
        assertThat(verify(4, null)).isInstanceOf(Sound.class);
        assertThat(verify(3, null)).isInstanceOfSatisfying(Broken.class, broken -> {
            assertThat(broken.fault().kind()).isEqualTo(Kind.LINK);
            assertThat(broken.span().verified()).isZero();
        });
        store.rows(ACME).remove(2L);
        assertThat(verify(3, null)).isInstanceOf(Sound.class);
        assertThat(verify(1, 4L))
                .isInstanceOfSatisfying(
                        Broken.class, broken -> assertThat(broken.fault().seq()).isEqualTo(2));
    }

    @Test
    void namesARowThatIsNoEntry() {
        append(ACME, 5);
        LedgerStore altered = new LedgerStore() {
            @Override
            public List<AppendResult> append(TenantId tenant, List<AppendCommand> commands) {
                return store.append(tenant, commands);
            }

            @Override
            public List<StoredEntry> notices(TenantId tenant, List<Long> seqs, long fromSeq) {
                return store.notices(tenant, seqs, fromSeq);
            }

            @Override
            public Optional<LedgerHead> head(TenantId tenant) {
                return store.head(tenant);
            }

            @Override
            public Optional<LedgerHead> scan(
                    TenantId tenant, long fromSeq, long toSeq, Predicate<StoredEntry> reader, BooleanSupplier pause) {
                return store.scan(tenant, fromSeq, toSeq, entry -> {
                    if (entry.seq() == 3) {
                        throw new UnreadableRowException(3, "the hash has 31 bytes");
                    }
                    return reader.test(entry);
                });
            }
        };
        ChainVerifier ofAltered =
                new ChainVerifier(altered, new AuditCodec(), new LedgerMetrics(new SimpleMeterRegistry()));
        assertThat(ofAltered.verify(ACME, 0, null, (verified, total) -> {}))
                .isInstanceOfSatisfying(Broken.class, broken -> {
                    assertThat(broken.fault().seq()).isEqualTo(3);
                    assertThat(broken.fault().kind()).isEqualTo(Kind.FRAME);
                    assertThat(broken.fault().message()).contains("31 bytes");
                    assertThat(broken.span().verified()).isEqualTo(3);
                });
    }

    @Test
    void tellsHowFarItIs() {
        append(ACME, 2_500);
        List<String> heard = new ArrayList<>();
        verifier.verify(ACME, 100, null, (verified, total) -> heard.add(verified + "/" + total));
        assertThat(heard).containsExactly("0/2400", "1000/2400", "2000/2400");
    }

    private StoredEntry row(long seq) {
        return Optional.ofNullable(store.rows(ACME).get(seq)).orElseThrow();
    }

    private Verification verify(long from, @Nullable Long to) {
        return verifier.verify(ACME, from, to, (verified, total) -> {});
    }

    private Fault fault() {
        return ((Broken) verify(0, null)).fault();
    }

    private void assertFault(long seq, Kind kind) {
        assertThat(fault()).extracting(Fault::seq, Fault::kind).containsExactly(seq, kind);
    }

    private void assertSound(long size) {
        assertThat(verify(0, null))
                .isInstanceOfSatisfying(
                        Sound.class,
                        sound -> assertThat(sound.span().verified()).isEqualTo(size));
    }

    private void append(TenantId tenant, int count) {
        List<EntryDraft> drafts =
                IntStream.range(0, count).mapToObj(i -> draft("n" + i)).toList();
        store.append(tenant, List.of(new AppendCommand(Recorder.ASSIZE, drafts, null)));
    }

    /** Replaces an entry by another one with its own hash, written behind what the tamperer says. */
    private void rewrite(long seq, UnaryOperator<LedgerHead> tamper) {
        NavigableMap<Long, StoredEntry> rows = store.rows(ACME);
        Envelope before = Envelope.of(FrameFields.read(row(seq - 1).frame()));
        Digest link = Frame.hash(row(seq - 1).frame());
        LedgerHead head = tamper.apply(new LedgerHead(before.origin(), 1, seq, link, before.recordedAt()));
        Instant recordedAt =
                Optional.ofNullable(head.lastRecordedAt()).orElse(NOON).plusNanos(1_000);
        byte[] frame = Frame.write(head, recordedAt, draft("forged"));
        rows.put(seq, new StoredEntry(seq, frame, Frame.hash(frame), row(seq).columns()));
    }

    private static StoredEntry withColumns(StoredEntry entry, Consumer<SortedMap<String, String>> edit) {
        SortedMap<String, String> columns = new TreeMap<>(entry.columns());
        edit.accept(columns);
        return new StoredEntry(entry.seq(), entry.frame(), entry.entryHash(), columns);
    }

    private static EntryDraft draft(String reason) {
        return new EntryDraft(
                Recorder.ASSIZE,
                "t",
                new FrameBody()
                        .text(17, "user:alice")
                        .text(21, "append")
                        .text(22, "ledger")
                        .text(23, "default")
                        .u8(24, 1)
                        .text(28, reason)
                        .toBytes());
    }
}
