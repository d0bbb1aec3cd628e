package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.testing.CompiledSnippet;
import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the README tells a stranger to type, typed in its order at a real server: every command, the policy file and the
 * Java example, and the one of the Java client's own README. `serve` is the server itself, `quickstart` is in {@link QuickstartTest}, and what the launcher does
 * before either is in `.ci/run`.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ReadmeTest {

    private static final Path ROOT = Path.of("..");
    private static final Pattern BLOCK = Pattern.compile("^```(\\w*)\\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");

    private static final Pattern FILE = Pattern.compile("[a-z]+\\.(yaml|csv|checkpoint|tlog-proof|tar)");
    private static final String HOME = "~/.assize";

    /** Those that end with something other than 0, by how they end. */
    private static final Map<String, Integer> EXIT_CODES = Map.of(
            "check user:alice replay:922 execute --tenant acme --env production", 3,
            "explain user:alice replay:922 execute --tenant acme --env production", 3);

    private final TestDatabase database = TestDatabase.migrated();
    private final Path directory;
    private final Console console;
    private final AssizeServer server;
    private final String readme;

    ReadmeTest(@TempDir(factory = InMemory.class) Path directory) throws IOException {
        this.directory = directory;
        console = new Console(directory.resolve("home"), database.environment());
        server = AssizeServer.of(console.config());
        readme = Files.readString(ROOT.resolve("README.md"));
    }

    @BeforeAll
    void start() {
        server.start();
    }

    @AfterAll
    void stop() {
        server.close();
        database.close();
    }

    @Test
    void everyCommandDoesWhatIsSaid() throws Exception {
        Files.writeString(directory.resolve("acme.yaml"), block(readme, "yaml"));
        List<String> run = new ArrayList<>();
        for (String command : commands()) {
            if (command.equals("quickstart") || command.equals("serve")) {
                continue;
            }
            int code = console.run(words(command));
            assertThat(code)
                    .as(command + "\n" + console.out() + console.err())
                    .isEqualTo(EXIT_CODES.getOrDefault(command.replaceAll(" +", " "), 0));
            run.add(command);
        }
        assertThat(run).hasSizeGreaterThan(9);
        runTheJavaExample(console.out().strip());
    }

    @Test
    void everyCommandItNamesHasHelp() {
        Matcher section = Pattern.compile("^## Commands\\n+(.*?);", Pattern.MULTILINE | Pattern.DOTALL)
                .matcher(readme);
        assertThat(section.find()).isTrue();
        Matcher names = Pattern.compile("`([^`]+)`").matcher(section.group(1));
        while (names.find()) {
            String[] words = names.group(1).split(" ", 2);
            for (String inner : words.length == 1 ? List.of("") : List.of(words[1].split("\\|"))) {
                if (!words[0].equals("bench")) { // the launcher's own
                    String name = (words[0] + " " + inner).strip();
                    assertThat(console.run((name + " --help").split(" ")))
                            .as(name)
                            .isZero();
                    assertThat(console.out().lines()).as(name).allMatch(line -> line.length() <= 80);
                }
            }
        }
    }

    private void runTheJavaExample(String key) throws Exception {
        assertThat(replayedBy(block(readme, "java"), key)).isEqualTo(922);
        assertThat(console.run("audit", "list", "--tenant", "acme", "--type", "replay.executed"))
                .isZero();
        assertThat(console.out().lines().filter(line -> line.contains("replay:922")))
                .hasSize(2);
        String ofTheClient = Files.readString(ROOT.resolve("client-sdk/java/README.md"));
        assertThat(replayedBy(block(ofTheClient, "java"), key)).isEqualTo(922);
    }

    /** An example as it stands, but for the address and the key. */
    private int replayedBy(String block, String key) throws Exception {
        String example = block.replace("127.0.0.1:7443", server.grpcAddress())
                .replace("System.getenv(\"ASSIZE_KEY\")", "\"" + key + "\"");
        try (CompiledSnippet compiled = CompiledSnippet.of(directory, "Example", """
                import dev.assize.client.*;

                public class Example {
                    public static int replayed;

                    static void replay(int number) {
                        replayed = number;
                    }

                    public static void main(String[] args) {
                %s
                    }
                }
                """.formatted(example))) {
            compiled.type().getMethod("main", String[].class).invoke(null, (Object) new String[0]);
            return compiled.type().getField("replayed").getInt(null);
        }
    }

    private List<String> commands() {
        return BLOCK.matcher(readme)
                .results()
                .flatMap(block -> block.group(2).lines())
                .filter(line -> line.startsWith("./assize "))
                .map(line -> line.substring("./assize ".length())
                        .replaceAll("\\s+#.*", "")
                        .strip())
                .toList();
    }

    private static String block(String page, String language) {
        return BLOCK.matcher(page)
                .results()
                .filter(block -> block.group(1).equals(language))
                .map(block -> block.group(2))
                .findFirst()
                .orElseThrow();
    }

    /** Paths as seen from the repository and from where the reader put the file. */
    private String[] words(String command) {
        return WORD.matcher(command)
                .results()
                .map(word -> word.group(1) == null ? word.group(2) : word.group(1))
                .map(word ->
                        FILE.matcher(word).matches() ? directory.resolve(word).toString() : word)
                .map(word -> word.startsWith(HOME) ? directory.resolve("home") + word.substring(HOME.length()) : word)
                .map(word -> word.startsWith("server/") ? ROOT.resolve(word).toString() : word)
                .toArray(String[]::new);
    }
}
