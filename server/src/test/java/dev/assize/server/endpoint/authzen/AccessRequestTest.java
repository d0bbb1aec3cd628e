package dev.assize.server.endpoint.authzen;

import static dev.assize.server.endpoint.authzen.AuthzenDoor.BASE;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.server.administration.Approvals;
import dev.assize.server.administration.Approvals.Party;
import dev.assize.server.administration.Approvals.Ruling;
import dev.assize.server.authentication.ApiKeys;
import dev.assize.server.authentication.Caller;
import dev.assize.server.authentication.Pepper;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.endpoint.call.CallContext;
import dev.assize.server.endpoint.grpc.GrpcFixture;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Reason;
import dev.assize.server.model.Recorder;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.testing.FakeApprovalPolicy;
import io.grpc.Context;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What lacks an approval is asked for over HTTP, and by nobody who was not denied it. */
@Timeout(60)
class AccessRequestTest {

    private static final String URN = "urn:openid:authzen:access-request:error:";
    private static final String PAY = """
        {"subject":{"type":"agent","id":"payments","properties":{"level":1,"act":{"sub":"x"}}},"action":{"name":"pay"},
         "resource":{"type":"invoice","id":"7"},
         "context":{"environment":"prod","ip":"10.0.0.1","assize":{"subject_tenant":"acme"}}}\
        """;
    private static final TenantId ACME = GrpcFixture.ACME;

    private final AuthzenDoor door;
    private final GrpcFixture fixture;

    AccessRequestTest(@TempDir Path directory) throws IOException {
        door = new AuthzenDoor(directory, LocalFinder.Patience.DEFAULT, true);
        fixture = door.fixture;
        fixture.decisions.answer(query -> Reason.APPROVAL_REQUIRED);
        fixture.approvalPolicy
                .with(FakeApprovalPolicy.rule("payments", "pay", 1, false))
                .holds("user:carol", "acme", "approver")
                .holds("user:admin", "assize", "approver");
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void isNotThereUnlessSomebodyWantsIt(@TempDir Path directory) throws Exception {
        try (AuthzenDoor plain = new AuthzenDoor(directory)) {
            plain.fixture.decisions.answer(query -> Reason.APPROVAL_REQUIRED);
            assertThat(plain.post(BASE + "requests", PAY).statusCode()).isEqualTo(404);
            assertThat(plain.get(BASE + "requests/1").statusCode()).isEqualTo(404);
            assertThat(plain.ok("evaluation", PAY).path("context").size()).isEqualTo(2);
            assertThat(plain.get("/.well-known/authzen-configuration").body())
                    .doesNotContain("request", "capabilities");
            plain.ok("evaluation", PAY.replace("\"ip\"", "\"approval\":{\"id\":\"x\"},\"ip\""));
            assertThat(plain.fixture.decisions.lastQuery().context()).containsOnlyKeys("approval", "ip");
        }
    }

    @Test
    void aDenialForWantOfAnApprovalSaysHowToAskForIt() throws Exception {
        JsonNode context = door.ok("evaluation", PAY).path("context");
        assertThat(context.path("evaluation_id")).isEqualTo(context.path("decision_id"));
        assertThat(context.path("evaluated_at").textValue()).isEqualTo("2026-03-01T12:00:00Z");
        assertThat(context.at("/access_request/endpoint").textValue())
                .isEqualTo("https://pdp.example.com/acme/access/v1/requests");
        assertThat(context.at("/access_request/expires_at").textValue()).isEqualTo("2026-03-01T12:10:00Z");
        assertThat(context.has("next_action")).isFalse();
        assertThat(door.ok("evaluations", PAY.replaceFirst("\\{", "{\"evaluations\":[{}],"))
                        .at("/evaluations/0/context/access_request")
                        .isObject())
                .isTrue();

        for (Reason other : List.of(Reason.ALLOWED, Reason.NO_GRANT, Reason.FROZEN, Reason.DELEGATOR_DENIED)) {
            fixture.decisions.answer(query -> other);
            assertThat(door.ok("evaluation", PAY).path("context").has("access_request"))
                    .as(other.name())
                    .isFalse();
        }
        fixture.decisions.answer(query -> Reason.APPROVAL_REQUIRED);
        fixture.decisions.grant("service:replay", "check", "tenant:acme/policy");
        door.key = fixture.replay;
        assertThat(door.ok("evaluation", PAY).path("context").has("access_request"))
                .isFalse();
        fixture.decisions.grant("service:replay", "request", "tenant:acme/approval");
        assertThat(door.ok("evaluation", PAY).path("context").has("access_request"))
                .isTrue();
        door.key = fixture.key("service:replay", "acme", false, Set.of(), Set.of("DecisionService/Check"), "acme");
        assertThat(door.ok("evaluation", PAY).path("context").has("access_request"))
                .isFalse();
    }

    @Test
    void saysSoInItsMetadata() throws Exception {
        JsonNode metadata =
                door.read(door.get("/.well-known/authzen-configuration/acme").body());
        assertThat(metadata.path("access_request_endpoint").textValue())
                .isEqualTo("https://pdp.example.com/acme/access/v1/requests");
        assertThat(metadata.path("capabilities").toString())
                .isEqualTo("[\"urn:openid:authzen:capability:access-request\"]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"payments\"|\"orders\"",
                "\"level\":1|\"level\":2",
                "\"pay\"|\"paying\"",
                "\"id\":\"7\"|\"id\":\"8\"",
                "\"prod\"|\"test\"",
                "\"subject_tenant\":\"acme\"|\"subject_tenant\":\"other\"",
                "\"denial\":{|\"denied\":{",
                "\"denial\":{|\"denial\":7,\"x\":{",
                "\"binding_token\":\"|\"binding_token\":\"AAAA",
                "\"binding_token\":\"|\"token\":\"",
                "12:10:00Z|12:11:00Z",
                "12:10:00Z|soon",
                "\"expires_at\"|\"expires\"",
                "\"evaluation_id\":\"|\"evaluation_id\":\"0"
            })
    void refusesWhatIsNotOfTheDenial(String from, String to) throws Exception {
        String body = submission(PAY).toString();
        assertThat(body).contains(from);

        problem(submit(body.replace(from, to), ""), 400, "invalid_denial_binding");
    }

    @Test
    void refusesTheDenialOfAnotherCallerOrTenant() throws Exception {
        String body = submission(PAY).toString();
        fixture.decisions.addTenant("other");
        problem(door.post("/other/access/v1/requests", body), 400, "invalid_denial_binding");
        fixture.decisions.grant("service:replay", "request", "tenant:acme/approval");
        door.key = fixture.replay;
        problem(submit(body, ""), 400, "invalid_denial_binding");
    }

    @Test
    void refusesADenialThatIsTooOld() throws Exception {
        Caller caller = fixture.injector
                .getInstance(ApiKeys.class)
                .authenticate(fixture.admin)
                .orElseThrow();
        Denials denials = new Denials(fixture.injector.getInstance(Pepper.class), fixture.clock);
        Instant now = fixture.clock.instant();
        for (Instant end : List.of(now, now.plusSeconds(1))) {
            ObjectNode body = (ObjectNode) door.read(PAY);
            Context call = new CallContext(caller, "DecisionService/Check", null).attachedTo(Context.current());
            Callable<String> tokens = call.wrap(() -> denials.token(body, ACME, "1", end));
            String token = tokens.call();
            body.putObject("denial").put("binding_token", token).put("expires_at", end.toString());
            if (end.equals(now)) {
                problem(submit(body.toString(), ""), 410, "expired_denial");
            } else {
                assertThat(submit(body.toString(), "").statusCode()).isEqualTo(202);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "items|[]",
                "callback|{\"endpoint\":\"https://pep.example.com\"}",
                "requested_access|{\"requested_until\":\"2026-03-01T13:00:00Z\"}",
                "client|{\"actor\":{\"id\":\"user:eve\"}}",
                "client|{\"actor\":{}}",
                "client|{\"actor\":{\"id\":\"user:admin\",\"act\":{\"sub\":\"x\"}}}",
                "client|7",
                "subject|\"agent:payments\"",
                "action|null"
            })
    void refusesWhatItDoesNotDo(String member, String value) throws Exception {
        ObjectNode body = submission(PAY);
        body.set(member, door.read(value));

        HttpResponse<String> answer = submit(body.toString(), "");
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(door.read(answer.body()).path("type").textValue()).isEqualTo("about:blank");
        assertThat(door.read(answer.body()).path("detail").textValue()).contains(member);
    }

    @Test
    void everyErrorIsAProblem() throws Exception {
        String body = submission(PAY).toString();
        assertThat(List.of(
                        submit("{", ""),
                        submit("{\"x\":\"" + "x".repeat(Limits.REQUEST_BYTES) + "\"}", ""),
                        submit(body, "x".repeat(Limits.IDEMPOTENCY_KEY_BYTES + 1)),
                        door.get(BASE + "requests"),
                        door.post(BASE + "requests/1", "{}"),
                        door.get(BASE + "requests/1")))
                .allSatisfy(answer -> {
                    assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
                    assertThat(door.read(answer.body()).path("status").intValue())
                            .isEqualTo(answer.statusCode());
                })
                .extracting(HttpResponse::statusCode)
                .containsExactly(400, 413, 400, 405, 405, 404);
        door.key = "";
        HttpResponse<String> nobody = submit(body, "");
        assertThat(nobody.statusCode()).isEqualTo(401);
        assertThat(nobody.headers().firstValue("WWW-Authenticate")).isPresent();
        assertThat(nobody.headers().firstValue("Content-Type")).contains("application/problem+json");
        fixture.approvalPolicy.removeRule("payments");
        door.key = fixture.admin;
        problem(submit(body, ""), 400, "not_requestable");
    }

    @Test
    void asksInTheCallersNameForTheSubjectThatWasDenied() throws Exception {
        ObjectNode body = submission(PAY);
        ((ObjectNode) body.path("context"))
                .put("business_justification", "quarter end")
                .put("ip", "10.0.0.2");
        ((ObjectNode) body.at("/subject/properties")).remove("act");
        body.putObject("client").putObject("actor").put("id", "user:admin");
        HttpResponse<String> answer = submit(body.toString(), "k");

        assertThat(answer.statusCode()).isEqualTo(202);
        JsonNode task = door.read(answer.body()).path("task");
        assertThat(task.path("status").textValue()).isEqualTo("pending");
        assertThat(task.path("status_endpoint").textValue())
                .isEqualTo("https://pdp.example.com/acme/access/v1/requests/"
                        + task.path("id").textValue());
        assertThat(answer.headers().firstValue("Location"))
                .contains(task.path("status_endpoint").textValue());
        var filed = approvals()
                .find(ACME, task.path("id").textValue())
                .orElseThrow()
                .approval();
        ApprovalRequest request = filed.request();
        assertThat(filed.reason()).isEqualTo("quarter end");
        assertThat(request.requester()).isEqualTo(Subject.parse("user:admin"));
        assertThat(request.requesterHome()).isEqualTo(TenantId.ASSIZE);
        assertThat(request.subject()).isEqualTo(Subject.parse("agent:payments"));
        assertThat(request.resource().value()).isEqualTo("invoice:7");
        assertThat(request.env().value()).isEqualTo("prod");
    }

    @Test
    void ofOneDenialOrOneKeyThereIsOneRequest() throws Exception {
        ObjectNode body = submission(PAY);
        String id = id(submit(body.toString(), ""));
        assertThat(id(submit(body.toString(), ""))).isEqualTo(id);
        String own = id(submit(body.toString(), "own"));
        assertThat(own).isNotEqualTo(id);
        assertThat(id(submit(submission(PAY).toString(), "own"))).isEqualTo(own);
        problem(submit(submission(PAY.replace("\"7\"", "\"8\"")).toString(), "own"), 409, "duplicate_request");
        ((ObjectNode) body.path("context")).put("business_justification", "another");
        problem(submit(body.toString(), ""), 409, "duplicate_request");
    }

    @Test
    void theTaskTellsWhatOthersSaid() throws Exception {
        String task = BASE + "requests/" + id(submit(submission(PAY).toString(), "k"));
        String id = task.substring(task.lastIndexOf('/') + 1);
        assertThat(door.read(door.get(task).body()).at("/task/status").textValue())
                .isEqualTo("pending");
        // Whoever asked does not approve, though it holds the role.
        resolve(id, new Party(Subject.parse("user:admin"), TenantId.ASSIZE), true);
        assertThat(door.read(door.get(task).body()).at("/task/status").textValue())
                .isEqualTo("pending");
        resolve(id, new Party(Subject.parse("user:carol"), ACME), true);
        JsonNode approved = door.read(door.get(task).body());
        assertThat(approved.at("/task/status").textValue()).isEqualTo("approved");
        assertThat(approved.path("result").toString())
                .isEqualTo("{\"mode\":\"reevaluate\",\"approval\":{\"id\":\"" + id
                        + "\",\"approved_at\":\"2026-03-01T12:00:00Z\",\"approved_until\":\"2026-03-01T12:15:00Z\"}}");
        assertThat(submit(submission(PAY).toString(), "k").statusCode()).isEqualTo(201);

        String denied = id(submit(submission(PAY).toString(), "l"));
        resolve(denied, new Party(Subject.parse("user:carol"), ACME), false);
        JsonNode no = door.read(door.get(BASE + "requests/" + denied).body());
        assertThat(no.at("/task/status").textValue()).isEqualTo("denied");
        assertThat(no.has("result")).isFalse();
    }

    @Test
    void onlyWhoMayAskForApprovalsAsksAndWhoMayReadThemReadsTasks() throws Exception {
        String task = BASE + "requests/" + id(submit(submission(PAY).toString(), "k"));
        problem(door.get(task.replaceAll(".$", "x")), 404, "unknown_task");
        problem(door.get(BASE + "requests/" + "x".repeat(1_000)), 404, "unknown_task");
        door.key = fixture.replay;
        assertThat(submit("{}", "").statusCode()).isEqualTo(403);
        assertThat(door.get(task).statusCode()).isEqualTo(403);
        fixture.decisions.grant("service:replay", "read", "tenant:acme/approval");
        assertThat(door.get(task).statusCode()).isEqualTo(200);
        door.key = fixture.key("service:replay", "acme", false, Set.of("test"), Set.of(), "acme");
        problem(door.get(task), 404, "unknown_task");
    }

    @Test
    void anApprovalThatComesBackDecidesNothingAndIsNoAttribute() throws Exception {
        String returning =
                PAY.replace("\"ip\"", "\"approval\":{\"id\":\"x\",\"approved_until\":\"2027-01-01T00:00:00Z\"},\"ip\"");
        JsonNode again = door.ok("evaluation", returning);
        assertThat(again.path("decision").booleanValue()).isFalse();
        assertThat(again.at("/context/next_action").textValue()).isEqualTo("request");
        assertThat(again.at("/context/access_request/binding_token").textValue())
                .isNotEmpty();
        assertThat(fixture.decisions.lastQuery().context()).containsOnlyKeys("ip");
        fixture.decisions.answer(query -> Reason.NO_GRANT);
        JsonNode over = door.ok("evaluations", returning.replaceFirst("\\{", "{\"evaluations\":[{},{}],"));
        assertThat(over.at("/evaluations/1/context/next_action").textValue()).isEqualTo("none");
        fixture.decisions.answer(query -> Reason.ALLOWED);
        assertThat(door.ok("evaluation", returning).toString())
                .startsWith("{\"decision\":true")
                .doesNotContain("next");
        assertThat(door.post(BASE + "evaluation", PAY.replace("\"ip\"", "\"approval\":7,\"ip\""))
                        .statusCode())
                .isEqualTo(400);
    }

    /** The question that was denied, with its denial, as an enforcement point hands them in. */
    private ObjectNode submission(String question) throws Exception {
        JsonNode context = door.ok("evaluation", question).path("context");
        ObjectNode body = (ObjectNode) door.read(question);
        body.putObject("denial")
                .put("evaluation_id", context.path("evaluation_id").textValue())
                .put("expires_at", context.at("/access_request/expires_at").textValue())
                .put(
                        "binding_token",
                        context.at("/access_request/binding_token").textValue());
        return body;
    }

    private HttpResponse<String> submit(String body, String idempotencyKey) throws Exception {
        HttpRequest.Builder request = door.request(BASE + "requests").POST(HttpRequest.BodyPublishers.ofString(body));
        return door.send(idempotencyKey.isEmpty() ? request : request.header("Idempotency-Key", idempotencyKey));
    }

    private String id(HttpResponse<String> answer) throws Exception {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        return door.read(answer.body()).at("/task/id").textValue();
    }

    private void problem(HttpResponse<String> answer, int status, String type) throws Exception {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        JsonNode body = door.read(answer.body());
        assertThat(body.path("type").textValue()).isEqualTo(URN + type);
        assertThat(body.path("status").intValue()).isEqualTo(status);
        assertThat(body.path("detail").textValue()).isNotBlank();
    }

    private Approvals approvals() {
        return fixture.injector.getInstance(Approvals.class);
    }

    private void resolve(String id, Party approver, boolean approves) {
        approvals().resolve(ACME, id, approver, new Ruling(approves, null, null), Recorder.ASSIZE);
    }
}
