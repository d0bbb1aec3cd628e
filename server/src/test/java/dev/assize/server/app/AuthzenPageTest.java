package dev.assize.server.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.assize.server.testing.InMemory;
import dev.assize.server.testing.TestDatabase;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real server asked over HTTP: the commands of the page on AuthZEN, and the decisions that certification looks at. */
class AuthzenPageTest {

    private static final Path PAGE = Path.of("..", "docs", "authzen.md");
    private static final Pattern BLOCK = Pattern.compile("```(yaml|sh)\n(.*?)```", Pattern.DOTALL);
    private static final String ALICE = "\"subject\":{\"type\":\"user\",\"id\":\"alice\"}";
    private static final String BOB = "\"subject\":{\"type\":\"user\",\"id\":\"bob\"}";
    private static final String ADMIN = subject("bob", "\"role\":\"admin\"");
    private static final String READ = "\"action\":{\"name\":\"read\"}";
    private static final String WRITE = "\"action\":{\"name\":\"write\"}";
    private static final String RECORD = resource("record-1", "");
    private static final String ACTIVE = resource("record-1", "\"status\":\"active\"");
    private static final String ARCHIVED = resource("record-2", "\"status\":\"archived\"");
    private static final String USERS = "\"subject\":{\"type\":\"user\"}";
    private static final String RECORDS = "\"resource\":{\"type\":\"record\"}";

    @TempDir(factory = InMemory.class)
    static Path directory;

    private static TestDatabase database;
    private static Console console;
    private static AssizeServer server;

    @BeforeAll
    static void start() {
        database = TestDatabase.migrated();
        Map<String, String> environment = new HashMap<>(database.environment());
        environment.put("ASSIZE_HTTP_PUBLIC_URL", "https://pdp.example.com");
        environment.put("ASSIZE_AUTHZEN_ACCESS_REQUESTS", "true");
        console = new Console(directory.resolve("home"), environment);
        server = AssizeServer.of(console.config());
        server.start();
    }

    @AfterAll
    static void stop() {
        server.close();
        database.close();
    }

    @Test
    void everyCommandOfThePageDoesWhatItSays() throws Exception {
        apply(Files.writeString(
                directory.resolve("authzen.yaml"), blocks("yaml").getFirst()));
        List<String> answers = new ArrayList<>();
        for (String command : blocks("sh")) {
            answers.add(run(command));
        }
        assertThat(answers.get(0)).startsWith("{\"decision\":true,\"context\":{\"reason\":\"ALLOWED\"");
        assertThat(answers.get(1)).contains("{\"decision\":true,", "{\"decision\":false,", "NO_GRANT");
        assertThat(answers.get(2)).contains("[{\"type\":\"user\",\"id\":\"alice\"}]", "\"count\":1");
        assertThat(answers.get(3)).startsWith("{\"decision\":true");
    }

    /** By the ids of the certification scenario. */
    @Test
    void decidesAndFindsWhatCertificationLooksAt() throws Exception {
        apply(Path.of("src", "test", "resources", "authzen", "certification.yaml"));

        decides("c-2-2-1", true, ALICE, READ, RECORD);
        decides("c-2-2-2", false, BOB, WRITE, RECORD);
        decides("c-2-2-3", true, ALICE, READ, RECORD, "\"context\":{\"time\":\"2025-06-27T18:03-07:00\"}");
        decides("c-2-2-4", false, ALICE, WRITE, ARCHIVED);
        decides("c-2-2-5", true, ADMIN, WRITE, ARCHIVED);
        decides("c-2-2-6", true, ALICE, delete(true), RECORD);
        decides("c-2-2-7", false, ALICE, delete(false), RECORD);
        decides("c-2-2-8", true, subject("alice", "\"role\":\"manager\""), READ, ACTIVE);
        decides("c-1-4 rule 2", true, ALICE, WRITE, RECORD);
        decides("c-1-4 rule 3", true, BOB, READ, RECORD);
        assertThat(batch(BOB, RECORD, "{" + READ + "},{" + WRITE + "}"))
                .as("c-3-2-2")
                .containsExactly(true, false);
        assertThat(batch(ALICE, WRITE, "{" + ACTIVE + "},{" + ARCHIVED + "}"))
                .as("c-3-2-3")
                .containsExactly(true, false);
        assertThat(batch(WRITE, ARCHIVED, "{" + ALICE + "},{" + ADMIN + "}"))
                .as("c-3-2-4")
                .containsExactly(false, true);
        assertThat(batch(ALICE, WRITE + "," + ACTIVE, "{},{" + ARCHIVED + "}"))
                .as("c-3-2-7")
                .containsExactly(true, false);
        assertThat(found("subject", "id", USERS, READ, RECORD)).as("c-4-2-1").containsExactly("alice", "bob");
        assertThat(found("subject", "id", ALICE, READ, RECORD)).as("c-4-2-3").containsExactly("alice", "bob");
        assertThat(found("subject", "id", USERS, WRITE, ARCHIVED)).as("c-4-2-4").containsExactly("bob");
        assertThat(found("resource", "id", ALICE, READ, RECORDS)).as("c-4-3-1").containsExactly("record-1", "record-2");
        assertThat(found("resource", "id", ALICE, READ, RECORD)).as("c-4-3-3").containsExactly("record-1", "record-2");
        assertThat(found("resource", "id", ADMIN, WRITE, RECORDS)).as("c-4-3-4").containsExactly("record-2");
        assertThat(found("action", "name", ALICE, RECORD)).as("c-4-4-1").containsExactly("read", "write");
        assertThat(found("action", "name", ADMIN, ARCHIVED)).as("c-4-4-3").contains("write");
        assertThat(found("action", "name", subject("nonexistent-user", ""), RECORD))
                .as("c-4-6-1")
                .isEmpty();
        assertThat(found("subject", "id", "\"subject\":{\"type\":\"spaceship\"}", READ, RECORD))
                .as("c-4-6-2")
                .isEmpty();
        assertThat(found("resource", "id", ALICE, READ, "\"resource\":{\"type\":\"spaceship\"}"))
                .as("c-4-6-2")
                .isEmpty();
    }

    /** From the denial to the allow, with the engine, the approvals and the approvers that there are. */
    @Test
    void whatIsApprovedByOthersIsAllowedWhenItIsAskedAgain() throws Exception {
        apply(Path.of("src", "test", "resources", "authzen", "approvals.yaml"));
        String pay = "\"subject\":{\"type\":\"agent\",\"id\":\"payments\"},\"action\":{\"name\":\"pay\"},"
                + "\"resource\":{\"type\":\"invoice\",\"id\":\"7\"}";
        JsonNode denied = ask(200, "/bank/access/v1/evaluation", pay).path("context");
        String denial = "\"denial\":{\"expires_at\":" + denied.at("/access_request/expires_at") + ",\"binding_token\":"
                + denied.at("/access_request/binding_token") + "}";
        ask(400, "/bank/access/v1/requests", pay.replace("7", "8"), denial);
        JsonNode task = ask(202, "/bank/access/v1/requests", pay, denial).path("task");
        String id = task.path("id").textValue();
        for (String approver : List.of("user:carol", "user:dave")) {
            assertThat(ask(200, "/bank/access/v1/evaluation", pay)
                            .path("decision")
                            .booleanValue())
                    .isFalse();
            assertThat(console.run("approval", "approve", id, "--tenant", "bank", "--approver", approver))
                    .as(console.err())
                    .isZero();
        }
        JsonNode approval = ask(201, "/bank/access/v1/requests", pay, denial).at("/result/approval");
        assertThat(approval.path("id").textValue()).isEqualTo(id);
        assertThat(approval.path("approved_until").textValue()).isNotEmpty();
        JsonNode allowed = ask(200, "/bank/access/v1/evaluation", pay, "\"context\":{\"approval\":" + approval + "}");
        assertThat(allowed.path("decision").booleanValue())
                .as(allowed.toString())
                .isTrue();
        assertThat(ask(
                                200,
                                "/bank/access/v1/evaluation",
                                pay.replace("7", "8"),
                                "\"context\":{\"approval\":" + approval + "}")
                        .at("/context/next_action")
                        .textValue())
                .isEqualTo("request");
    }

    private static void decides(String id, boolean allowed, String... members) throws Exception {
        assertThat(ask("evaluation", members).path("decision").booleanValue())
                .as(id)
                .isEqualTo(allowed);
    }

    private static List<Boolean> batch(String one, String other, String items) throws Exception {
        List<Boolean> decisions = new ArrayList<>();
        ask("evaluations", one, other, "\"evaluations\":[" + items + "]")
                .path("evaluations")
                .forEach(each -> decisions.add(each.path("decision").booleanValue()));
        return decisions;
    }

    private static List<String> found(String endpoint, String member, String... members) throws Exception {
        List<String> names = new ArrayList<>();
        ask("search/" + endpoint, members)
                .path("results")
                .forEach(each -> names.add(each.path(member).textValue()));
        return names;
    }

    private static JsonNode ask(String endpoint, String... members) throws Exception {
        return ask(200, "/certified/access/v1/" + endpoint, members);
    }

    private static JsonNode ask(int status, String path, String... members) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> answer = client.send(
                    HttpRequest.newBuilder(URI.create("http://" + server.operationsAddress() + path))
                            .header(
                                    "Authorization",
                                    "Bearer " + server.administrator().key())
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofString("{" + String.join(",", members) + "}"))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
            return new ObjectMapper().readTree(answer.body());
        }
    }

    private static String subject(String id, String properties) {
        return "\"subject\":{\"type\":\"user\",\"id\":\"" + id + "\",\"properties\":{" + properties + "}}";
    }

    private static String resource(String id, String properties) {
        return "\"resource\":{\"type\":\"record\",\"id\":\"" + id + "\",\"properties\":{" + properties + "}}";
    }

    private static String delete(boolean soft) {
        return "\"action\":{\"name\":\"delete\",\"properties\":{\"soft\":" + soft + "}}";
    }

    private static void apply(Path policy) {
        assertThat(console.run("policy", "apply", policy.toString(), "--reason", "the page"))
                .as(console.err())
                .isZero();
    }

    private static String run(String command) throws IOException, InterruptedException {
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
