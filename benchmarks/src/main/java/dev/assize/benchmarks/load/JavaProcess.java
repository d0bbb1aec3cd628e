package dev.assize.benchmarks.load;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** A child that says on its output when it is ready; none of them outlives this process. */
final class JavaProcess implements AutoCloseable {

    private static final int STOP_SECONDS = 20;

    /** Those that run, to be ended with this process, which may be interrupted at any moment. */
    private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> RUNNING.forEach(Process::destroy)));
    }

    private final Process process;
    private final Path log;
    private final List<String> said = new ArrayList<>();

    private JavaProcess(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /** Starts a main class of this class path, on every processor, with these options of the JVM. */
    static List<String> command(Cores cores, List<String> options, String mainClass) {
        List<String> command = new ArrayList<>(cores.prefix());
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), mainClass));
        return command;
    }

    /**
     * Starts it, and waits until it says so.
     *
     * @param log where its errors go
     */
    static JavaProcess start(List<String> command, Map<String, String> environment, Path log, Predicate<String> ready)
            throws IOException {
        JavaProcess started = begin(command, environment, log);
        started.awaitReady(ready);
        return started;
    }

    /** Starts it, and leaves the waiting to others. */
    static JavaProcess begin(List<String> command, Map<String, String> environment, Path log) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().putAll(environment);
        JavaProcess begun = new JavaProcess(builder.start(), log);
        RUNNING.add(begun.process);
        return begun;
    }

    long pid() {
        return process.pid();
    }

    /** The rest of the first line it said that begins so. */
    String said(String beginning) {
        return said.stream()
                .filter(line -> line.startsWith(beginning))
                .map(line -> line.substring(beginning.length()).strip())
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the server did not say `" + beginning + "`: " + said));
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        RUNNING.remove(process);
    }

    /** Returns when it says so; it is ended where it does not. */
    void awaitReady(Predicate<String> ready) throws IOException {
        BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String line;
        do {
            line = out.readLine();
            if (line == null) {
                close();
                throw new IOException("the server does not start: " + lastLine(log));
            }
            said.add(line);
        } while (!ready.test(line));
        // Not a virtual thread: one that waits in a read of a pipe keeps its carrier, and on one processor the spare
        // carrier is
        // gone after half a minute without work. No other virtual thread would then run again.
        var _ = Thread.ofPlatform().daemon().name("drain-" + process.pid()).start(() -> drain(out));
    }

    private static String lastLine(Path log) throws IOException {
        return Files.readString(log).lines().reduce("it says nothing", (before, line) -> line);
    }

    /** A full pipe would stop it. */
    private static void drain(BufferedReader out) {
        try {
            while (out.readLine() != null) {
                // Nobody reads what a server says once it is ready.
            }
        } catch (IOException ended) {
            // So it was killed.
        }
    }
}
