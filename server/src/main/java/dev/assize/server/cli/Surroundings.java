package dev.assize.server.cli;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a command was started in.
 *
 * @param environment the variables of the process
 * @param terminal whether a person looks on, who likes colours and progress
 * @param clock tells the time
 */
public record Surroundings(Map<String, String> environment, boolean terminal, InstantSource clock) {

    public Surroundings {
        environment = Map.copyOf(environment);
    }

    /** {@code $ASSIZE_HOME}, or {@code ~/.assize}. */
    public Path home() {
        String home = variable("ASSIZE_HOME");
        if (!home.isEmpty()) {
            return Path.of(home).toAbsolutePath();
        }
        String user = variable("HOME");
        return Path.of(user.isEmpty() ? System.getProperty("user.home", ".") : user, ".assize")
                .toAbsolutePath();
    }

    public boolean colours() {
        return terminal && variable("NO_COLOR").isEmpty() && !variable("TERM").equals("dumb");
    }

    /** Whether the output can show more than ASCII: what Java finds out in the same way before it encodes it. */
    boolean boxes() {
        String locale = Stream.of("LC_ALL", "LC_CTYPE", "LANG")
                .map(this::variable)
                .filter(value -> !value.isEmpty())
                .findFirst()
                .orElse("");
        return locale.toUpperCase(Locale.ROOT).replace("-", "").contains("UTF8")
                && !(terminal && variable("TERM").equals("dumb"));
    }

    /** A variable's value, empty where it is not set. */
    String variable(String name) {
        return environment.getOrDefault(name, "");
    }
}
