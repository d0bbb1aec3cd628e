package dev.assize.benchmarks.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Which processors servers and the client have for themselves. Needs {@code taskset}, as Linux has it, and two processors;
 * without them everybody runs where the system likes, and {@link #toString} says so.
 *
 * @param server as taskset takes them: `0`, `0-3`, `0,2`; empty where nobody is pinned
 * @param client the same
 * @param all every processor, to warm up on
 */
record Cores(String server, String client, String all) {

    private static final Cores FREE = new Cores("", "", "");

    /** The first for servers and the second for the client, unless somebody wants others. */
    static Cores plan(String server, String client) {
        int count = Runtime.getRuntime().availableProcessors();
        if (count < 2 || !hasTaskset()) {
            return FREE;
        }
        return new Cores(server.isEmpty() ? "0" : server, client.isEmpty() ? "1" : client, "0-" + (count - 1));
    }

    boolean arePinned() {
        return !server.isEmpty();
    }

    /** How many processors a server has. */
    int ofServer() {
        return arePinned() ? count(server) : Runtime.getRuntime().availableProcessors();
    }

    /** How many processors the client has. */
    int ofClient() {
        return arePinned() ? count(client) : Runtime.getRuntime().availableProcessors();
    }

    void pinServer(long pid) throws IOException, InterruptedException {
        pin(pid, server);
    }

    void pinClient(long pid) throws IOException, InterruptedException {
        pin(pid, client);
    }

    /** For as long as a server warms up. */
    void free(long pid) throws IOException, InterruptedException {
        pin(pid, all);
    }

    /** What is put before a command so that it begins on every processor, whoever starts it. */
    List<String> prefix() {
        return arePinned() ? List.of("taskset", "-c", all) : List.of();
    }

    @Override
    public String toString() {
        return arePinned()
                ? "servers on processor " + server + ", the client on " + client + " (taskset)"
                : "nobody is pinned: no taskset, or only one processor";
    }

    /** All threads that there are; those to come inherit it. */
    private void pin(long pid, String cores) throws IOException, InterruptedException {
        if (!arePinned()) {
            return;
        }
        Process taskset = new ProcessBuilder("taskset", "-a", "-p", "-c", cores, Long.toString(pid))
                .redirectErrorStream(true)
                .start();
        String said = new String(taskset.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        if (taskset.waitFor() != 0) {
            throw new IOException("taskset cannot pin " + pid + " to " + cores + ": " + said);
        }
    }

    private static int count(String cores) {
        return Arrays.stream(cores.split(",", -1))
                .mapToInt(range -> {
                    String[] ends = range.split("-", -1);
                    return Integer.parseInt(ends[ends.length - 1]) - Integer.parseInt(ends[0]) + 1;
                })
                .sum();
    }

    private static boolean hasTaskset() {
        return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(":", -1))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "taskset")));
    }
}
