package dev.assize.server.app;

import static dev.assize.server.app.CentreFixture.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.ApprovalServiceGrpc;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.QueryDecisionsRequest;
import dev.assize.proto.v1.RecordedDecision;
import dev.assize.proto.v1.RequestApprovalRequest;
import dev.assize.proto.v1.ResolveApprovalRequest;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** AuthZEN at a sidecar: what it knows it says itself, the rest it asks at its centre, and its callers see no difference. */
@Timeout(240)
class SidecarAuthzenTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PDP = "https://pdp.example.com";

    /** Of a role that names each of these by itself, so that a search has more than a page. */
    private static final String MORE = """
        apiVersion: assize.dev/v1
        kind: Resource
        metadata: {tenant: acme, name: "vault:1"}
        spec: {attributes: {colour: red}}
        ---
        apiVersion: assize.dev/v1
        kind: Resource
        metadata: {tenant: acme, name: "vault:2"}
        spec: {attributes: {colour: blue}}
        ---
        apiVersion: assize.dev/v1
        kind: Resource
        metadata: {tenant: acme, name: "vault:3/invoice:9%%2F1"}
        spec: {attributes: {colour: blue}}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: services}
        spec: {subjects: ["service:*", "user:bob"], role: clerk, scope: {resourceTypes: [vault]}}
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: approvers}
        spec: {subjects: ["user:carol"], role: clerk, scope: {resourceTypes: [payment]}}
        ---
        apiVersion: assize.dev/v1
        kind: Role
        metadata: {tenant: acme, name: officer}
        spec:
          permissions:
            - resources: [claim]
              actions: [file, settle]
              when: "resource.attr.amount < 10.5 && context.urgent && context.tags[0] == 'a' && context.more.deep == 'x'"
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: officers}
        spec:
          subjects: ["user:pat"]
          role: officer
          fromTenant: recorded
          scope: {environments: [staging]}
          when: "subject.attr.level == 3"
        ---
        apiVersion: assize.dev/v1
        kind: RoleBinding
        metadata: {tenant: acme, name: principals}
        spec: {subjects: ["user:dora"], role: officer, scope: {environments: [staging]}}
        ---
        apiVersion: assize.dev/v1
        kind: SeparationOfDuty
        metadata: {tenant: acme, name: nobody-settles-what-it-filed}
        spec: {type: performed-actions, actions: [file, settle], resources: [claim]}
        ---
        apiVersion: assize.dev/v1
        kind: Resource
        metadata: {tenant: acme, name: "vault:%s"}
        spec: {attributes: {colour: blue}}
        """.formatted("z".repeat(256));

    private static CentreFixture centre;
    private static ServedSidecar sidecar;
    private static HttpClient client;

    @BeforeAll
    static void start(@TempDir Path directory) {
        centre = new CentreFixture(
                directory, Map.of("ASSIZE_HTTP_PUBLIC_URL", PDP), io.grpc.InsecureChannelCredentials.create());
        centre.apply(ServedSidecar.POLICY.replaceFirst("\\[default]", "[default, staging]") + "---\n" + MORE);
        Path home = centre.home();
        Map<String, String> environment = centre.environment(home, centre.key("acme", "recorded"), "acme,recorded");
        environment.put("ASSIZE_HTTP_PUBLIC_URL", PDP);
        sidecar = new ServedSidecar(home, CentreFixture.sidecar(home, environment));
        client = HttpClient.newHttpClient();
    }

    /** What was cut off has found its centre again before the next test asks for it. */
    @AfterEach
    void restore() throws Exception {
        centre.network().restore();
        Instant patience = Instant.now().plusSeconds(60);
        String asked = evaluation("alice", "payment", "1", "send", "");
        while (post(sidecar.operationsAddress(), "/acme/access/v1/evaluation", asked)
                        .statusCode()
                == 503) {
            assertThat(Instant.now()).isBefore(patience);
        }
    }

    @AfterAll
    static void stop() {
        client.close();
        sidecar.close();
        centre.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vault 1 read",
                "vault 1 destroy",
                "other 1 read",
                "invoice 1 release",
                "payment 1 send",
                "vault a/b%c read",
                "vault 1 rëad",
                "Vault 1 read"
            })
    void answersOneAsTheCentreDoes(String question) throws Exception {
        String[] words = question.split(" ", -1);
        String body = evaluation("alice", words[0], words[1], words[2], "");

        same("/acme/access/v1/evaluation", body);
        same("/access/v1/evaluation", body);
        same("/acme/access/v1/evaluations", body);
    }

    @ParameterizedTest
    @ValueSource(strings = {"execute_all", "deny_on_first_deny", "permit_on_first_permit"})
    void answersManyAsTheCentreDoes(String semantic) throws Exception {
        for (String items : List.of(
                // All from here, then one for the centre, then one that cannot be asked at all.
                item("vault", "1", "read") + "," + item("vault", "1", "destroy") + "," + item("vault", "2", "read"),
                item("vault", "1", "destroy") + "," + item("invoice", "1", "release") + ","
                        + item("payment", "1", "send"),
                item("invoice", "1", "release") + ",{\"resource\":{\"type\":\"V\",\"id\":\"1\"}},"
                        + item("vault", "1", "read"),
                "{\"resource\":{\"type\":\"V\",\"id\":\"1\"}}," + item("payment", "1", "send"))) {
            same(
                    "/acme/access/v1/evaluations",
                    evaluation(
                            "alice",
                            "vault",
                            "1",
                            "read",
                            ",\"evaluations\":[" + items + "],\"options\":{\"evaluations_semantic\":\"" + semantic
                                    + "\"}"));
        }
    }

    @Test
    void asksTheCentreForWhatWasDoneAndApproved() throws Exception {
        String release = evaluation("alice", "invoice", "7", "release", "");
        assertThat(decided(release).at("/decision").booleanValue()).isTrue();
        var _ = with(LedgerServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .appendAudit(AppendAuditRequest.newBuilder()
                        .setTenant("acme")
                        .addEvents(AuditEvent.newBuilder()
                                .setType("invoice.submitted")
                                .setActor("user:alice")
                                .setAction("submit")
                                .setResource("invoice:7")
                                .setOutcome(Outcome.OUTCOME_SUCCESS))
                        .build());

        JsonNode denied = decided(release);
        assertThat(denied.at("/decision").booleanValue()).isFalse();
        assertThat(denied.at("/context/reason").textValue()).isEqualTo("SEPARATION_OF_DUTY");
        assertThat(denied.at("/context/decision_id").textValue()).matches("[0-9a-f]{32}");
    }

    /** What decides there is all that was said here: without any of it the centre would deny. */
    @Test
    void hasTheCentreJudgeByAllThatIsSaid() throws Exception {
        String settles = """
                {"subject":{"type":"user","id":"pat","properties":{"level":3}},"action":{"name":"settle"},\
                "resource":{"type":"claim","id":"1","properties":{"amount":10.25}},\
                "context":{"environment":"staging","urgent":true,"tags":["a"],"more":{"deep":"x"},\
                "assize":{"subject_tenant":"recorded","on_behalf_of":"user:dora"}}}""";
        double before = sidecar.metric("assize_upstream_questions_seconds_count");
        assertThat(decided(settles).at("/decision").booleanValue()).isTrue();
        assertThat(sidecar.metric("assize_upstream_questions_seconds_count")).isEqualTo(before + 1);
        same("/acme/access/v1/evaluation", settles);
        same("/acme/access/v1/evaluations", settles);

        var _ = with(LedgerServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .appendAudit(AppendAuditRequest.newBuilder()
                        .setTenant("acme")
                        .addEvents(AuditEvent.newBuilder()
                                .setType("claim.filed")
                                .setActor("user:dora")
                                .setAction("file")
                                .setResource("claim:1")
                                .setEnv("staging")
                                .setOutcome(Outcome.OUTCOME_SUCCESS))
                        .build());
        JsonNode denied = decided(settles);
        assertThat(denied.at("/context/reason").textValue()).isEqualTo("DELEGATOR_DENIED");
        same("/acme/access/v1/evaluation", settles);
    }

    @Test
    void allowsWhatWasApprovedAtTheCentre() throws Exception {
        String send = evaluation("alice", "payment", "77", "send", "");
        assertThat(decided(send).at("/context/reason").textValue()).isEqualTo("APPROVAL_REQUIRED");
        var approvals = with(ApprovalServiceGrpc.newBlockingStub(centre.channel()), centre.admin());
        String id = approvals
                .requestApproval(RequestApprovalRequest.newBuilder()
                        .setTenant("acme")
                        .setSubject("user:alice")
                        .setRequester("user:alice")
                        .setAction("send")
                        .setResource("payment:77")
                        .build())
                .getApproval()
                .getApprovalId();
        var _ = approvals.resolveApproval(ResolveApprovalRequest.newBuilder()
                .setTenant("acme")
                .setApprovalId(id)
                .setApprover("user:carol")
                .setApprove(true)
                .build());

        JsonNode allowed = decided(send);
        assertThat(allowed.at("/decision").booleanValue())
                .as(allowed.toString())
                .isTrue();
        same("/acme/access/v1/evaluation", send);
        assertThat(decided(evaluation("alice", "payment", "78", "send", ""))
                        .at("/decision")
                        .booleanValue())
                .as("another than was approved")
                .isFalse();
    }

    /** Of the 40 KB of the request's context each has its own copy on the way to the centre, which takes 12 MiB at once. */
    @Test
    void asksTheCentreInPartsWhatWouldBeTooMuchTogether() throws Exception {
        String context = IntStream.range(0, 10)
                .mapToObj(i -> "\"attribute-" + i + "\":\"" + "x".repeat(4_000) + "\"")
                .collect(Collectors.joining(",", ",\"context\":{", "}"));
        String items = IntStream.range(0, 400)
                .mapToObj(i -> i == 150 ? "{\"action\":{\"name\":\"burn\"}}" : "{}")
                .collect(Collectors.joining(",", ",\"evaluations\":[", "]"));
        for (String semantic : List.of("execute_all", "deny_on_first_deny")) {
            String body = evaluation(
                    "alice",
                    "invoice",
                    "9",
                    "release",
                    context + items + ",\"options\":{\"evaluations_semantic\":\"" + semantic + "\"}");
            double before = sidecar.metric("assize_upstream_questions_seconds_count");
            same("/acme/access/v1/evaluations", body);
            assertThat(sidecar.metric("assize_upstream_questions_seconds_count") - before)
                    .as("26 of them come to less than 1 MiB")
                    .isEqualTo(semantic.equals("execute_all") ? 16 : 6);
            JsonNode given = JSON.readTree(post(sidecar.operationsAddress(), "/acme/access/v1/evaluations", body)
                            .body())
                    .path("evaluations");
            assertThat(given).hasSize(semantic.equals("execute_all") ? 400 : 151);
            assertThat(given.at("/150/decision").booleanValue()).isFalse();
            assertThat(given.at("/149/decision").booleanValue()).isTrue();
        }
    }

    @Test
    void answersFromHereAndNothingElseWhileTheCentreIsAway() throws Exception {
        centre.network().cut();

        assertThat(decided(evaluation("alice", "vault", "1", "read", ""))
                        .at("/decision")
                        .booleanValue())
                .isTrue();
        for (String body : List.of(
                evaluation("alice", "payment", "1", "send", ""),
                evaluation(
                        "alice", "vault", "1", "read", ",\"evaluations\":[{}," + item("payment", "1", "send") + "]"))) {
            HttpResponse<String> answer = post(sidecar.operationsAddress(), "/acme/access/v1/evaluations", body);
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(503);
            assertThat(answer.headers().firstValue("Retry-After")).isPresent();
            assertThat(answer.body()).doesNotContain("decision\"");
        }
        assertThat(post(
                                sidecar.operationsAddress(),
                                "/acme/access/v1/search/action",
                                "{\"subject\":{\"type\":\"user\",\"id\":\"alice\"},\"resource\":{\"type\":\"vault\",\"id\":\"1\"}}")
                        .statusCode())
                .isEqualTo(503);
    }

    @Test
    void hasTheCentreRecordWhatIsGivenAndNothingElse() throws Exception {
        String denies = ",\"evaluations\":[{},{\"action\":{\"name\":\"burn\"}},{\"action\":{\"name\":\"drown\"}}]";
        HttpResponse<String> first = post(
                sidecar.operationsAddress(),
                "/recorded/access/v1/evaluations",
                evaluation(
                        "alice",
                        "vault",
                        "1",
                        "read",
                        denies + ",\"options\":{\"evaluations_semantic\":\"deny_on_first_deny\"}"));
        JsonNode given = JSON.readTree(first.body()).path("evaluations");
        assertThat(given).hasSize(2);

        assertThat(records()).singleElement().satisfies(record -> {
            assertThat(record.getAction()).isEqualTo("burn");
            assertThat(record.getCaller()).isEqualTo("service:sidecar");
            assertThat(record.getDecisionId())
                    .isEqualTo(given.at("/1/context/decision_id").textValue());
        });

        var _ = post(
                sidecar.operationsAddress(),
                "/recorded/access/v1/evaluations",
                evaluation("alice", "vault", "1", "read", denies));
        assertThat(records())
                .extracting(RecordedDecision::getAction)
                .containsExactlyInAnyOrder("burn", "burn", "drown");

        centre.network().cut();
        assertThat(post(
                                sidecar.operationsAddress(),
                                "/recorded/access/v1/evaluation",
                                evaluation("alice", "vault", "1", "read", ""))
                        .statusCode())
                .as("an allow does not go on record there")
                .isEqualTo(200);
        assertThat(post(
                                sidecar.operationsAddress(),
                                "/recorded/access/v1/evaluation",
                                evaluation("alice", "vault", "1", "burn", ""))
                        .statusCode())
                .isEqualTo(503);
    }

    private static List<RecordedDecision> records() {
        return with(DecisionServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .queryDecisions(
                        QueryDecisionsRequest.newBuilder().setTenant("recorded").build())
                .getDecisionsList();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "subject|{\"subject\":{\"type\":\"user\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"vault\",\"id\":\"1\"}",
                "subject|{\"subject\":{\"type\":\"service\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"vault\",\"id\":\"1\"}",
                "subject|{\"subject\":{\"type\":\"group\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"vault\",\"id\":\"1\"}",
                "resource|{\"subject\":{\"type\":\"user\",\"id\":\"alice\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"vault\"}",
                "resource|{\"subject\":{\"type\":\"user\",\"id\":\"alice\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"invoice\"}",
                "action|{\"subject\":{\"type\":\"user\",\"id\":\"alice\"},\"resource\":{\"type\":\"vault\",\"id\":\"1\"}",
                "action|{\"subject\":{\"type\":\"user\",\"id\":\"nobody\"},\"resource\":{\"type\":\"vault\",\"id\":\"1\"},\"context\":{\"environment\":\"elsewhere\"}"
            })
    void findsWhatTheCentreFindsPageByPage(String search) throws Exception {
        String endpoint = "/acme/access/v1/search/" + search.substring(0, search.indexOf('|'));
        String body = search.substring(search.indexOf('|') + 1);
        for (int limit : List.of(1, 2, 100)) {
            assertThat(all(sidecar.operationsAddress(), sidecar.key(), endpoint, body, limit))
                    .isEqualTo(all(centre.operationsAddress(), centre.admin(), endpoint, body, limit));
        }
        JsonNode none = JSON.readTree(post(sidecar.operationsAddress(), endpoint, body + ",\"page\":{\"limit\":0}}")
                .body());
        assertThat(none.path("results")).isEmpty();
    }

    /** The pages of a search, without their tokens. */
    private static List<JsonNode> all(String address, String key, String endpoint, String body, int limit)
            throws Exception {
        List<JsonNode> pages = new ArrayList<>();
        String token = "";
        do {
            String page = token.isEmpty() ? "{\"limit\":" + limit + "}" : "{\"token\":\"" + token + "\"}";
            HttpResponse<String> answer = post(address, key, endpoint, body + ",\"page\":" + page + "}");
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
            ObjectNode read = (ObjectNode) JSON.readTree(answer.body());
            token = ((ObjectNode) read.path("page")).remove("next_token").textValue();
            pages.add(read);
            assertThat(pages).as("pages without an end").hasSizeLessThan(20);
        } while (!token.isEmpty());
        return pages;
    }

    @Test
    void takesATokenForItsOwnSearchOnly() throws Exception {
        String endpoint = "/acme/access/v1/search/resource";
        String body =
                "{\"subject\":{\"type\":\"user\",\"id\":\"alice\"},\"action\":{\"name\":\"read\"},\"resource\":{\"type\":\"vault\"}";
        String token = JSON.readTree(post(sidecar.operationsAddress(), endpoint, body + ",\"page\":{\"limit\":1}}")
                        .body())
                .at("/page/next_token")
                .textValue();
        String other = body.replace("alice", "bob") + ",\"page\":{\"token\":\"" + token + "\"}}";

        assertThat(post(sidecar.operationsAddress(), endpoint, other).statusCode())
                .isEqualTo(400);
    }

    @Test
    void letsInOnlyWhoHasItsKeyAndOnlyToItsTenants() throws Exception {
        String body = evaluation("alice", "vault", "1", "read", "");
        for (String key : List.of("", centre.admin())) {
            assertThat(post(sidecar.operationsAddress(), key, "/acme/access/v1/evaluation", body)
                            .statusCode())
                    .isEqualTo(401);
        }
        assertThat(post(sidecar.operationsAddress(), "/beta/access/v1/evaluation", body)
                        .statusCode())
                .isEqualTo(403);
    }

    @Test
    void saysWhereWhatIsAndOffersNoRequestsForAccess() throws Exception {
        HttpResponse<String> metadata = get(sidecar.operationsAddress(), "/.well-known/authzen-configuration/acme");

        assertThat(metadata.body())
                .isEqualTo(get(centre.operationsAddress(), "/.well-known/authzen-configuration/acme")
                        .body());
        assertThat(post(sidecar.operationsAddress(), "/acme/access/v1/requests", "{}")
                        .statusCode())
                .isEqualTo(404);
        Path home = centre.home();
        Map<String, String> environment = centre.environment(home, centre.key("acme"), "acme");
        environment.put("ASSIZE_HTTP_PUBLIC_URL", PDP);
        environment.put("ASSIZE_AUTHZEN_ACCESS_REQUESTS", "true");
        assertThatThrownBy(() -> CentreFixture.sidecar(home, environment))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("AUTHZEN_ACCESS_REQUESTS")
                .hasMessageContaining("sidecar");
    }

    /** The sidecar's answer is that of the centre but for the id that every decision has. */
    private static void same(String path, String body) throws Exception {
        HttpResponse<String> there = post(centre.operationsAddress(), centre.admin(), sameTenant(path), body);
        HttpResponse<String> here = post(sidecar.operationsAddress(), path, body);
        assertThat(here.statusCode()).as(body + ": " + here.body()).isEqualTo(there.statusCode());
        if (there.statusCode() == 200) {
            assertThat(withoutIds(here.body())).as(body).isEqualTo(withoutIds(there.body()));
        }
    }

    /** The administrator of the centre is at home elsewhere. */
    private static String sameTenant(String path) {
        return path.startsWith("/access/") ? "/acme" + path : path;
    }

    private static JsonNode withoutIds(String body) throws Exception {
        JsonNode answer = JSON.readTree(body);
        answer.findParents("decision_id").forEach(context -> ((ObjectNode) context).remove("decision_id"));
        return answer;
    }

    private static JsonNode decided(String body) throws Exception {
        HttpResponse<String> answer = post(sidecar.operationsAddress(), "/acme/access/v1/evaluation", body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return JSON.readTree(answer.body());
    }

    private static String evaluation(String user, String type, String id, String action, String more) {
        return "{\"subject\":{\"type\":\"user\",\"id\":\"" + user + "\"},\"action\":{\"name\":\"" + action
                + "\"},\"resource\":{\"type\":\"" + type + "\",\"id\":\"" + id + "\"}" + more + "}";
    }

    private static String item(String type, String id, String action) {
        return "{\"resource\":{\"type\":\"" + type + "\",\"id\":\"" + id + "\"},\"action\":{\"name\":\"" + action
                + "\"}}";
    }

    private static HttpResponse<String> post(String address, String path, String body) throws Exception {
        return post(address, sidecar.key(), path, body);
    }

    private static HttpResponse<String> post(String address, String key, String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://" + address + path))
                .header("Content-Type", "application/json")
                .timeout(Duration.ofMinutes(1))
                .POST(HttpRequest.BodyPublishers.ofString(body));
        if (!key.isEmpty()) {
            request.header("Authorization", "Bearer " + key);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private static HttpResponse<String> get(String address, String path) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create("http://" + address + path)).build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
