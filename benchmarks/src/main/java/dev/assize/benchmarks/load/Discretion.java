package dev.assize.benchmarks.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Texts as they may be kept and shown to anybody. Figures are told of a kind of machine, and not of whose it is: a failure's
 * message says where files lie, who runs it and what it is called, and nobody who reads a page of figures needs that.
 */
public final class Discretion {

    /** Of a path that begins at the root its last name is enough. What stands before tells it from `requests/s`. */
    private static final Pattern PATH = Pattern.compile("(?<![\\w.:/])/(?:[\\w.@+~-]+/)*([\\w.@+~-]+)/?");

    private static final Pattern ADDRESS = Pattern.compile("\\b(?:https?|jdbc:postgresql|ssh|git)://[^\\s\"'`,;)]+");
    private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

    /** Shorter ones are parts of words. */
    private static final int SHORTEST_NAME = 4;

    private static final String UNTOLD = "(left out)";

    private Discretion() {}

    public static String of(String text) {
        return of(text, hostName(), System.getProperty("user.name", ""));
    }

    /**
     * @param hostName empty where it is not known
     * @param userName the same
     */
    static String of(String text, String hostName, String userName) {
        String told = ADDRESS.matcher(text).replaceAll(UNTOLD);
        told = PATH.matcher(told).replaceAll(path -> Matcher.quoteReplacement(path.group(1)));
        return without(without(told, hostName), userName);
    }

    private static String without(String text, String name) {
        boolean isTelling = name.length() >= SHORTEST_NAME && !name.equals("localhost") && !name.equals("root");
        return isTelling ? text.replaceAll("(?<!\\w)" + Pattern.quote(name) + "(?!\\w)", UNTOLD) : text;
    }

    private static String hostName() {
        try {
            return Files.readString(HOST_NAME).strip();
        } catch (IOException notLinux) {
            return "";
        }
    }
}
