package dev.assize.server.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/**
 * The cases and the adapters that run them. All adapters take the same step of a case at the same time, each at a bench of
 * its own, so that they share one server and one restart of it, and the suite takes as long as the slowest of them.
 */
public final class Conformance implements AutoCloseable {

    /** Where the clients are, and beside them the cases. */
    private static final Path CLIENTS = Path.of("..", "client-sdk");

    /** Of Java and Python the clients that wait, and those that do not. */
    private static final List<String> LANGUAGES =
            List.of("java", "java-async", "python", "python-aio", "typescript", "go");

    /** Of a case that counts by a clock, on a machine that is too slow for it now and then. */
    private static final int MOST_ATTEMPTS = 10;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Served server;
    private final Path directory;
    private final Map<String, Bench> benches = new LinkedHashMap<>();
    private final ConcurrentMap<JsonNode, MadeBundle> made = new ConcurrentHashMap<>();
    private int cases;

    /** The server that the clients are tried against. */
    public interface Served {

        String address();

        String adminKey();

        void stop();

        /** The same server on the same database, perhaps elsewhere. */
        void start();

        /**
         * A sidecar, started.
         *
         * @param centre where it reaches the server
         * @param key by which the server knows it
         */
        Sidecar sidecar(String centre, String key, String tenant);
    }

    /** One that clients are tried against, too. */
    public interface Sidecar extends AutoCloseable {

        String address();

        /** What its callers present. */
        String key();

        @Override
        void close();
    }

    /** A case: steps, with what is expected of them. */
    public record Case(String name, JsonNode steps) {}

    public Conformance(Served server, Path directory) {
        this.server = server;
        this.directory = directory;
        Bench.admit(server.address(), server.adminKey());
    }

    /** The languages to be tried: all, or those that {@code -Dassize.conformance.only} names. */
    public static List<String> languages() {
        String only = System.getProperty("assize.conformance.only", "");
        return only.isBlank() ? LANGUAGES : List.of(only.split(",", -1));
    }

    /** Every case of every file, in their order; those whose name contains {@code -Dassize.conformance.case} if given. */
    public static List<Case> cases() throws IOException {
        List<Case> cases = new ArrayList<>();
        try (Stream<Path> files = Files.list(CLIENTS.resolve("conformance").resolve("cases"))) {
            for (Path file :
                    files.filter(it -> it.toString().endsWith(".json")).sorted().toList()) {
                for (JsonNode it : JSON.readTree(file.toFile())) {
                    cases.add(new Case(
                            file.getFileName().toString().replace(".json", "") + ": "
                                    + it.get("name").asText(),
                            it.get("steps")));
                }
            }
        }
        String only = System.getProperty("assize.conformance.case", "");
        return cases.stream().filter(it -> it.name().contains(only)).toList();
    }

    /** Adds a language; says why it cannot be tried where it cannot. */
    public Optional<String> add(String language) {
        Path program = program(language);
        if (!language.startsWith("java") && !Files.isExecutable(program)) {
            return Optional.of("there is no " + program);
        }
        try {
            Adapter adapter = switch (language) {
                case "java" -> new JavaAdapter(language, false);
                case "java-async" -> new JavaAdapter(language, true);
                case "python-aio" -> ProcessAdapter.start(language, program, "--aio");
                default -> ProcessAdapter.start(language, program);
            };
            benches.put(language, new Bench(adapter, directory, server, made));
            return Optional.empty();
        } catch (ProcessAdapter.MissingException missing) {
            return Optional.of(String.valueOf(missing.getMessage()));
        }
    }

    static Path program(String language) {
        String elsewhere = System.getProperty("assize.conformance.adapter." + language, "");
        String client = language.equals("python-aio") ? "python" : language;
        return elsewhere.isBlank() ? CLIENTS.resolve(client).resolve("conformance") : Path.of(elsewhere);
    }

    /** Runs a case with every adapter; what is not as expected, a line for each. Where it was too late to tell, it is run anew. */
    public List<String> run(Case that) {
        List<String> wrong = attempt(that);
        for (int attempts = 1; isTooLate() && attempts < MOST_ATTEMPTS; attempts++) {
            wrong = attempt(that);
        }
        return wrong;
    }

    private boolean isTooLate() {
        return benches.values().stream().anyMatch(Bench::wasTooLate);
    }

    private List<String> attempt(Case that) {
        String number = "case-" + ++cases;
        made.clear();
        Map<String, Bench> going = new LinkedHashMap<>(benches);
        going.forEach((language, bench) -> bench.begin(number + "-" + language));
        List<String> wrong = new ArrayList<>();
        for (JsonNode step : that.steps()) {
            if (step.has("server")) {
                serve(step.get("server").asText());
            } else if (step.has("rest")) {
                Bench.rest(Duration.ofMillis(step.get("rest").asLong()));
            } else {
                take(step, going, wrong);
            }
            if (isTooLate()) {
                return wrong;
            }
        }
        return wrong;
    }

    private void serve(String what) {
        switch (what) {
            case "stop" -> server.stop();
            case "start" -> {
                server.start();
                benches.values().forEach(it -> it.leadTo(server.address()));
            }
            default -> throw new IllegalArgumentException(what);
        }
    }

    /** Whoever fails here takes no further step. */
    private static void take(JsonNode step, Map<String, Bench> going, List<String> wrong) {
        Map<String, CompletableFuture<Optional<String>>> taken = new LinkedHashMap<>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            going.forEach((language, bench) ->
                    taken.put(language, CompletableFuture.supplyAsync(() -> taken(bench, step), threads)));
        }
        taken.forEach((language, difference) -> difference.join().ifPresent(it -> {
            wrong.add(language + ": " + it + "\n  in step " + step);
            going.remove(language);
        }));
        if (step.path("compare").asBoolean(step.has("ask"))) {
            compare(step, going.values(), wrong);
        }
    }

    private static Optional<String> taken(Bench bench, JsonNode step) {
        try {
            return bench.take(step);
        } catch (RuntimeException broken) {
            return Optional.of(String.valueOf(broken));
        }
    }

    /** All answer alike, also in what no case says. */
    private static void compare(JsonNode step, Iterable<Bench> benches, List<String> wrong) {
        Bench first = null;
        for (Bench bench : benches) {
            if (first == null) {
                first = bench;
            } else if (!comparable(bench.lastAnswer()).equals(comparable(first.lastAnswer()))) {
                wrong.add(bench.language() + " answers " + bench.lastAnswer() + ", and " + first.language() + " "
                        + first.lastAnswer() + "\n  in step " + step);
            }
        }
    }

    /** Without what differs from run to run, or is each language's own way of saying it. */
    private static JsonNode comparable(JsonNode answer) {
        ObjectNode copy = read(answer.toString());
        if (copy.has("valid")) {
            copy.remove("reason");
        }
        if (!copy.path("cursor").asText().isEmpty()) {
            copy.put("cursor", "to go on");
        }
        if (copy.path("spooled").has("spoolId")) {
            ((ObjectNode) copy.get("spooled")).put("spoolId", "of its own sidecar");
        }
        copy.path("receipts").forEach(it -> ((ObjectNode) it).remove("entryHash"));
        return copy;
    }

    private static ObjectNode read(String json) {
        try {
            return (ObjectNode) JSON.readTree(json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        benches.values().forEach(Bench::close);
    }
}
