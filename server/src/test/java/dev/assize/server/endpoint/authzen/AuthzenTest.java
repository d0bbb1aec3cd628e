package dev.assize.server.endpoint.authzen;

import static dev.assize.server.endpoint.authzen.AuthzenDoor.BASE;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.endpoint.grpc.GrpcFixture;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The cases of AuthZEN's certification scenario by their ids, and what a caller may not do. */
class AuthzenTest {

    private static final String ALICE = "\"subject\":{\"type\":\"user\",\"id\":\"alice\"}";
    private static final String BOB = "\"subject\":{\"type\":\"user\",\"id\":\"bob\"}";
    private static final String READ = "\"action\":{\"name\":\"read\"}";
    private static final String WRITE = "\"action\":{\"name\":\"write\"}";
    private static final String RECORD = "\"resource\":{\"type\":\"record\",\"id\":\"record-1\"}";
    private static final String ARCHIVED =
            "\"resource\":{\"type\":\"record\",\"id\":\"record-2\",\"properties\":{\"status\":\"archived\"}}";

    private final AuthzenDoor door;

    AuthzenTest(@TempDir Path directory) throws IOException {
        door = new AuthzenDoor(directory);
        door.fixture.decisions.answer(AuthzenTest::scenario);
    }

    @AfterEach
    void close() {
        door.close();
    }

    /** The policy of the scenario's section c-1-4. */
    private static Reason scenario(CheckQuery query) {
        boolean admin = new AttributeValue.Text("admin")
                .equals(query.subjectAttributes().get("role"));
        boolean archived = new AttributeValue.Text("archived")
                .equals(query.resourceAttributes().get("status"));
        boolean allowed = switch (query.action().toString()) {
            case "read" -> true;
            case "write" -> archived ? admin : query.subject().id().equals("alice");
            case "delete" ->
                new AttributeValue.Fields(new TreeMap<>(Map.of("soft", new AttributeValue.Truth(true))))
                        .equals(query.context().get("action_properties"));
            default -> false;
        };
        return allowed ? Reason.ALLOWED : Reason.NO_GRANT;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "missing subject c-2-4-1|{\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\",\"id\":\"r\"}}",
                "missing action c-2-4-1|{\"subject\":{\"type\":\"user\",\"id\":\"a\"},\"resource\":{\"type\":\"record\",\"id\":\"r\"}}",
                "missing resource c-2-4-1|{\"subject\":{\"type\":\"user\",\"id\":\"a\"},\"action\":{\"name\":\"read\"}}",
                "subject without type c-2-4-2|{\"subject\":{\"id\":\"a\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\",\"id\":\"r\"}}",
                "subject without id c-2-4-2|{\"subject\":{\"type\":\"user\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\",\"id\":\"r\"}}",
                "action without name c-2-4-2|{\"subject\":{\"type\":\"user\",\"id\":\"a\"},\"action\":{},\"resource\":{\"type\":\"record\",\"id\":\"r\"}}",
                "resource without type c-2-4-2|{\"subject\":{\"type\":\"user\",\"id\":\"a\"},\"action\":{\"name\":\"read\"},\"resource\":{\"id\":\"r\"}}",
                "resource without id c-2-4-2|{\"subject\":{\"type\":\"user\",\"id\":\"a\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\"}}",
                "malformed c-2-4-4|{\"subject\":",
                "empty c-2-4-5|``",
                "subject is a string c-2-4-6|{\"subject\":\"alice\",\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\",\"id\":\"r\"}}",
                "name is a number c-2-4-6|{\"subject\":{\"type\":\"user\",\"id\":\"a\"},\"action\":{\"name\":123},\"resource\":{\"type\":\"record\",\"id\":\"r\"}}",
                "an array|[]",
                "something behind it|{} {}",
                "a member twice|{\"a\":1,\"a\":1}",
                "half a character|{\"a\":\"\\ud800\"}",
                "a colon in the type|{\"subject\":{\"type\":\"user:a\",\"id\":\"b\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\",\"id\":\"r\"}}",
                "a group|{\"subject\":{\"type\":\"group\",\"id\":\"b\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\",\"id\":\"r\"}}",
                "an unknown word of ours|{\"subject\":{\"type\":\"user\",\"id\":\"a\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\",\"id\":\"r\"},\"context\":{\"assize\":{\"as_of\":\"x\"}}}",
                "too large a number|{\"subject\":{\"type\":\"user\",\"id\":\"a\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\",\"id\":\"r\"},\"context\":{\"n\":9223372036854775808}}"
            })
    void refusesWhatIsMalformed(String name, String body) throws Exception {
        HttpResponse<String> answer = door.post(BASE + "evaluation", body);

        assertThat(answer.statusCode()).as(name).isEqualTo(400);
        assertThat(answer.body()).as(name).isNotBlank();
    }

    @Test
    void refusesTooLargeOrTooDeepOrNotJsonOrNotUtf8() throws Exception {
        String filler = "{" + ALICE + "," + READ + "," + RECORD + ",\"filler\":\"\"}";
        int left = Limits.REQUEST_BYTES - filler.length();
        assertThat(door.post(BASE + "evaluation", filler.replace("\"\"", "\"" + "x".repeat(left) + "\""))
                        .statusCode())
                .isEqualTo(200);
        assertThat(door.post(BASE + "evaluation", filler.replace("\"\"", "\"" + "x".repeat(left + 1) + "\""))
                        .statusCode())
                .isEqualTo(413);
        int depth = InternetJson.DEPTH - 1;
        assertThat(door.post(BASE + "evaluation", deep(depth)).statusCode()).isEqualTo(200);
        assertThat(door.post(BASE + "evaluation", deep(depth + 1)).statusCode()).isEqualTo(400);
        // c-2-4-3
        assertThat(door.send(door.request(BASE + "evaluation")
                                .setHeader("Content-Type", "text/plain")
                                .POST(HttpRequest.BodyPublishers.ofString(filler)))
                        .statusCode())
                .isEqualTo(400);
        assertThat(door.send(door.request(BASE + "evaluation")
                                .POST(HttpRequest.BodyPublishers.ofByteArray(
                                        "{\"a\":\"é\"}".getBytes(StandardCharsets.ISO_8859_1))))
                        .statusCode())
                .isEqualTo(400);
    }

    private static String deep(int depth) {
        return "{" + ALICE + "," + READ + "," + RECORD + ",\"d\":" + "[".repeat(depth) + "]".repeat(depth) + "}";
    }

    @Test
    void letsNobodyInWithoutACredentialThatReachesTenantRpcAndEnvironment() throws Exception {
        GrpcFixture fixture = door.fixture;
        String body = "{" + ALICE + "," + READ + "," + RECORD + "}";
        door.key = "";
        HttpResponse<String> nobody = door.post(BASE + "evaluation", body);
        assertThat(nobody.statusCode()).isEqualTo(401);
        assertThat(nobody.headers().firstValue("WWW-Authenticate"))
                .hasValueSatisfying(v -> assertThat(v).startsWith("Bearer"));
        door.key = "asz_unknown_unknown";
        assertThat(door.post(BASE + "evaluation", body).statusCode()).isEqualTo(401);
        door.key = fixture.replay;
        assertThat(door.post(BASE + "evaluation", body).statusCode()).isEqualTo(403);
        fixture.decisions.grant("service:replay", "check", "tenant:acme/policy");
        assertThat(door.post(BASE + "evaluation", body).statusCode()).isEqualTo(200);
        assertThat(door.post("/access/v1/evaluation", body).statusCode()).isEqualTo(200);
        HttpResponse<String> elsewhere = door.post("/other/access/v1/evaluation", body);
        assertThat(elsewhere.statusCode()).isEqualTo(403);
        assertThat(door.post("/none/access/v1/evaluation", "{").body()).isEqualTo(elsewhere.body());
        assertThat(door.post(BASE + "search/subject", body).statusCode()).isEqualTo(403);
        door.key =
                fixture.key("service:replay", "acme", false, Set.of("prod"), Set.of("DecisionService/Check"), "acme");
        assertThat(door.post(BASE + "evaluation", body).statusCode()).isEqualTo(403);
        String prod = "{" + ALICE + "," + READ + "," + RECORD + ",\"context\":{\"environment\":\"prod\"}}";
        assertThat(door.post(BASE + "evaluation", prod).statusCode()).isEqualTo(200);
        assertThat(door.post(BASE + "evaluations", prod).statusCode()).isEqualTo(403);
    }

    @Test
    void hasNoOtherPathAndNoOtherMethod() throws Exception {
        for (String path : List.of(
                "/",
                "/access/v1/",
                "/access/v1/evaluation/",
                "//access/v1/evaluation",
                "/a/b/access/v1/evaluation",
                "/access/v1/search")) {
            assertThat(door.post(path, "{}").statusCode()).as(path).isEqualTo(404);
        }
        HttpResponse<String> get = door.get(BASE + "evaluation");
        assertThat(get.statusCode()).isEqualTo(405);
        assertThat(get.headers().firstValue("Allow")).contains("POST");
        assertThat(door.post("/.well-known/authzen-configuration", "{}").statusCode())
                .isEqualTo(405);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "c-2-2-1|true|user|alice|{}|read|{}|record-1|{}",
                "c-2-2-2|false|user|bob|{}|write|{}|record-1|{}",
                "c-2-2-4|false|user|alice|{}|write|{}|record-2|{\"status\":\"archived\"}",
                "c-2-2-5|true|user|bob|{\"role\":\"admin\"}|write|{}|record-2|{\"status\":\"archived\"}",
                "c-2-2-6|true|user|alice|{}|delete|{\"soft\":true}|record-1|{}",
                "c-2-2-7|false|user|alice|{}|delete|{\"soft\":false}|record-1|{}",
                "c-2-2-8|true|user|alice|{\"department\":\"Sales\"}|read|{\"method\":\"GET\"}|record-1|{\"owner\":\"bob\"}"
            })
    void decidesAsTheScenarioSays(
            String id,
            boolean allowed,
            String type,
            String subject,
            String ofSubject,
            String action,
            String ofAction,
            String resource,
            String ofResource)
            throws Exception {
        JsonNode answer =
                door.ok("evaluation", """
                {"subject":{"type":"%s","id":"%s","properties":%s},"action":{"name":"%s","properties":%s},
                 "resource":{"type":"record","id":"%s","properties":%s},"foo":"bar","futureField":{"nested":true}}""".formatted(type, subject, ofSubject, action, ofAction, resource, ofResource));

        assertThat(answer.path("decision").booleanValue()).as(id).isEqualTo(allowed);
        assertThat(answer.at("/context/reason").textValue()).isEqualTo(allowed ? "ALLOWED" : "NO_GRANT");
        assertThat(answer.at("/context/decision_id").textValue()).hasSize(32);
        assertThat(answer.at("/context").size()).isEqualTo(2);
    }

    @Test
    void readsEverythingThatAQuestionHas() throws Exception {
        door.ok("evaluation", """
                {"subject":{"type":"user","id":"a:b","properties":{"level":3}},"action":{"name":"read"},
                 "resource":{"type":"doc","id":"50%/x","properties":{"assize_parent":"vault:v","ratio":0.5,"none":null}},
                 "context":{"environment":"prod","ip":["x"],"assize":{"subject_tenant":"beta","on_behalf_of":"user:carol",
                 "active_roles":["r","r"],"run_id":"run"}}}""");

        CheckQuery query = door.fixture.decisions.lastQuery();
        assertThat(query.subject()).isEqualTo(new Subject("user", "a:b"));
        assertThat(query.resource().value()).isEqualTo("vault:v/doc:50%25%2Fx");
        assertThat(query.env().value()).isEqualTo("prod");
        assertThat(query.subjectTenant()).isEqualTo(new TenantId("beta"));
        assertThat(query.subjectAttributes()).isEqualTo(Map.of("level", new AttributeValue.Whole(3)));
        assertThat(query.resourceAttributes()).isEqualTo(Map.of("ratio", new AttributeValue.Fraction(0.5)));
        assertThat(query.context())
                .isEqualTo(Map.of("ip", new AttributeValue.Many(List.of(new AttributeValue.Text("x")))));
        assertThat(query.onBehalfOf()).isEqualTo(new Delegator(new Subject("user", "carol"), new TenantId("acme")));
        assertThat(query.activeRoles()).containsExactly("r");
        assertThat(query.runId()).isEqualTo("run");
    }

    @Test
    void answersBatchesInOrderWithDefaultsReplacedWhole() throws Exception {
        // c-3-2-7, c-3-3
        JsonNode merged = door.ok(
                "evaluations", "{" + ALICE + "," + WRITE + "," + ARCHIVED + ",\"evaluations\":[{" + RECORD + "},{}]}");
        assertThat(decisions(merged)).containsExactly(true, false);
        assertThat(merged.has("decision")).isFalse();
        // c-3-2-5
        assertThat(decisions(door.ok(
                        "evaluations",
                        "{\"evaluations\":[{" + ALICE + "," + READ + "," + RECORD + "},{" + BOB + "," + WRITE + ","
                                + RECORD + "}]}")))
                .containsExactly(true, false);
    }

    @Test
    void deniesAnEvaluationThatIsMalformedAndTellsWhy() throws Exception {
        // c-3-4-1
        JsonNode answer =
                door.ok("evaluations", "{" + ALICE + "," + READ + ",\"evaluations\":[{" + RECORD + "},{},7]}");

        assertThat(decisions(answer)).containsExactly(true, false, false);
        assertThat(answer.at("/evaluations/1/context/error/status").intValue()).isEqualTo(400);
        assertThat(answer.at("/evaluations/1/context/error/message").textValue())
                .contains("evaluations[1].resource");
    }

    @Test
    void answersLikeOneEvaluationWhereThereIsNoBatch() throws Exception {
        // c-3-4-2, c-3-4-3
        for (String none : List.of("", ",\"evaluations\":[]", ",\"evaluations\":null")) {
            JsonNode answer = door.ok("evaluations", "{" + ALICE + "," + READ + "," + RECORD + none + "}");
            assertThat(answer.path("decision").booleanValue()).isTrue();
            assertThat(answer.has("evaluations")).isFalse();
        }
    }

    @Test
    void endsWithTheEvaluationThatDecides() throws Exception {
        String items = ",\"evaluations\":[{" + BOB + "},{" + ALICE + "},{" + BOB + "},{" + ALICE
                + "}],\"options\":{\"evaluations_semantic\":\"";
        String body = "{" + WRITE + "," + RECORD + items;
        assertThat(decisions(door.ok("evaluations", body + "execute_all\"}}")))
                .containsExactly(false, true, false, true);
        assertThat(decisions(door.ok("evaluations", body + "permit_on_first_permit\"}}")))
                .containsExactly(false, true);
        assertThat(decisions(door.ok("evaluations", body + "deny_on_first_deny\"}}")))
                .containsExactly(false);
        assertThat(door.post(BASE + "evaluations", body + "other\"}}").statusCode())
                .isEqualTo(400);
    }

    @Test
    void takesAThousandEvaluationsAndNoMore() throws Exception {
        String body = "{" + ALICE + "," + READ + "," + RECORD + ",\"evaluations\":[{}";
        assertThat(door.ok("evaluations", body + ",{}".repeat(Limits.BATCH_ITEMS - 1) + "]}")
                        .path("evaluations")
                        .size())
                .isEqualTo(Limits.BATCH_ITEMS);
        assertThat(door.post(BASE + "evaluations", body + ",{}".repeat(Limits.BATCH_ITEMS) + "]}")
                        .statusCode())
                .isEqualTo(400);
    }

    @Test
    void searchesInPagesWhoseTokenBelongsToTheRequest() throws Exception {
        door.fixture.searches.names(List.of("user:alice", "user:bob", "user:c/d"));
        String body = "{\"subject\":{\"type\":\"user\",\"id\":\"overlooked\"}," + READ + "," + RECORD;

        JsonNode first = door.ok("search/subject", body + ",\"page\":{\"limit\":2}}");
        String token = first.at("/page/next_token").textValue();
        assertThat(first.path("results").toString())
                .isEqualTo("[{\"type\":\"user\",\"id\":\"alice\"},{\"type\":\"user\",\"id\":\"bob\"}]");
        assertThat(token).isNotEmpty();
        JsonNode second = door.ok("search/subject", body + ",\"page\":{\"token\":\"" + token + "\"}}");
        assertThat(second.path("results").toString()).isEqualTo("[{\"type\":\"user\",\"id\":\"c/d\"}]");
        assertThat(second.at("/page/next_token").textValue()).isEmpty();
        String other = body.replace("read", "write") + ",\"page\":{\"token\":\"" + token + "\"}}";
        assertThat(door.post(BASE + "search/subject", other).statusCode()).isEqualTo(400);
        for (String limit : List.of("-1", "1.5", "1e999", "\"1\"")) {
            assertThat(door.post(BASE + "search/subject", body + ",\"page\":{\"limit\":" + limit + "}}")
                            .statusCode())
                    .isEqualTo(400);
        }
    }

    @Test
    void searchesResourcesAndActions() throws Exception {
        GrpcFixture fixture = door.fixture;
        fixture.searches.names(List.of("record", "record:a%2Fb", "vault:v/record:50%25"));
        JsonNode resources =
                door.ok("search/resource", "{" + ALICE + "," + READ + ",\"resource\":{\"type\":\"record\"}}");
        assertThat(resources.path("results").toString())
                .isEqualTo("[{\"type\":\"record\",\"id\":\"a/b\"},"
                        + "{\"type\":\"record\",\"id\":\"50%\",\"properties\":{\"assize_parent\":\"vault:v\"}}]");
        fixture.searches.names(List.of("read", "write"));
        assertThat(door.ok("search/action", "{" + ALICE + "," + RECORD + "}")
                        .path("results")
                        .toString())
                .isEqualTo("[{\"name\":\"read\"},{\"name\":\"write\"}]");
        fixture.searches.names(List.of());
        // c-4-6
        assertThat(door.ok("search/subject", "{\"subject\":{\"type\":\"spaceship\"}," + READ + "," + RECORD + "}")
                        .path("results"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "subject|{\"subject\":{\"type\":\"user\"},\"resource\":{\"type\":\"record\",\"id\":\"r\"}}",
                "subject|{\"subject\":{\"type\":\"user\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\"}}",
                "resource|{\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\"}}",
                "resource|{\"subject\":{\"type\":\"user\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"record\"}}",
                "action|{\"subject\":{\"type\":\"user\",\"id\":\"alice\"}}",
                "action|{\"subject\":{\"type\":\"user\"},\"resource\":{\"type\":\"record\",\"id\":\"r\"}}"
            })
    void refusesSearchesThatLackAnInput(String endpoint, String body) throws Exception {
        // c-4-7
        assertThat(door.post(BASE + "search/" + endpoint, body).statusCode()).isEqualTo(400);
    }

    @Test
    void givesBackTheRequestIdOnAnswersAndErrors() throws Exception {
        for (String body : List.of("{" + ALICE + "," + READ + "," + RECORD + "}", "{")) {
            HttpResponse<String> answer = door.send(door.request(BASE + "evaluation")
                    .setHeader("X-Request-ID", "bfe9eb29-ab87")
                    .POST(HttpRequest.BodyPublishers.ofString(body)));
            assertThat(answer.headers().firstValue("X-Request-ID")).contains("bfe9eb29-ab87");
        }
        assertThat(door.post(BASE + "evaluation", "{").headers().firstValue("X-Request-ID"))
                .isEmpty();
    }

    @Test
    void saysWhereWhatIsToEverybody() throws Exception {
        door.key = "";
        // c-6
        HttpResponse<String> whole = door.get("/.well-known/authzen-configuration");
        assertThat(whole.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(whole.headers().firstValue("Cache-Control")).contains("max-age=300");
        assertThat(door.read(whole.body()).path("policy_decision_point").textValue())
                .isEqualTo("https://pdp.example.com");
        JsonNode ofTenant =
                door.read(door.get("/.well-known/authzen-configuration/acme").body());
        assertThat(ofTenant.path("policy_decision_point").textValue()).isEqualTo("https://pdp.example.com/acme");
        assertThat(ofTenant.path("access_evaluation_endpoint").textValue())
                .isEqualTo("https://pdp.example.com/acme/access/v1/evaluation");
        assertThat(ofTenant.path("search_action_endpoint").textValue())
                .isEqualTo("https://pdp.example.com/acme/access/v1/search/action");
        assertThat(door.get("/.well-known/authzen-configuration/not%20one").statusCode())
                .isEqualTo(400);
    }

    private static List<Boolean> decisions(JsonNode answer) {
        List<Boolean> decisions = new ArrayList<>();
        answer.path("evaluations")
                .forEach(each -> decisions.add(each.path("decision").booleanValue()));
        return decisions;
    }
}
