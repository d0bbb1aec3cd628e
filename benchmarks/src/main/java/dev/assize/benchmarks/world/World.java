package dev.assize.benchmarks.world;

import dev.assize.server.policy.PolicySet;
import java.util.List;

/**
 * A world and questions about it.
 *
 * @param cedar the same policy in Cedar's language, whose entities come with each question
 */
public record World(PolicySet policy, String cedar, List<Asked> asked) {

    /** The worlds of which there is one for each number of users. */
    public static final List<String> NAMES = List.of("gdrive", "github", "tinytodo");

    /** By its name and its size, for example `gdrive-50`: the same for the same arguments. */
    public static World named(String name, int questions) {
        int dash = name.lastIndexOf('-');
        String kind = name.substring(0, Math.max(0, dash));
        if (!NAMES.contains(kind)) {
            throw new IllegalArgumentException(
                    "world `" + name + "`: expected one of " + NAMES + ", a dash and how many users it has");
        }
        int users = Integer.parseInt(name.substring(dash + 1));
        return switch (kind) {
            case "gdrive" -> new Gdrive(users).world(questions);
            case "github" -> new Github(users).world(questions);
            default -> new TinyTodo(users).world(questions);
        };
    }
}
