package dev.assize.server.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page on approvals, with its commands run against a real server. */
class ApprovalsPageTest {

    private static final Path PAGE = Path.of("..", "docs", "approvals.md");
    private static final Pattern BLOCK = Pattern.compile("```(yaml|sh)\n(.*?)```", Pattern.DOTALL);
    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");

    @TempDir(factory = InMemory.class)
    Path directory;

    @Test
    void everyCommandOfThePageDoesWhatItSays() throws IOException {
        try (TestDatabase database = TestDatabase.migrated()) {
            everyCommandDoes(new Console(directory.resolve("home"), database.environment()));
        }
    }

    private void everyCommandDoes(Console console) throws IOException {
        try (AssizeServer server = AssizeServer.of(console.config())) {
            server.start();
            Path policy = Files.writeString(
                    directory.resolve("approvals.yaml"), blocks("yaml").getFirst());
            assertThat(console.run("policy", "apply", policy.toString(), "--reason", "the page"))
                    .as(console.err())
                    .isZero();
            assertThat(refusalOfSelfApproval(console)).contains("neither who asked nor the subject");
            assertThat(payment(console)).contains("APPROVAL_REQUIRED");
            List<String> outputs = new ArrayList<>();
            String id = "";
            for (String line : blocks("sh")) {
                for (String command : line.lines().toList()) {
                    outputs.add(run(console, command, id));
                    id = command.startsWith("assize approval request") ? idIn(outputs.getLast()) : id;
                    if (command.contains("--approver user:dave")) {
                        assertThat(payment(console)).contains("ALLOWED", "assize/use-approval");
                    }
                }
            }
            assertThat(outputs.get(0)).contains("pending", "payments: 2 of role controller, type user");
            assertThat(outputs.get(1)).contains("agent:payments", "invoice:7");
            assertThat(outputs.get(4))
                    .contains("pending", "user:carol", "which order is it?", "user:alice", "order 4711");
            assertThat(outputs.get(5)).contains("pending", "matches the order");
            assertThat(outputs.get(6)).contains("approved", "user:dave");
            assertThat(outputs.get(7)).contains("invoice:7");
            assertThat(outputs.get(8)).contains("used");
            assertThat(outputs.get(10)).contains("cancelled");
            assertThat(outputs.get(12)).contains("rejected", "no such order");
            assertThat(outputs.get(13)).contains("user:carol", "assize.approval.rejected");
        }
    }

    private static String refusalOfSelfApproval(Console console) {
        String id = idIn(run(
                console,
                "assize approval request --tenant bank --subject user:carol --action pay --resource invoice:1",
                ""));
        assertThat(console.run("approval", "approve", id, "--tenant", "bank", "--approver", "user:carol"))
                .isEqualTo(1);
        String refusal = console.err();
        assertThat(run(console, "assize approval cancel ID --tenant bank", id)).contains("cancelled");
        return refusal;
    }

    private static String payment(Console console) {
        console.run("check", "agent:payments", "invoice:7", "pay", "--tenant", "bank");
        return console.out();
    }

    private static String run(Console console, String command, String id) {
        List<String> words = new ArrayList<>();
        Matcher matcher = WORD.matcher(command);
        while (matcher.find()) {
            String word = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
            words.add(word.equals("ID") ? id : word);
        }
        assertThat(words.getFirst()).isEqualTo("assize");
        assertThat(console.run(words.subList(1, words.size()).toArray(String[]::new)))
                .as(command + "\n" + console.err())
                .isZero();
        return console.out();
    }

    private static String idIn(String output) {
        Matcher matcher = Pattern.compile("[0-9a-f]{32}").matcher(output);
        assertThat(matcher.find()).as(output).isTrue();
        return matcher.group();
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
