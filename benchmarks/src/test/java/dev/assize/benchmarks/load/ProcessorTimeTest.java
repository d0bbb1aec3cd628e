package dev.assize.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessorTimeTest {

    @TempDir
    private Path proc;

    private ProcessorTime time;

    @BeforeEach
    void open() {
        time = new ProcessorTime(proc);
    }

    @Test
    void aProcessThatHasEndedHasUsedNothing() {
        assertThat(time.ofProcess(7)).isZero();
        assertThat(time.ofFamily(7)).isZero();
        assertThat(time.resident(7)).isEqualTo(new ResidentMemory(0, 0));
    }

    @Test
    void aMachineThatDoesNotSayIsToldApart() throws IOException {
        assertThat(time.isThere()).isFalse();

        Files.writeString(proc.resolve("stat"), "cpu 0 0 0 0\n");
        assertThat(time.isThere()).isTrue();
    }

    @Test
    void countsUserAndSystemTimeWhateverTheProcessIsCalled() throws IOException {
        process(7, "a ) (b 9 9", 250, 50, 1_000, 2_000);

        assertThat(time.ofProcess(7)).isCloseTo(3.0, within(1e-9));
    }

    @Test
    void aFamilyIsAlsoItsChildrenDeadAndAlive() throws IOException {
        process(7, "postgres", 100, 0, 10, 20);
        process(8, "postgres", 200, 0, 0, 0);
        process(9, "postgres", 300, 0, 0, 0);
        children(7, "8 ");
        children(8, "9 ");

        assertThat(time.ofFamily(7)).isCloseTo(1.3 + 2 + 3, within(1e-9));
    }

    @Test
    void theMachineWorksWhereItNeitherIdlesNorWaits() throws IOException {
        // user nice system idle iowait irq softirq steal guest guest_nice; a guest's time is in user already.
        Files.writeString(proc.resolve("stat"), "cpu  100 20 30 9000 8000 4 5 41 77 88\ncpu0 1 1 1 1\n");

        assertThat(time.ofMachine()).isCloseTo(2.0, within(1e-9));
    }

    @Test
    void residentMemoryIsAllThatTheProcessHasInUseAndWhatOfItIsNoFiles() throws IOException {
        Path directory = Files.createDirectories(proc.resolve("7"));
        Files.writeString(
                directory.resolve("smaps_rollup"),
                "00-ff [rollup]\nRss:      900 kB\nPss:      512 kB\nPss_Dirty: 9 kB\nAnonymous:   600 kB\n"
                        + "LazyFree:   1 kB\nAnonHugePages: 2 kB\n");

        assertThat(time.resident(7)).isEqualTo(new ResidentMemory(900 * 1_024, 600 * 1_024));
        assertThat(new ResidentMemory(3_000_000, 2_000_000).allMegabytes()).isEqualTo(3);
        assertThat(new ResidentMemory(3_000_000, 2_000_000).ownMegabytes()).isEqualTo(2);
    }

    private void process(long pid, String name, int user, int system, int childrenUser, int childrenSystem)
            throws IOException {
        Path directory = Files.createDirectories(proc.resolve(Long.toString(pid)));
        Files.writeString(
                directory.resolve("stat"),
                pid + " (" + name + ") S 1 7 7 0 -1 4194560 11 22 33 44 " + user + " " + system + " " + childrenUser
                        + " " + childrenSystem + " 20 0 40 0 555 666 777\n");
        Files.createDirectories(directory.resolve("task").resolve(Long.toString(pid)));
    }

    private void children(long pid, String children) throws IOException {
        Files.writeString(proc.resolve(pid + "/task/" + pid).resolve("children"), children);
    }
}
