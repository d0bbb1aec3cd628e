package dev.assize.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.audit.AuditCodec;
import dev.assize.server.ledger.AppendCommand.Idempotency;
import dev.assize.server.ledger.AppendResult.Appended;
import dev.assize.server.ledger.AppendResult.KeyReused;
import dev.assize.server.ledger.AppendResult.Refused;
import dev.assize.server.ledger.AppendResult.Replayed;
import dev.assize.server.model.Digest;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every {@link LedgerStore} does. Tests use tenants of their own, so that stores may share a database. */
public abstract class LedgerStoreContract {

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00.000001Z");
    private static final Recorder ALICE = new Recorder(new Subject("user", "alice"), new TenantId("acme"));
    private static final int WRITERS = 8;

    private final AtomicReference<Instant> now = new AtomicReference<>(NOON);
    private final TenantId tenant =
            new TenantId("t-" + UUID.randomUUID().toString().substring(0, 13));
    private LedgerStore store;

    @BeforeEach
    void open() {
        store = store(now::get);
    }

    /** A store that takes its time from the clock. Called once for each test. */
    protected abstract LedgerStore store(InstantSource clock);

    /** What the store fills its query columns with. */
    protected final Projector projector() {
        return new AuditCodec();
    }

    @Test
    void refusesOtherContentUnderAUsedKey() {
        appendOne(keyed("k", "first"));
        assertThat(appendOne(keyed("k", "second"))).isEqualTo(new KeyReused("k"));
        assertThat(texts(0, Long.MAX_VALUE)).containsExactly("first");
    }

    @Test
    void refusesOtherContentUnderAKeyOfTheSameCall() {
        List<AppendResult> results =
                store.append(tenant, List.of(keyed("k", "first"), keyed("k", "second"), command("third")));
        assertThat(results.get(0)).isInstanceOf(Appended.class);
        assertThat(results.get(1)).isEqualTo(new KeyReused("k"));
        assertThat(receipts(results.get(2))).extracting(Receipt::seq).containsExactly(1L);
        assertThat(texts(0, Long.MAX_VALUE)).containsExactly("first", "third");
    }

    @Test
    void appendsNothingOfACallOfWhichOneFrameIsTooLong() {
        List<AppendCommand> commands = List.of(keyed("k", "fits"), command("x".repeat(Frame.MAX_BYTES)));
        assertThatThrownBy(() -> store.append(tenant, commands)).isInstanceOf(FrameTooLargeException.class);
        assertThat(texts(0, Long.MAX_VALUE)).isEmpty();
        assertThat(appendOne(keyed("k", "the key is still free"))).isInstanceOf(Appended.class);
    }

    @Test
    void appendsNothingWhereThePreconditionDoesNotHold() {
        appendOne(command("before"));
        assertThat(appendOne(conditional("k", () -> false, "refused"))).isEqualTo(new Refused());
        assertThat(store.head(tenant)).get().extracting(LedgerHead::size).isEqualTo(1L);
        assertThat(appendOne(conditional("k", () -> true, "refused before")))
                .as("the key is still free")
                .isInstanceOf(Appended.class);
        assertThat(texts(0, Long.MAX_VALUE)).containsExactly("before", "refused before");
    }

    @Test
    void appendsNothingOfACallOfWhichOnePreconditionThrows() {
        IllegalStateException cause = new IllegalStateException("no answer");
        AppendCommand failing = conditional(
                "k",
                () -> {
                    throw cause;
                },
                "unknown");
        assertThatThrownBy(() -> store.append(tenant, List.of(command("before"), failing, command("after"))))
                .isInstanceOfSatisfying(
                        PreconditionFailedException.class,
                        e -> assertThat(e.failure()).isSameAs(cause));
        assertThat(texts(0, Long.MAX_VALUE)).isEmpty();
        assertThat(appendOne(keyed("k", "the key is still free"))).isInstanceOf(Appended.class);
    }

    @Test
    void showsAPreconditionWhatWasAppendedBeforeItInTheSameCall() {
        List<List<String>> seen = new ArrayList<>();
        List<AppendResult> results = store.append(
                tenant,
                List.of(
                        command("a"),
                        conditional("k", () -> seen.add(texts(0, Long.MAX_VALUE)), "b"),
                        conditional("l", () -> !seen.add(texts(0, Long.MAX_VALUE)), "c"),
                        command("d")));
        assertThat(seen).containsExactly(List.of("a"), List.of("a", "b"));
        assertThat(results.get(2)).isEqualTo(new Refused());
        assertThat(receipts(results.get(3))).extracting(Receipt::seq).containsExactly(2L);
        assertThat(texts(0, Long.MAX_VALUE)).containsExactly("a", "b", "d");
    }

    @Test
    void answersARetryWithoutAskingItsPrecondition() {
        AppendCommand command = conditional("k", () -> true, "once");
        List<Receipt> first = receipts(appendOne(command));
        Precondition never = () -> {
            throw new AssertionError("asked again");
        };
        assertThat(appendOne(conditional("k", never, "once"))).isEqualTo(new Replayed(first));
        assertThat(appendOne(conditional("k", never, "other"))).isEqualTo(new KeyReused("k"));
    }

    @Test
    void letsOneOfTwoThatExcludeEachOtherAppend() throws Exception {
        List<AppendResult> results = inParallel(
                WRITERS * 4,
                i -> appendOne(conditional(
                        "k" + i,
                        () -> texts(0, Long.MAX_VALUE).stream().noneMatch(("pair" + i / 2)::equals),
                        "pair" + i / 2)));
        for (int i = 0; i < results.size(); i += 2) {
            assertThat(results.subList(i, i + 2))
                    .hasAtLeastOneElementOfType(Appended.class)
                    .contains(new Refused());
        }
    }

    @Test
    void knowsNothingOfALedgerWithoutEntries() {
        assertThat(store.head(tenant)).isEmpty();
        assertThat(store.scan(tenant, 0, Long.MAX_VALUE, entry -> {
                    throw new AssertionError("there is no entry " + entry.seq());
                }))
                .isEmpty();
    }

    @Test
    void appendsNothingForNoCommands() {
        assertThat(store.append(tenant, List.of())).isEmpty();
        assertThat(texts(0, Long.MAX_VALUE)).isEmpty();
    }

    @Test
    void keepsTheOrderOfCommandsAndDrafts() {
        List<AppendResult> results = store.append(tenant, List.of(command("a", "b"), command("c")));
        assertThat(results).hasSize(2).allMatch(Appended.class::isInstance);
        assertThat(receipts(results.get(0))).extracting(Receipt::seq).containsExactly(0L, 1L);
        assertThat(receipts(results.get(1))).extracting(Receipt::seq).containsExactly(2L);
        assertThat(receipts(appendOne(command("d")))).extracting(Receipt::seq).containsExactly(3L);
        assertThat(texts(0, Long.MAX_VALUE)).containsExactly("a", "b", "c", "d");
    }

    @Test
    void answersARetryWithTheFirstReceipts() {
        AppendCommand command = keyed("k", "a", "b");
        List<Receipt> first = receipts(appendOne(command));
        appendOne(command("between"));
        now.set(NOON.plusSeconds(60));
        assertThat(appendOne(command)).isEqualTo(new Replayed(first));
        assertThat(texts(0, Long.MAX_VALUE)).containsExactly("a", "b", "between");
    }

    @Test
    void answersARetryOfAnotherTraceWithTheFirstReceipts() {
        List<Receipt> first = receipts(appendOne(traced("00-" + "a".repeat(32) + "-" + "b".repeat(16) + "-01")));
        appendOne(command("between"));
        assertThat(appendOne(traced("00-" + "c".repeat(32) + "-" + "d".repeat(16) + "-01")))
                .isEqualTo(new Replayed(first));
        assertThat(appendOne(traced(null))).isEqualTo(new Replayed(first));
        assertThat(texts(0, Long.MAX_VALUE)).containsExactly("a", "between");
    }

    private static AppendCommand traced(@Nullable String trace) {
        AppendCommand keyed = keyed("k", "a");
        byte[] traced =
                trace == null ? new byte[0] : new FrameBody().text(33, trace).toBytes();
        byte[] body = body("a");
        byte[] both = ByteBuffer.allocate(body.length + traced.length)
                .put(body)
                .put(traced)
                .array();
        return new AppendCommand(ALICE, List.of(new EntryDraft(ALICE, "test.appended", both)), keyed.idempotency());
    }

    @Test
    void answersARetryWithinOneCallWithTheFirstReceipts() {
        List<AppendResult> results = store.append(tenant, List.of(keyed("k", "a"), command("b"), keyed("k", "a")));
        assertThat(results.get(0)).isInstanceOf(Appended.class);
        assertThat(results.get(2)).isEqualTo(new Replayed(receipts(results.get(0))));
        assertThat(texts(0, Long.MAX_VALUE)).containsExactly("a", "b");
    }

    @Test
    void keepsKeysApartByCallerAndTenant() {
        appendOne(keyed("k", "alice"));
        Recorder bob = new Recorder(new Subject("user", "bob"), ALICE.home());
        Recorder otherAlice = new Recorder(ALICE.caller(), new TenantId("other"));
        assertThat(appendOne(keyed(bob, "k", "bob"))).isInstanceOf(Appended.class);
        assertThat(appendOne(keyed(otherAlice, "k", "other alice"))).isInstanceOf(Appended.class);
        TenantId otherTenant = new TenantId(tenant + ".other");
        assertThat(store.append(otherTenant, List.of(keyed("k", "other"))).getFirst())
                .isInstanceOf(Appended.class);
        assertThat(texts(0, Long.MAX_VALUE)).containsExactly("alice", "bob", "other alice");
    }

    @Test
    void comparesKeysAsBytes() {
        assertThat(List.of("key", "KEY", "key ", "ke\u0301y", "k\u00e9y", "x".repeat(128)))
                .allSatisfy(key -> assertThat(appendOne(keyed(key, "text"))).isInstanceOf(Appended.class));
    }

    @Test
    void keepsTenantsApart() {
        TenantId other = new TenantId(tenant + ".other");
        appendOne(command("mine"));
        store.append(other, List.of(command("theirs"), command("theirs too")));
        assertThat(texts(0, Long.MAX_VALUE)).containsExactly("mine");
        LedgerHead mine = store.head(tenant).orElseThrow();
        LedgerHead theirs = store.head(other).orElseThrow();
        assertThat(mine.size()).isEqualTo(1);
        assertThat(theirs.size()).isEqualTo(2);
        assertThat(mine.origin()).isNotEqualTo(theirs.origin()).endsWith("/" + tenant);
    }

    @Test
    void linksEveryEntryToTheOneBefore() {
        appendOne(command("a"));
        store.append(tenant, List.of(command("b", "c"), command("d")));
        assertChain();
    }

    @Test
    void tellsWhatItStored() {
        List<Receipt> receipts = receipts(appendOne(command("a", "b")));
        assertThat(scan(0, Long.MAX_VALUE))
                .extracting(entry -> new Receipt(
                        entry.seq(),
                        entry.entryHash(),
                        Envelope.of(FrameFields.read(entry.frame())).recordedAt()))
                .isEqualTo(receipts);
        LedgerHead head = store.head(tenant).orElseThrow();
        assertThat(head.size()).isEqualTo(receipts.size());
        assertThat(head.lastHash()).isEqualTo(receipts.getLast().entryHash());
        assertThat(head.lastRecordedAt()).isEqualTo(receipts.getLast().recordedAt());
    }

    @Test
    void fillsTheQueryColumnsFromTheFrame() {
        appendOne(command("a"));
        appendOne(new AppendCommand(ALICE, List.of(new EntryDraft(ALICE, "t.full", fullBody())), null));
        assertThat(scan(0, Long.MAX_VALUE))
                .hasSize(2)
                .allSatisfy(entry ->
                        assertThat(entry.columns()).isEqualTo(projector().project(entry.frame())));
    }

    @Test
    void keepsTimeRisingWhenTheClockFallsBack() {
        appendOne(command("a", "b"));
        now.set(NOON.minusSeconds(3_600));
        appendOne(command("c"));
        now.set(NOON.plusSeconds(1));
        appendOne(command("d"));
        assertThat(scan(0, Long.MAX_VALUE))
                .extracting(
                        entry -> Envelope.of(FrameFields.read(entry.frame())).recordedAt())
                .containsExactly(NOON, NOON.plusNanos(1_000), NOON.plusNanos(2_000), NOON.plusSeconds(1));
    }

    @Test
    void scansRangesInOrder() {
        appendOne(command("0", "1", "2", "3", "4"));
        assertThat(texts(0, 0)).containsExactly("0");
        assertThat(texts(1, 3)).containsExactly("1", "2", "3");
        assertThat(texts(3, Long.MAX_VALUE)).containsExactly("3", "4");
        assertThat(texts(4, 9)).containsExactly("4");
        assertThat(texts(5, 9)).isEmpty();
        assertThat(texts(3, 2)).isEmpty();
    }

    @Test
    void scansAllOfALongLedger() {
        int count = 2_500;
        String[] texts = IntStream.range(0, count).mapToObj(Integer::toString).toArray(String[]::new);
        appendOne(command(texts));
        assertThat(texts(0, Long.MAX_VALUE)).containsExactly(texts);
    }

    @Test
    void stopsScanningWhenTheReaderHasEnough() {
        appendOne(command("0", "1", "2"));
        List<Long> read = new ArrayList<>();
        assertThat(store.scan(tenant, 0, Long.MAX_VALUE, entry -> {
                    read.add(entry.seq());
                    return entry.seq() < 1;
                }))
                .isEqualTo(store.head(tenant));
        assertThat(read).containsExactly(0L, 1L);
    }

    @Test
    void neitherForksNorSkipsUnderConcurrentWriters() throws Exception {
        int calls = 15;
        List<Receipt> receipts = inParallel(
                        WRITERS,
                        writer -> IntStream.range(0, calls)
                                .boxed()
                                .flatMap(call -> receipts(appendOne(command(writer + "." + call, "tail"))).stream())
                                .toList())
                .stream()
                .flatMap(List::stream)
                .toList();
        long size = 2L * WRITERS * calls;
        assertThat(receipts)
                .extracting(Receipt::seq)
                .containsExactlyInAnyOrderElementsOf(
                        LongStream.range(0, size).boxed().toList());
        assertThat(store.head(tenant))
                .hasValueSatisfying(head -> assertThat(head.size()).isEqualTo(size));
        assertChain();
    }

    @Test
    void appendsOnceForManyRetriesAtOnce() throws Exception {
        List<AppendResult> results = inParallel(WRITERS, writer -> appendOne(keyed("k", "once")));
        assertThat(results).filteredOn(Appended.class::isInstance).hasSize(1);
        assertThat(results).extracting(LedgerStoreContract::receipts).containsOnly(receipts(results.getFirst()));
        assertThat(texts(0, Long.MAX_VALUE)).containsExactly("once");
    }

    private void assertChain() {
        LedgerHead head = store.head(tenant).orElseThrow();
        Digest link = Frame.genesisHash(head.origin());
        for (StoredEntry entry : scan(0, Long.MAX_VALUE)) {
            Envelope envelope = Envelope.of(FrameFields.read(entry.frame()));
            assertThat(envelope.seq()).isEqualTo(entry.seq());
            assertThat(envelope.origin()).isEqualTo(head.origin());
            assertThat(envelope.incarnation()).isEqualTo(head.incarnation());
            assertThat(envelope.prevHash()).isEqualTo(link);
            assertThat(entry.entryHash()).isEqualTo(Frame.hash(entry.frame()));
            link = entry.entryHash();
        }
        assertThat(head.lastHash()).isEqualTo(link);
    }

    private static <T> List<T> inParallel(int count, IntFunction<T> work) throws Exception {
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<T>> futures = IntStream.range(0, count)
                    .mapToObj(i -> executor.submit(() -> work.apply(i)))
                    .toList();
            List<T> results = new ArrayList<>();
            for (Future<T> future : futures) {
                results.add(future.get());
            }
            return results;
        }
    }

    /** A command whose entries bear the texts. */
    protected static AppendCommand command(String... texts) {
        return command(ALICE, null, texts);
    }

    /** A command under a key; its content is its texts. */
    protected static AppendCommand keyed(String key, String... texts) {
        return keyed(ALICE, key, texts);
    }

    private static AppendCommand conditional(String key, Precondition precondition, String... texts) {
        AppendCommand keyed = keyed(key, texts);
        return new AppendCommand(keyed.recorder(), keyed.drafts(), keyed.idempotency(), precondition);
    }

    private static AppendCommand keyed(Recorder recorder, String key, String... texts) {
        byte[] content = String.join("\n", texts).getBytes(StandardCharsets.UTF_8);
        return command(recorder, new Idempotency(key, Digest.sha256(content)), texts);
    }

    private static AppendCommand command(Recorder recorder, @Nullable Idempotency idempotency, String... texts) {
        List<EntryDraft> drafts = List.of(texts).stream()
                .map(text -> new EntryDraft(recorder, "test.appended", body(text)))
                .toList();
        return new AppendCommand(recorder, drafts, idempotency);
    }

    private static byte[] body(String text) {
        return new FrameBody()
                .text(17, "user:alice")
                .text(21, "append")
                .text(22, "ledger")
                .text(23, "default")
                .u8(24, 1)
                .text(28, text)
                .toBytes();
    }

    private static byte[] fullBody() {
        return new FrameBody()
                .text(16, "category")
                .text(17, "user:zoë@fund.com")
                .text(20, "'; DROP TABLE ledger_entry; --")
                .text(21, "append")
                .text(22, "vault:company/agent:\uD83D\uDE00")
                .text(23, "production")
                .u8(24, 4)
                .i64(25, -1_000_001L)
                .text(26, "run")
                .text(27, "decision")
                .toBytes();
    }

    private AppendResult appendOne(AppendCommand command) {
        return store.append(tenant, List.of(command)).getFirst();
    }

    private List<StoredEntry> scan(long from, long to) {
        List<StoredEntry> entries = new ArrayList<>();
        store.scan(tenant, from, to, entries::add);
        return entries;
    }

    private List<String> texts(long from, long to) {
        return scan(from, to).stream()
                .map(entry -> FrameFields.read(entry.frame()).requiredText(28))
                .toList();
    }

    private static List<Receipt> receipts(AppendResult result) {
        return switch (result) {
            case Appended(List<Receipt> receipts) -> receipts;
            case Replayed(List<Receipt> receipts) -> receipts;
            case KeyReused(String key) -> throw new AssertionError("key reused: " + key);
            case Refused() -> throw new AssertionError("refused");
        };
    }
}
