package dev.assize.server.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page on AuthZEN, with its commands run against a real server. */
class AuthzenPageTest {

    private static final Path PAGE = Path.of("..", "docs", "authzen.md");
    private static final Pattern BLOCK = Pattern.compile("```(yaml|sh)\n(.*?)```", Pattern.DOTALL);

    @TempDir
    Path directory;

    @Test
    void everyCommandOfThePageDoesWhatItSays() throws Exception {
        Console console = new Console(directory.resolve("home"), Map.of());
        try (AssizeServer server = AssizeServer.of(console.config())) {
            server.start();
            Path policy = Files.writeString(
                    directory.resolve("authzen.yaml"), blocks("yaml").getFirst());
            assertThat(console.run("policy", "apply", policy.toString(), "--reason", "the page"))
                    .as(console.err())
                    .isZero();
            List<String> answers = new ArrayList<>();
            for (String command : blocks("sh")) {
                answers.add(run(command, server));
            }
            assertThat(answers.get(0)).startsWith("{\"decision\":true,\"context\":{\"reason\":\"ALLOWED\"");
            assertThat(answers.get(1)).contains("{\"decision\":true,", "{\"decision\":false,", "NO_GRANT");
            assertThat(answers.get(2)).contains("[{\"type\":\"user\",\"id\":\"alice\"}]", "\"count\":1");
            assertThat(answers.get(3)).startsWith("{\"decision\":true");
        }
    }

    private static String run(String command, AssizeServer server) throws IOException, InterruptedException {
        ProcessBuilder shell =
                new ProcessBuilder("bash", "-c", command.replace("127.0.0.1:7480", server.operationsAddress()));
        shell.environment().put("ASSIZE_KEY", server.administrator().key());
        shell.redirectErrorStream(true);
        Process process = shell.start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private static List<String> blocks(String language) throws IOException {
        List<String> blocks = new ArrayList<>();
        Matcher matcher = BLOCK.matcher(Files.readString(PAGE));
        while (matcher.find()) {
            if (language.equals(matcher.group(1))) {
                blocks.add(matcher.group(2));
            }
        }
        return blocks;
    }
}
