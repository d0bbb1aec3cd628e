package dev.assize.benchmarks.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What processes and the whole machine have used of its processors, in seconds, as Linux counts it in /proc: in hundredths
 * of a second, so that a burst of one second is right to about a percent.
 */
final class ProcessorTime {

    /** USER_HZ, which Linux never changes for readers of /proc. */
    private static final double TICKS_IN_SECOND = 100;

    /** Behind the name, which is in parentheses and may hold anything: utime, stime, cutime, cstime. */
    private static final int USER_TICKS = 11;

    private static final int STEAL = 8;

    private final Path proc;

    ProcessorTime() {
        this(Path.of("/proc"));
    }

    ProcessorTime(Path proc) {
        this.proc = proc;
    }

    /** Whether this machine says it at all. */
    boolean isThere() {
        return Files.isReadable(proc.resolve("stat"));
    }

    /** Of a process with all its threads; 0 where it has ended. */
    double ofProcess(long pid) {
        return ticks(pid, 2) / TICKS_IN_SECOND;
    }

    /** Of a process, those it has started that run, and those of them that it has seen end: a PostgreSQL, for example. */
    double ofFamily(long pid) {
        double seconds = ticks(pid, 4) / TICKS_IN_SECOND;
        for (long child : children(pid)) {
            seconds += ofFamily(child);
        }
        return seconds;
    }

    /** Of everything on the machine, what a host took away included. */
    double ofMachine() {
        String[] fields =
                read(proc.resolve("stat")).lines().findFirst().orElse("cpu").split("\\s+", -1);
        double ticks = 0;
        for (int i = 1; i < fields.length && i <= STEAL; i++) {
            boolean isIdle = i == 4 || i == 5;
            ticks += isIdle ? 0 : Long.parseLong(fields[i]);
        }
        return ticks / TICKS_IN_SECOND;
    }

    /** Memory of a process that is in use; none where it cannot be read. */
    ResidentMemory resident(long pid) {
        String rollup = read(proc.resolve(Long.toString(pid)).resolve("smaps_rollup"));
        return new ResidentMemory(bytes(rollup, "Rss:"), bytes(rollup, "Anonymous:"));
    }

    private static long bytes(String rollup, String line) {
        return rollup.lines()
                .filter(each -> each.startsWith(line))
                .mapToLong(each -> Long.parseLong(each.replaceAll("\\D", "")) * 1_024)
                .findFirst()
                .orElse(0);
    }

    private double ticks(long pid, int fields) {
        String stat = read(proc.resolve(Long.toString(pid)).resolve("stat"));
        int behindName = stat.lastIndexOf(')') + 2;
        if (behindName < 2) {
            return 0;
        }
        String[] values = stat.substring(behindName).strip().split(" ", -1);
        double ticks = 0;
        for (int i = 0; i < fields; i++) {
            ticks += Long.parseLong(values[USER_TICKS + i]);
        }
        return ticks;
    }

    private List<Long> children(long pid) {
        List<Long> children = new ArrayList<>();
        try (Stream<Path> tasks = Files.list(proc.resolve(Long.toString(pid)).resolve("task"))) {
            for (Path task : tasks.toList()) {
                for (String child : read(task.resolve("children")).strip().split(" ", -1)) {
                    if (!child.isEmpty()) {
                        children.add(Long.valueOf(child));
                    }
                }
            }
        } catch (IOException ended) {
            // A process that has ended has no children.
        }
        return children;
    }

    /** A process may end at any moment: then there is nothing to read. */
    private static String read(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (NoSuchFileException ended) {
            return "";
        } catch (IOException unreadable) {
            return "";
        }
    }
}
