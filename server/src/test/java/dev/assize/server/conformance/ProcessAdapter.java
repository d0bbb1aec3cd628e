package dev.assize.server.conformance;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** An adapter that is a program of its own: a line to its standard input, a line from its standard output. */
final class ProcessAdapter implements Adapter {

    private static final ObjectMapper JSON = new ObjectMapper();

    /** What is built before it is asked anything has its time: on a machine with much else to do, too. */
    private static final Duration LONGEST_BUILD = Duration.ofMinutes(10);

    /** So has a start, which nobody measures. */
    private static final Duration START = Duration.ofMinutes(3);

    private static final Duration LONGEST_ANSWER = Duration.ofSeconds(60);
    private static final int CANNOT_RUN = 77;

    /** A company's network names a proxy everywhere; no client may show it what goes to this machine. */
    private static final List<String> PROXIES =
            List.of("http_proxy", "https_proxy", "grpc_proxy", "HTTP_PROXY", "HTTPS_PROXY");

    private static final List<String> NO_PROXIES = List.of("no_proxy", "NO_PROXY", "no_grpc_proxy");
    private static final String NO_PROXY_IS_THERE = "http://127.0.0.1:1";

    private final String language;
    private final Process process;
    private final Path errors;
    private final BufferedWriter in;
    private final BufferedReader out;

    private ProcessAdapter(String language, Process process, Path errors) {
        this.language = language;
        this.process = process;
        this.errors = errors;
        this.in = process.outputWriter(StandardCharsets.UTF_8);
        this.out = process.inputReader(StandardCharsets.UTF_8);
    }

    /**
     * A program that was built and has answered its first line.
     *
     * @throws MissingException where it says that it cannot run here
     */
    static ProcessAdapter start(String language, Path program, String... arguments) throws MissingException {
        try {
            Path errors = Files.createTempFile("assize-conformance-" + language, ".err");
            build(language, program, errors);
            ProcessBuilder builder = builder(program, errors, arguments);
            PROXIES.forEach(it -> builder.environment().put(it, NO_PROXY_IS_THERE));
            NO_PROXIES.forEach(builder.environment()::remove);
            ProcessAdapter adapter = new ProcessAdapter(language, builder.start(), errors);
            adapter.greet();
            return adapter;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void build(String language, Path program, Path errors) throws IOException, MissingException {
        Process building = builder(program, errors, "--build")
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            if (!building.waitFor(LONGEST_BUILD.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IllegalStateException("the adapter for " + language + " is not built in " + LONGEST_BUILD
                        + "\n" + lastErrors(errors));
            }
            if (building.exitValue() == CANNOT_RUN) {
                throw missing(lastErrors(errors));
            }
            if (building.exitValue() != 0) {
                throw new IllegalStateException("the adapter for " + language + " cannot be built: it ended with "
                        + building.exitValue() + "\n" + lastErrors(errors));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } finally {
            kill(building);
        }
    }

    private static ProcessBuilder builder(Path program, Path errors, String... arguments) {
        List<String> command = new ArrayList<>(List.of(program.toAbsolutePath().toString()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .directory(requireNonNull(program.toAbsolutePath().getParent()).toFile())
                .redirectError(ProcessBuilder.Redirect.to(new File(errors.toString())));
    }

    private static MissingException missing(String why) {
        return new MissingException(why.isBlank() ? "it exits " + CANNOT_RUN : why.strip());
    }

    private void greet() throws MissingException {
        try {
            ask(JSON.createObjectNode().put("op", "hello"), START);
        } catch (IllegalStateException silent) {
            if (!process.isAlive() && process.exitValue() == CANNOT_RUN) {
                String why = lastErrors(errors);
                close();
                throw missing(why);
            }
            close();
            throw silent;
        }
    }

    @Override
    public String language() {
        return language;
    }

    @Override
    public JsonNode ask(JsonNode line) {
        return ask(line, LONGEST_ANSWER);
    }

    private JsonNode ask(JsonNode line, Duration longest) {
        String answer = answer(line.toString(), longest);
        try {
            return JSON.readTree(answer);
        } catch (JsonProcessingException malformed) {
            throw new IllegalStateException("the adapter for " + language + " answered no JSON: " + answer, malformed);
        }
    }

    private String answer(String line, Duration longest) {
        try (var thread = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture<String> answer = CompletableFuture.supplyAsync(() -> exchange(line), thread);
            try {
                return answer.get(longest.toMillis(), TimeUnit.MILLISECONDS);
            } catch (ExecutionException | TimeoutException silent) {
                boolean ended = silent instanceof ExecutionException && waitForEnd();
                if (!ended) {
                    kill(process);
                }
                throw new IllegalStateException(
                        "the adapter for " + language + " did not answer " + line + ": "
                                + (ended ? "it ended with " + process.exitValue() : "nothing in " + longest) + "\n"
                                + lastErrors(errors),
                        silent);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                kill(process);
                throw new IllegalStateException(e);
            }
        }
    }

    private String exchange(String line) {
        try {
            in.write(line);
            in.newLine();
            in.flush();
            String answer = out.readLine();
            if (answer == null) {
                throw new IllegalStateException("its output ended");
            }
            return answer;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** With what it has started: that holds the output open, and whoever reads it would wait for it for ever. */
    private static void kill(Process process) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    private boolean waitForEnd() {
        try {
            return process.waitFor(2, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static String lastErrors(Path errors) {
        try {
            List<String> lines = Files.readAllLines(errors, StandardCharsets.UTF_8);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
        } catch (IOException unreadable) {
            return "";
        }
    }

    @Override
    public void close() {
        try {
            in.close();
            if (!process.waitFor(2, TimeUnit.SECONDS)) {
                kill(process);
            }
            Files.deleteIfExists(errors);
        } catch (IOException ended) {
            kill(process);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            kill(process);
        }
    }

    /** The language or its packages are not on this machine. */
    static final class MissingException extends Exception {

        private static final long serialVersionUID = 1;

        MissingException(String message) {
            super(message);
        }
    }
}
