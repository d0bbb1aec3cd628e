package dev.assize.server.spool;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.assize.server.model.Digest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A queue, on files in memory that fail. */
class SpoolQueueTest {

    private static final Path DIRECTORY = Path.of("/spool/acme");

    private Instant now = Instant.parse("2026-03-01T10:00:00Z");
    private final InstantSource clock = () -> now;

    private static SpoolConfig config(long maxBytes, int segmentBytes) {
        return new SpoolConfig(
                Objects.requireNonNull(DIRECTORY.getParent()),
                maxBytes,
                Duration.ofDays(7),
                Duration.ofHours(1),
                segmentBytes,
                Duration.ofSeconds(1));
    }

    private SpoolQueue open(SpoolFiles files) {
        return open(files, config(1_000_000, 400));
    }

    private SpoolQueue open(SpoolFiles files, SpoolConfig config) {
        return open(DIRECTORY, files, config, new DiskTurns());
    }

    private SpoolQueue open(Path directory, SpoolFiles files, SpoolConfig config, DiskTurns turns) {
        return SpoolQueue.open(directory, files, config, new SpoolBudget(config.maxBytes()), turns, clock, () -> {});
    }

    private static CompletableFuture<SpoolAnswer> append(SpoolQueue queue, String text) {
        return queue.append(text.getBytes(UTF_8), null, Digest.sha256(text.getBytes(UTF_8)));
    }

    private static CompletableFuture<SpoolAnswer> append(SpoolQueue queue, String key, String text) {
        return queue.append(text.getBytes(UTF_8), key, Digest.sha256(text.getBytes(UTF_8)));
    }

    private static List<String> texts(SpoolQueue queue) {
        return queue.read(queue.first(), 1_000, 1_000_000).stream()
                .map(record -> new String(record.payload(), UTF_8))
                .toList();
    }

    private static Path newest(MemoryFiles files) {
        return DIRECTORY.resolve(files.names(DIRECTORY).stream()
                .filter(name -> name.endsWith(Segment.SUFFIX))
                .max(String::compareTo)
                .orElseThrow());
    }

    private static Path oldest(MemoryFiles files) {
        return DIRECTORY.resolve(files.names(DIRECTORY).stream()
                .filter(name -> name.endsWith(Segment.SUFFIX))
                .min(String::compareTo)
                .orElseThrow());
    }

    @Test
    void refusesWhatHasNoRoomAndTakesItWhenThereIsSome() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files, config(1_000, 400));
        int taken = 0;
        while (!append(queue, "x".repeat(50))
                .handle((done, failure) -> failure != null)
                .join()) {
            taken++;
        }

        assertThat(taken).isBetween(5, 12);
        assertThatThrownBy(() -> append(queue, "x".repeat(50)).join())
                .hasCauseInstanceOf(SpoolFullException.class)
                .hasMessageContaining("of 1000 bytes");
        assertThat(texts(queue)).hasSize(taken);

        queue.forwarded(taken);
        assertThat(append(queue, "more").join()).isEqualTo(new SpoolAnswer.Taken(taken + 1));
    }

    @Test
    void refusesWhileTheOldestIsTooOld() {
        SpoolQueue queue = open(new MemoryFiles());
        append(queue, "a").join();
        now = now.plus(Duration.ofDays(7));
        append(queue, "b").join();

        now = now.plusMillis(1);
        assertThatThrownBy(() -> append(queue, "c").join())
                .hasCauseInstanceOf(SpoolFullException.class)
                .hasMessageContaining("oldest");

        queue.forwarded(1);
        assertThat(append(queue, "c").join()).isEqualTo(new SpoolAnswer.Taken(3));
    }

    @Test
    void refusesOtherContentUnderAKeyAndKnowsTheSame() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files);
        assertThat(append(queue, "k", "a").join()).isEqualTo(new SpoolAnswer.Taken(1));

        for (SpoolQueue either : List.of(queue, open(files))) {
            assertThat(append(either, "k", "b").join()).isEqualTo(new SpoolAnswer.OtherContent());
            assertThat(append(either, "k", "a").join()).isEqualTo(new SpoolAnswer.Known(1));
            assertThat(either.last()).isEqualTo(1);
        }
    }

    @Test
    void refusesAfterAStop() {
        SpoolQueue queue = open(new MemoryFiles());
        queue.close();

        assertThatThrownBy(() -> append(queue, "a").join()).hasCauseInstanceOf(SpoolFailedException.class);
    }

    @Test
    void keepsOrderAndNumbersAcrossFilesAndStarts() {
        MemoryFiles files = new MemoryFiles();
        List<String> expected = new ArrayList<>();
        String id = open(files).id();
        for (int start = 0; start < 5; start++) {
            SpoolQueue queue = open(files);
            assertThat(queue.id()).isEqualTo(id);
            for (int i = 0; i < 7; i++) {
                String text = "record " + expected.size();
                expected.add(text);
                assertThat(append(queue, text).join()).isEqualTo(new SpoolAnswer.Taken(expected.size()));
            }
            assertThat(texts(queue)).isEqualTo(expected);
        }
        assertThat(files.names(DIRECTORY)).hasSizeGreaterThan(5);
    }

    @Test
    void readsFromAnyRecordOn() {
        SpoolQueue queue = open(new MemoryFiles());
        for (int i = 1; i <= 40; i++) {
            append(queue, "record " + i).join();
        }

        for (int from = 1; from <= 40; from++) {
            List<SpoolRecord> records = queue.read(from, 3, 1_000_000);
            assertThat(records.getFirst().number()).isEqualTo(from);
            assertThat(new String(records.getFirst().payload(), UTF_8)).isEqualTo("record " + from);
            assertThat(records).hasSize(Math.min(3, 41 - from));
            assertThat(queue.hashBefore(from + 1)).isEqualTo(records.getFirst().hash());
        }
        assertThat(queue.read(1, 10, 18)).hasSize(2);
        assertThat(queue.read(1, 10, 0)).hasSize(1);
        assertThat(queue.read(41, 10, 100)).isEmpty();
    }

    /** Wherever it comes up: who waits is told, nothing is kept twice, and the next record is taken. */
    @Test
    void anErrorWhileWritingRefusesTheRecordAndNoOther() {
        for (int at = 1; at <= 4; at++) {
            MemoryFiles files = new MemoryFiles();
            SpoolQueue queue = open(files);
            append(queue, "a").join();
            files.breakAt(at, new InternalError("shown"));

            CompletableFuture<SpoolAnswer> broken = append(queue, "b");
            boolean refused = broken.handle((_, failure) -> failure != null)
                    .completeOnTimeout(false, 10, TimeUnit.SECONDS)
                    .join();
            files.mend();
            assertThat(broken).as("at operation %d", at).isDone();
            assertThat(append(queue, "c"))
                    .as("at operation %d", at)
                    .succeedsWithin(Duration.ofSeconds(10))
                    .isInstanceOf(SpoolAnswer.Taken.class);
            List<String> left = refused ? List.of("a", "c") : List.of("a", "b", "c");
            assertThat(texts(queue)).as("at operation %d", at).isEqualTo(left);
            assertThat(texts(open(files))).as("at operation %d", at).isEqualTo(left);
        }
    }

    @Test
    void manyAtOnceAreWrittenTogetherAndEachOnce() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files, config(10_000_000, 1_000_000));
        List<CompletableFuture<SpoolAnswer>> answers = new ArrayList<>();
        for (int i = 0; i < 2_000; i++) {
            answers.add(append(queue, "record " + i));
        }

        assertThat(answers.stream().map(CompletableFuture::join))
                .extracting(answer -> ((SpoolAnswer.Taken) answer).number())
                .doesNotHaveDuplicates()
                .hasSize(2_000);
        assertThat(queue.read(1, 3_000, 1_000_000)).hasSize(2_000);
        assertThat(files.operations()).isLessThan(4_000);
    }

    @Test
    void letsGoOfWhatWasForwardedLongAgoAndNeverOfTheRest() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files);
        for (int i = 1; i <= 30; i++) {
            append(queue, "k" + i, "record " + i).join();
        }
        queue.forwarded(20);
        queue.tidy();
        assertThat(queue.first()).isEqualTo(1);

        now = now.plus(Duration.ofHours(2));
        queue.tidy();
        assertThat(queue.first()).isBetween(2L, 21L);
        assertThat(append(queue, "k30", "record 30").join()).isEqualTo(new SpoolAnswer.Known(30));

        SpoolQueue again = open(files);
        assertThat(again.complaint()).isEmpty();
        assertThat(again.first()).isEqualTo(queue.first());
        assertThat(again.forwarded()).isEqualTo(20);
        assertThat(again.depth()).isEqualTo(10);
        assertThat(append(again, "new").join()).isEqualTo(new SpoolAnswer.Taken(31));
    }

    @Test
    void goesBackWhereTheLedgerLostWhatItHad() {
        SpoolQueue queue = open(new MemoryFiles());
        for (int i = 1; i <= 5; i++) {
            append(queue, "record " + i).join();
        }
        queue.forwarded(5);
        assertThat(queue.oldestPendingAt()).isEmpty();
        queue.forwarded(2);

        assertThat(queue.depth()).isEqualTo(3);
        assertThat(queue.oldestPendingAt()).contains(now);
    }

    @Test
    void aFileCutAtAnyByteKeepsEveryRecordThatIsWhole() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files);
        List<Integer> ends = new ArrayList<>();
        for (int i = 1; i <= 12; i++) {
            append(queue, "record " + i).join();
            ends.add(files.bytes(newest(files)).length);
        }
        Path path = newest(files);
        byte[] whole = files.bytes(path);
        long first = queue.first();
        int inOlder = (int) (Long.parseLong(path.getFileName().toString().replace(Segment.SUFFIX, "")) - first);

        for (int cut = 0; cut <= whole.length; cut++) {
            files.put(path, Arrays.copyOf(whole, cut));
            int at = cut;
            int left = inOlder
                    + (int) ends.subList(inOlder, ends.size()).stream()
                            .filter(end -> end <= at)
                            .count();
            SpoolQueue opened = open(files);
            assertThat(opened.complaint()).as("cut at %d", cut).isEmpty();
            assertThat(texts(opened)).as("cut at %d", cut).hasSize(left);
            assertThat(append(opened, "next").join()).isEqualTo(new SpoolAnswer.Taken(left + 1));
            assertThat(texts(open(files))).hasSize(left + 1).endsWith("next");
            files.names(DIRECTORY).stream()
                    .filter(name -> name.compareTo(path.getFileName().toString()) > 0 && name.endsWith(Segment.SUFFIX))
                    .forEach(name -> files.remove(DIRECTORY.resolve(name)));
        }
    }

    @Test
    void aChangedByteBeforeTheLastRecordStopsIt() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files, config(1_000_000, 100_000));
        int lastBegins = 0;
        for (int i = 1; i <= 6; i++) {
            lastBegins = i == 1 ? 0 : files.bytes(newest(files)).length;
            append(queue, "record " + i).join();
        }
        Path path = newest(files);
        byte[] whole = files.bytes(path);

        for (int at = 0; at < lastBegins; at++) {
            byte[] changed = whole.clone();
            changed[at] ^= 0x20;
            files.put(path, changed);
            SpoolQueue opened = open(files);
            assertThat(opened.complaint()).as("byte %d", at).isPresent();
            assertThatThrownBy(() -> append(opened, "next").join()).hasCauseInstanceOf(SpoolFailedException.class);
            assertThat(texts(opened)).isSubsetOf(texts(queue)).hasSizeLessThan(6);
            assertThat(files.bytes(path)).as("nothing is cut").isEqualTo(changed);
        }
    }

    @Test
    void aChangedByteInAnOlderFileStopsItThere() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files);
        for (int i = 1; i <= 12; i++) {
            append(queue, "record " + i).join();
        }
        Path path = oldest(files);
        byte[] changed = files.bytes(path);
        changed[changed.length - 1] ^= 1;
        files.put(path, changed);

        SpoolQueue opened = open(files);
        assertThat(opened.complaint())
                .hasValueSatisfying(said ->
                        assertThat(said).contains(path.getFileName().toString()).contains("is damaged at byte"));
        assertThat(opened.last()).isBetween(1L, 11L);
        assertThat(texts(opened)).hasSize((int) opened.last());
    }

    @Test
    void aMissingFileStopsIt() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files);
        for (int i = 1; i <= 12; i++) {
            append(queue, "record " + i).join();
        }
        byte[] first = files.bytes(oldest(files));
        Path path = oldest(files);
        files.remove(path);
        assertThat(open(files).complaint()).isPresent();

        files.put(path, first);
        assertThat(open(files).complaint()).isEmpty();
        files.remove(DIRECTORY.resolve(QueueState.FILE));
        assertThat(open(files).complaint()).isPresent();
    }

    @Test
    void anOlderCopyOfItsFilesStopsIt() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files, config(1_000_000, 100_000));
        append(queue, "a").join();
        byte[] copy = files.bytes(newest(files));
        append(queue, "b").join();
        queue.forwarded(2);
        files.put(newest(files), copy);

        assertThat(open(files).complaint()).isPresent();
    }

    @Test
    void aDiskThatFailsAtAnyStepKeepsWhatWasAcknowledgedAndNothingThatWasRefused() {
        int steps = play(new MemoryFiles(), new ArrayList<>(), new ArrayList<>());
        assertThat(steps).isGreaterThan(40);
        for (boolean onwards : new boolean[] {false, true}) {
            for (int step = 1; step <= steps; step++) {
                MemoryFiles files = new MemoryFiles();
                List<String> acknowledged = new ArrayList<>();
                List<String> refused = new ArrayList<>();
                files.failAt(step, onwards);
                try {
                    play(files, acknowledged, refused);
                } catch (SpoolFailedException notOpened) {
                    // What was acknowledged before that is there all the same.
                }
                files.mend();

                SpoolQueue opened = open(files);
                assertThat(opened.complaint()).as("step %d", step).isEmpty();
                assertThat(texts(opened))
                        .as("step %d", step)
                        .filteredOn(acknowledged::contains)
                        .isEqualTo(acknowledged);
                assertThat(texts(opened)).as("step %d", step).noneMatch(refused::contains);
                assertThat(texts(opened)).doesNotHaveDuplicates();
                append(opened, "next").join();
                assertThat(texts(open(files))).endsWith("next");
            }
        }
    }

    @Test
    void aDiskThatFailsOnceIsUsableAfterwards() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files);
        append(queue, "a").join();
        files.failAt(1, false);
        assertThatThrownBy(() -> append(queue, "b").join())
                .hasCauseInstanceOf(SpoolFullException.class)
                .hasMessageContaining("No space left on device");

        assertThat(append(queue, "b").join()).isEqualTo(new SpoolAnswer.Taken(2));
        assertThat(texts(queue)).containsExactly("a", "b");
    }

    @Test
    void aDiskThatIsFullHasRoomAgainWhereSomeOfItWasForwarded() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files);
        for (int i = 1; i <= 30; i++) {
            append(queue, "record " + i).join();
        }
        queue.forwarded(20);
        queue.tidy();
        assertThat(queue.first()).as("kept as long as there is room").isEqualTo(1);
        files.failAt(1, false);
        assertThatThrownBy(() -> append(queue, "next").join()).hasCauseInstanceOf(SpoolFullException.class);

        assertThat(queue.first()).isBetween(2L, 21L);
        assertThat(append(queue, "next").join()).isEqualTo(new SpoolAnswer.Taken(31));
        SpoolQueue again = open(files);
        assertThat(again.complaint()).isEmpty();
        assertThat(again.depth()).isEqualTo(11);
    }

    /** To note what was forwarded takes a block; without that nothing is let go of. */
    @Test
    void aDiskThatItFilledItselfHasRoomAgainOnceAllWasForwarded() {
        MemoryFiles files = new MemoryFiles();
        files.hasRoomFor(200);
        SpoolQueue queue = open(files, config(1_000_000, 4_000));
        for (int round = 0; round < 3; round++) {
            fill(queue);
            assertThat(queue.depth()).as("round %d", round).isGreaterThan(100);
            while (queue.depth() > 0) {
                queue.forwarded(Math.min(queue.forwarded() + 10, queue.last()));
                assertThat(open(files, config(1_000_000, 4_000)).forwarded())
                        .as("the disk knows it")
                        .isEqualTo(queue.forwarded());
            }
            var _ = failure(append(queue, "makes way"));
            long last = queue.last();
            assertThat(append(queue, "more").join()).isEqualTo(new SpoolAnswer.Taken(last + 1));

            queue.close();
            queue = open(files, config(1_000_000, 4_000));
            assertThat(queue.complaint()).isEmpty();
            assertThat(queue.last()).isEqualTo(last + 1);
        }
    }

    /** The blocks that one gives free to note what was forwarded are there for whoever writes on that disk. */
    @Test
    void noOtherQueueOfTheDiskTakesTheRoomInWhichOneNotesWhatWasForwarded() {
        MemoryFiles disk = new MemoryFiles();
        disk.hasRoomFor(300);
        SpoolConfig config = config(1_000_000, 4_000);
        DiskTurns turns = new DiskTurns();
        Path other = DIRECTORY.resolveSibling("other");
        AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> {});
        SpoolFiles files = new WatchedFiles(disk, path -> {
            if (path.equals(DIRECTORY.resolve(SpareRoom.FILE))) {
                meanwhile.getAndSet(() -> {}).run();
            }
        });
        SpoolQueue queue = open(DIRECTORY, files, config, turns);
        SpoolQueue others = open(other, files, config, turns);
        fill(queue);
        fill(others);
        CompletableFuture<Void> filling = new CompletableFuture<>();
        meanwhile.set(() -> {
            filling.completeAsync(() -> {
                fill(others);
                return null;
            });
            // They are written now, where they may be.
            assertThat(filling.copy().completeOnTimeout(null, 500, TimeUnit.MILLISECONDS))
                    .succeedsWithin(Duration.ofSeconds(60));
        });

        queue.forwarded(queue.last());
        assertThat(open(DIRECTORY, files, config, new DiskTurns()).forwarded())
                .as("the disk knows it")
                .isEqualTo(queue.last());
        assertThat(filling).as("it was noted in that room").succeedsWithin(Duration.ofSeconds(60));
    }

    /** Files of which somebody is told when one was deleted. */
    private record WatchedFiles(SpoolFiles files, Consumer<Path> deleted) implements SpoolFiles {

        @Override
        public void createDirectory(Path directory) throws IOException {
            files.createDirectory(directory);
        }

        @Override
        public List<String> names(Path directory) throws IOException {
            return files.names(directory);
        }

        @Override
        public SpoolFile create(Path path) throws IOException {
            return files.create(path);
        }

        @Override
        public SpoolFile open(Path path) throws IOException {
            return files.open(path);
        }

        @Override
        public void replace(Path from, Path to) throws IOException {
            files.replace(from, to);
        }

        @Override
        public void delete(Path path) throws IOException {
            files.delete(path);
            deleted.accept(path);
        }

        @Override
        public void forceDirectory(Path directory) throws IOException {
            files.forceDirectory(directory);
        }
    }

    /** Whoever goes on sending takes each block that becomes free. */
    @Test
    void aDiskThatIsFilledAgainWhileItIsForwardedKeepsItsSpareBlocks() {
        MemoryFiles files = new MemoryFiles();
        files.hasRoomFor(200);
        SpoolQueue queue = open(files, config(1_000_000, 4_000));
        fill(queue);
        long first = queue.last();
        for (long through = 10; through <= first; through += 10) {
            queue.forwarded(through);
            fill(queue);
        }
        assertThat(queue.last()).as("what was forwarded has made way").isGreaterThan(first + first / 2);
        SpoolQueue again = open(files, config(1_000_000, 4_000));
        assertThat(again.complaint()).isEmpty();
        assertThat(again.forwarded()).isEqualTo(queue.forwarded());
        assertThat(again.last()).isEqualTo(queue.last());
    }

    /** With small records, so that not a block is left. */
    private static void fill(SpoolQueue queue) {
        while (failure(append(queue, "x")) == null) {
            // One more.
        }
    }

    @Test
    void aFileThatCannotBeRemovedStaysUsable() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files);
        for (int i = 1; i <= 30; i++) {
            append(queue, "record " + i).join();
        }
        queue.forwarded(30);
        now = now.plus(Duration.ofHours(2));
        files.failAt(1, false);
        queue.tidy();
        assertThat(queue.first()).isEqualTo(1);
        assertThat(texts(queue)).hasSize(30);
    }

    @Test
    void nothingIsLetGoOfThatTheDiskDoesNotKnowToBeForwarded() {
        MemoryFiles files = new MemoryFiles();
        SpoolQueue queue = open(files);
        for (int i = 1; i <= 30; i++) {
            append(queue, "record " + i).join();
        }
        files.failAt(1, true);
        queue.forwarded(30);
        now = now.plus(Duration.ofHours(2));
        queue.tidy();
        assertThat(queue.first()).isEqualTo(1);
        files.mend();
        assertThat(open(files).complaint()).as("as a crash would leave it").isEmpty();

        queue.tidy();
        assertThat(queue.first()).isGreaterThan(1);
        SpoolQueue again = open(files);
        assertThat(again.complaint()).isEmpty();
        assertThat(again.forwarded()).isEqualTo(30);
    }

    @Test
    void aLossOfPowerAtAnyStepKeepsWhatWasAcknowledged() {
        int steps = play(new MemoryFiles(), new ArrayList<>(), new ArrayList<>());
        Random random = new Random(7);
        for (int step = 1; step <= steps; step++) {
            for (int disk = 0; disk < 10; disk++) {
                MemoryFiles files = new MemoryFiles();
                List<String> acknowledged = new ArrayList<>();
                files.failAt(step, true);
                try {
                    play(files, acknowledged, new ArrayList<>());
                } catch (SpoolFailedException notOpened) {
                    // What was acknowledged before that is there all the same.
                }

                MemoryFiles left = files.afterPowerLoss(random);
                SpoolQueue opened = open(left);
                assertThat(opened.complaint()).as("step %d", step).isEmpty();
                assertThat(texts(opened))
                        .as("step %d", step)
                        .filteredOn(acknowledged::contains)
                        .isEqualTo(acknowledged);
                assertThat(texts(opened)).doesNotHaveDuplicates();
                append(opened, "next").join();
                assertThat(texts(open(left))).endsWith("next");
            }
        }
    }

    /** Appends to a queue that is opened three times; returns how many operations that took. */
    private int play(MemoryFiles files, List<String> acknowledged, List<String> refused) {
        for (int start = 0; start < 3; start++) {
            SpoolQueue queue = open(files);
            for (int i = 0; i < 6; i++) {
                String text = "record " + start + "." + i;
                Throwable failure = failure(append(queue, text));
                if (failure == null) {
                    acknowledged.add(text);
                } else if (failure instanceof SpoolFullException) {
                    refused.add(text);
                }
            }
        }
        return files.operations();
    }

    private static @Nullable Throwable failure(CompletableFuture<SpoolAnswer> answer) {
        try {
            answer.join();
            return null;
        } catch (CompletionException e) {
            return e.getCause();
        }
    }
}
