package dev.assize.server.endpoint.envoy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.google.protobuf.ByteString;
import com.google.protobuf.ListValue;
import com.google.protobuf.NullValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.proto.envoy.v3.AuthorizationGrpc;
import dev.assize.proto.envoy.v3.CheckRequest;
import dev.assize.proto.envoy.v3.CheckResponse;
import dev.assize.proto.envoy.v3.HeaderValue;
import dev.assize.proto.envoy.v3.HeaderValueOption;
import dev.assize.proto.envoy.v3.HeaderValueOption.HeaderAppendAction;
import dev.assize.proto.envoy.v3.Metadata;
import dev.assize.server.decision.EvaluationFailedException;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.RecorderBusyException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.endpoint.grpc.GrpcFixture;
import dev.assize.server.model.AttributeValue;
import dev.assize.server.model.Limits;
import dev.assize.server.model.Reason;
import dev.assize.server.model.StoreUnavailableException;
import dev.assize.server.policy.DecisionLog;
import dev.assize.server.policy.Document.Obligation;
import dev.assize.server.prompt.Prompt;
import dev.assize.server.recording.RecordedDecision;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Envoy is answered, refusals first; with the messages that Envoy sends, and without Envoy. */
class AuthorizationServiceTest {

    private static final String MAPPING = """
            tenant: acme
            subjects:
              - jwt: {type: user, payload: token, issuer: "https://id.example.com"}
              - principal: {type: service, under: "spiffe://example.com/"}
              - header: {type: user, name: x-known-as}
            context:
              method: {request: method}
              host: {request: host}
              path: {request: path}
              country: {header: x-country}
              level: {claim: {payload: token, name: level, issuer: "https://id.example.com"}}
            headers: {remove: [x-user]}
            obligations: [log]
            routes:
              - {name: order, hosts: [shop.example.com], path: "/orders/{order}", actions: {GET: read, PUT: update}, resource: "order:{order}"}
              - {name: files, path: "/files/{file...}", actions: {GET: read}, resource: "file:{file}", environment: prod}
              - {name: elsewhere, path: /elsewhere, actions: {GET: read}, resource: thing, tenant: other}
              - {name: rest, path: "/{rest...}", actions: {GET: browse}, resource: "page:{rest}", context: {path: {request: path}}}
            """;

    private @Nullable GrpcFixture fixture;
    private String key = "";

    @BeforeEach
    void start(@TempDir Path directory) throws Exception {
        Mapping mapping = Mapping.read(Files.writeString(directory.resolve("mapping.yaml"), MAPPING));
        fixture = new GrpcFixture(directory, new EnvoyModule(mapping));
        key = fixture.admin;
    }

    @AfterEach
    void stop() {
        fixture().close();
    }

    @ParameterizedTest
    @CsvSource({
        "GET, shop.example.com, /orders/../1, 400, REQUEST_MALFORMED",
        "GET, shop.example.com, /orders/%2F, 400, REQUEST_MALFORMED",
        "GET, shop.example.com, '', 400, REQUEST_MALFORMED",
        "DELETE, shop.example.com, /orders/1, 403, ROUTE_UNMAPPED",
        "get, shop.example.com, /orders/1, 403, ROUTE_UNMAPPED",
        "PUT, other.example.com, /orders/1, 403, ROUTE_UNMAPPED",
        "PUT, shop.example.com.., /orders/1, 403, ROUTE_UNMAPPED",
        "PUT, '', /orders/1, 403, ROUTE_UNMAPPED",
        "GET, shop.example.com, /orders/%252F, 400, REQUEST_MALFORMED",
        "GET, shop.example.com, /orders/1/, 403, ROUTE_UNMAPPED",
        "GET, shop.example.com, /, 403, ROUTE_UNMAPPED"
    })
    void deniesWhatIsMalformedOrNotMapped(String method, String host, String path, int status, String reason) {
        CheckResponse answer = ask(request(method, host, path, AuthorizationServiceTest::alice));

        assertRefused(answer, status, reason);
    }

    @Test
    void deniesPathsThatComeToNoResource() {
        assertRefused(ask(get("/orders/" + "x".repeat(257))), 400, "REQUEST_MALFORMED");
        assertThat(ask(get("/orders/" + "x".repeat(256))).getStatus().getCode()).isZero();
    }

    @Test
    void deniesWhoeverNobodyVouchesFor() {
        CheckResponse nobody = ask(request("GET", "shop.example.com", "/orders/1", none -> {}));

        assertRefused(nobody, 401, "SUBJECT_MISSING");
        assertThat(nobody.getStatus().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED.value());
        assertThat(header(nobody, "www-authenticate")).isEqualTo("Bearer realm=\"assize\"");
        assertRefused(ask(order(at -> token(at, Map.of("sub", "alice")))), 401, "SUBJECT_MISSING");
        assertRefused(
                ask(order(at -> token(at, Map.of("sub", "alice", "iss", "https://evil.example.com")))),
                401,
                "SUBJECT_MISSING");
        assertRefused(
                ask(order(at -> token(at, Map.of("iss", "https://id.example.com"))
                        .getSourceBuilder()
                        .setPrincipal("spiffe://example.com/web"))),
                401,
                "SUBJECT_MISSING");
        for (String principal : List.of("spiffe://example.com.evil/web", "spiffe://example.com/")) {
            assertRefused(
                    ask(order(at -> at.setSource(
                                    AttributeContext.Peer.newBuilder().setPrincipal(principal))
                            .getRequestBuilder()
                            .getHttpBuilder()
                            .putHeaders("x-known-as", "alice"))),
                    401,
                    "SUBJECT_MISSING");
        }
        assertRefused(
                ask(order(at -> at.getSourceBuilder().setPrincipal("spiffe://example.com.evil/web"))),
                401,
                "SUBJECT_MISSING");
        assertRefused(
                ask(order(at -> at.getSourceBuilder().setPrincipal("spiffe://example.com/"))), 401, "SUBJECT_MISSING");
        assertRefused(
                ask(order(at -> at.getRequestBuilder().getHttpBuilder().putHeaders("x-user", "alice"))),
                401,
                "SUBJECT_MISSING");
    }

    @Test
    void deniesSubjectsThatAreMalformedOrSaidTwice() {
        assertRefused(
                ask(order(at -> token(at, Map.of("sub", "a\u0000b", "iss", "https://id.example.com")))),
                400,
                "REQUEST_MALFORMED");
        assertRefused(
                ask(order(at -> token(at, Map.of("sub", "x".repeat(257), "iss", "https://id.example.com")))),
                400,
                "REQUEST_MALFORMED");
        assertRefused(
                ask(order(at -> at.getRequestBuilder().getHttpBuilder().putHeaders("x-known-as", "alice,bob"))),
                400,
                "REQUEST_MALFORMED");
        assertRefused(
                ask(order(at -> at.getRequestBuilder()
                        .getHttpBuilder()
                        .getHeaderMapBuilder()
                        .addHeaders(raw("x-known-as", "alice"))
                        .addHeaders(raw("X-Known-As", "bob")))),
                400,
                "REQUEST_MALFORMED");
        assertRefused(
                ask(order(at -> at.getRequestBuilder()
                        .getHttpBuilder()
                        .getHeaderMapBuilder()
                        .addHeaders(HeaderValue.newBuilder()
                                .setKey("x-known-as")
                                .setRawValue(ByteString.copyFrom(new byte[] {'a', (byte) 0xFF}))))),
                400,
                "REQUEST_MALFORMED");
    }

    @Test
    void deniesWithinTheAnswerWhereEnvoyItselfMayNotAsk() {
        for (String wrong : List.of("", "asz_unknown_unknown")) {
            key = wrong;
            assertRefused(ask(get("/orders/1")), 403, "CALLER_REFUSED");
        }
        key = fixture().replay;
        assertRefused(ask(get("/orders/1")), 403, "CALLER_REFUSED");
        fixture().decisions.grant("service:replay", "check", "tenant:acme/policy");
        assertThat(ask(get("/orders/1")).getStatus().getCode()).isZero();
        assertRefused(ask(get("/elsewhere")), 403, "CALLER_REFUSED");
        key = fixture().key("service:replay", "acme", false, Set.of("default"), Set.of(), "acme");
        assertThat(ask(get("/orders/1")).getStatus().getCode()).isZero();
        assertRefused(ask(get("/files/1")), 403, "CALLER_REFUSED");
        key = fixture().key("service:replay", "acme", false, Set.of(), Set.of("DecisionService/CheckBatch"), "acme");
        assertRefused(ask(get("/orders/1")), 403, "CALLER_REFUSED");
    }

    @Test
    void deniesWhatItCannotReadOfAMessage() {
        byte[] notUtf8 = get("/orders/XX").toByteArray();
        for (int i = 0; i < notUtf8.length; i++) {
            notUtf8[i] = notUtf8[i] == 'X' ? (byte) 0xFF : notUtf8[i];
        }

        assertRefused(ask(notUtf8), 400, "REQUEST_MALFORMED");
        assertRefused(ask(new byte[] {1, 2, 3}), 400, "REQUEST_MALFORMED");
        assertRefused(ask(new byte[0]), 400, "REQUEST_MALFORMED");
        key = "";
        assertRefused(ask(notUtf8), 403, "CALLER_REFUSED");
    }

    @Test
    void deniesWhereTheConstantsOfEnvoysRouteMakeNoSense() {
        for (Map<String, String> extensions : List.of(
                Map.of("assize.resource", "order:1"),
                Map.of("assize.action", "read"),
                Map.of("assize.path", "/orders/{order}"),
                Map.of("assize.resource", "order:{order}", "assize.action", "read"),
                Map.of("assize.resource", "order:{a}{b}", "assize.action", "read"),
                Map.of("assize.resource", "order:1", "assize.action", "1"),
                Map.of("assize.subject", "user:root"),
                Map.of("assize.tenant", "a b"))) {
            assertRefused(ask(order(at -> alice(at).putAllContextExtensions(extensions))), 500, "ROUTE_MISCONFIGURED");
        }
        assertRefused(
                ask(order(at -> alice(at)
                        .putAllContextExtensions(Map.of(
                                "assize.path", "/carts/{cart}",
                                "assize.resource", "cart:{cart}",
                                "assize.action", "read")))),
                403,
                "ROUTE_UNMAPPED");
    }

    @Test
    void deniesWhereThisServerIsWrongAndFailsWhereItsSurroundingsAre() {
        fixture().decisions.answer(query -> {
            throw new EvaluationFailedException(new IllegalStateException("a bug"));
        });
        assertRefused(ask(get("/orders/1")), 500, "INTERNAL_ERROR");
        fixture().decisions.answer(query -> {
            throw new StackOverflowError();
        });
        assertRefused(ask(get("/orders/1")), 500, "INTERNAL_ERROR");
        fixture().decisions.answer(query -> {
            throw new PolicyStaleException(Duration.ofSeconds(70), Duration.ofSeconds(60));
        });
        assertFails("POLICY_STALE");
        fixture().decisions.answer(query -> {
            throw new StoreUnavailableException("away", new IllegalStateException());
        });
        assertFails("STORE_UNAVAILABLE");
        assertThat(counted("internal_error")).isEqualTo(2);
        assertThat(counted("failed")).isEqualTo(2);
    }

    /** By a flood of requests of one client, undecided requests of all would else pass where Envoy is open to failures. */
    @Test
    void deniesWhereDecisionsCannotGoOnRecordFastEnough() {
        fixture().decisions.answer(query -> {
            throw new RecorderBusyException("full", Duration.ofSeconds(1));
        });

        CheckResponse answer = ask(get("/orders/1"));

        assertRefused(answer, 503, "SERVER_BUSY");
        assertThat(answer.getDeniedResponse().getBody()).isEqualTo("{\"error\":\"unavailable\"}");
        assertThat(metadata(answer, "detail")).startsWith("DECISION_LOG_BUSY: ");
        assertThat(counted("server_busy")).isEqualTo(1);
    }

    @Test
    void deniesAndTellsTheClientNothingButTheDecisionsId() {
        fixture().decisions.answer(query -> Reason.EXPLICIT_DENY);
        CheckResponse answer = ask(get("/orders/1"));

        assertThat(answer.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED.value());
        assertThat(answer.getDeniedResponse().getStatus().getCode()).isEqualTo(403);
        String id = metadata(answer, "decision_id");
        assertThat(id).hasSize(32);
        assertThat(answer.getDeniedResponse().getBody())
                .isEqualTo("{\"error\":\"forbidden\",\"decision_id\":\"" + id + "\"}");
        assertThat(metadata(answer, "reason")).isEqualTo("EXPLICIT_DENY");
        assertThat(counted("denied")).isEqualTo(1);
    }

    @Test
    void deniesAnAllowWithADutyThatNobodyKnows() {
        obligation("watermark");
        CheckResponse answer = ask(get("/orders/1"));
        assertThat(answer.getDeniedResponse().getStatus().getCode()).isEqualTo(403);
        assertThat(metadata(answer, "reason")).isEqualTo("OBLIGATION_UNKNOWN");

        obligation("log");
        CheckResponse known = ask(get("/orders/1"));
        assertThat(known.getStatus().getCode()).isZero();
        Struct told = known.getDynamicMetadata()
                .getFieldsOrThrow("obligations")
                .getListValue()
                .getValues(0)
                .getStructValue();
        assertThat(told.getFieldsOrThrow("type").getStringValue()).isEqualTo("log");
        assertThat(told.getFieldsOrThrow("properties")
                        .getStructValue()
                        .getFieldsOrThrow("level")
                        .getStringValue())
                .isEqualTo("info");
    }

    @Test
    void neverTakesAnAnswerAboutThePastForAnAllow() {
        fixture().decisions.finish(Answer::historical);

        assertThat(ask(get("/orders/1")).getDeniedResponse().getStatus().getCode())
                .isEqualTo(403);
    }

    @Test
    void overwritesWhatTheClientSaidAndRemovesWhatLooksLikeIt() {
        CheckResponse answer = ask(order(at -> alice(at)
                .getRequestBuilder()
                .getHttpBuilder()
                .putHeaders("x-assize-subject", "user:root")
                .putHeaders("x_assize_subject", "user:root")
                .putHeaders("x-assize_decision-id", "1")
                .putHeaders("x_user", "root")
                .putHeaders("accept", "*/*")));

        assertThat(answer.getOkResponse().getHeadersList())
                .extracting(
                        option -> option.getHeader().getKey(),
                        option -> option.getHeader().getValue(),
                        HeaderValueOption::getAppendAction)
                .containsExactly(
                        tuple("x-assize-subject", "user:alice", HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD),
                        tuple(
                                "x-assize-decision-id",
                                metadata(answer, "decision_id"),
                                HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD));
        assertThat(answer.getOkResponse().getHeadersToRemoveList())
                .containsExactly("x-assize_decision-id", "x-user", "x_assize_subject", "x_user");
        assertThat(counted("allowed")).isEqualTo(1);
    }

    @Test
    void writesSubjectsSoThatEveryHeaderCanCarryThem() {
        CheckResponse answer = ask(order(at -> token(at, Map.of("sub", "józef a%b", "iss", "https://id.example.com"))));

        assertThat(answer.getOkResponse().getHeaders(0).getHeader().getValue()).isEqualTo("user:j%C3%B3zef%20a%25b");
    }

    @Test
    void asksWhatTheRouteSays() {
        ask(get("/files/a/b%25c?x=/../y"));
        assertQuery("file:a%2Fb%25c", "read", "acme", "prod");

        for (String host : List.of("Shop.Example.COM:8443", "shop.example.com.", "shop.example.com.:80")) {
            ask(request("PUT", host, "/orders/17", AuthorizationServiceTest::alice));
            assertQuery("order:17", "update", "acme", "default");
            // Not the wider route behind it.
            ask(request("GET", host, "/orders/18", AuthorizationServiceTest::alice));
            assertQuery("order:18", "read", "acme", "default");
        }

        ask(order(at ->
                alice(at).putContextExtensions("assize.environment", "test").putContextExtensions("x", "y")));
        assertQuery("order:1", "read", "acme", "test");

        ask(order(at -> alice(at)
                .putAllContextExtensions(Map.of(
                        "assize.path", "/orders/{nr}",
                        "assize.resource", "cart:{nr}",
                        "assize.action", "archive",
                        "assize.environment", "prod"))));
        assertQuery("cart:1", "archive", "acme", "prod");
    }

    @Test
    void takesTheSubjectFromTheFirstSourceThatSaysOne() {
        ask(order(at -> alice(at).getSourceBuilder().setPrincipal("spiffe://example.com/web")));
        assertThat(query().subject()).hasToString("user:alice");

        ask(order(at -> at.getSourceBuilder().setPrincipal("spiffe://example.com/ns/web")));
        assertThat(query().subject()).hasToString("service:ns/web");

        ask(order(at -> at.getRequestBuilder().getHttpBuilder().putHeaders("x-known-as", "bob")));
        assertThat(query().subject()).hasToString("user:bob");

        ask(order(at ->
                at.getRequestBuilder().getHttpBuilder().getHeaderMapBuilder().addHeaders(raw("x-known-as", "carol"))));
        assertThat(query().subject()).hasToString("user:carol");
        assertThat(query().subjectTenant()).isEqualTo(GrpcFixture.ACME);
    }

    @Test
    void refusesContextThatIsSaidTwiceOrTooLargeOrOfAnotherIssuer() {
        assertRefused(
                ask(order(at -> alice(at).getRequestBuilder().getHttpBuilder().putHeaders("x-country", "CH,US"))),
                400,
                "REQUEST_MALFORMED");
        String longest = "x".repeat(Limits.ATTRIBUTE_BYTES);
        assertThat(ask(order(at ->
                                alice(at).getRequestBuilder().getHttpBuilder().putHeaders("x-country", longest)))
                        .getStatus()
                        .getCode())
                .isZero();
        assertRefused(
                ask(order(at -> alice(at).getRequestBuilder().getHttpBuilder().putHeaders("x-country", longest + "x"))),
                400,
                "REQUEST_MALFORMED");
        assertRefused(
                ask(order(at -> claims(at, Struct.newBuilder().putFields("iss", text("https://evil.example.com"))))),
                401,
                "SUBJECT_MISSING");
        for (Value wrong : List.of(
                Value.newBuilder().setNumberValue(Double.NaN).build(),
                nested(Limits.ATTRIBUTE_DEPTH + 1),
                text(longest + "x"))) {
            assertRefused(ask(order(at -> level(at, wrong))), 400, "REQUEST_MALFORMED");
        }
        assertThat(ask(order(at -> level(at, nested(Limits.ATTRIBUTE_DEPTH))))
                        .getStatus()
                        .getCode())
                .isZero();
    }

    @Test
    void hasConditionsReadWhatTheMappingSays() {
        ask(request(
                "GET",
                "Shop.example.com.:80",
                "/orders/%31?x=y",
                at -> alice(at)
                        .getRequestBuilder()
                        .getHttpBuilder()
                        .putHeaders("x-country", "CH")
                        .putHeaders("x-else", "x")));
        assertThat(query().context())
                .isEqualTo(Map.of(
                        "method", new AttributeValue.Text("GET"),
                        "host", new AttributeValue.Text("shop.example.com"),
                        "path", new AttributeValue.Text("/orders/1"),
                        "country", new AttributeValue.Text("CH")));
        assertThat(query().subjectAttributes()).isEmpty();

        ask(request("GET", "x", "/a/b/c", AuthorizationServiceTest::alice));
        assertThat(query().context()).isEqualTo(Map.of("path", new AttributeValue.Text("/a/b/c")));
    }

    @Test
    void readsClaimsAsTheyAreTyped() {
        Map<Value, AttributeValue> values = Map.of(
                text("high"),
                new AttributeValue.Text("high"),
                Value.newBuilder().setBoolValue(true).build(),
                new AttributeValue.Truth(true),
                Value.newBuilder().setNumberValue(1_770_000_000).build(),
                new AttributeValue.Whole(1_770_000_000),
                Value.newBuilder().setNumberValue(0.5).build(),
                new AttributeValue.Fraction(0.5),
                Value.newBuilder().setNumberValue(1e300).build(),
                new AttributeValue.Fraction(1e300),
                nested(1),
                new AttributeValue.Many(List.of(new AttributeValue.Text("x"))),
                Value.newBuilder()
                        .setStructValue(Struct.newBuilder()
                                .putFields("a", text("b"))
                                .putFields(
                                        "none",
                                        Value.newBuilder()
                                                .setNullValue(NullValue.NULL_VALUE)
                                                .build()))
                        .build(),
                new AttributeValue.Fields(new TreeMap<>(Map.of("a", new AttributeValue.Text("b")))));
        values.forEach((claim, read) -> {
            ask(order(at -> level(at, claim)));
            assertThat(query().context()).containsEntry("level", read);
        });
        ask(order(at ->
                level(at, Value.newBuilder().setNullValue(NullValue.NULL_VALUE).build())));
        assertThat(query().context()).doesNotContainKey("level");
    }

    @Test
    void putsItsDecisionsOnRecordAsEnvoys() {
        fixture().decisions.decisionLog(new DecisionLog(DecisionLog.Mode.ALL, DecisionLog.Acknowledge.BEFORE));
        key = fixture().key("service:gateway", "acme", false, "acme");
        fixture().decisions.grant("service:gateway", "check", "tenant:acme/policy");

        String id = metadata(ask(get("/orders/1")), "decision_id");
        ask(request("PUT", "x", "/nowhere", AuthorizationServiceTest::alice));

        assertThat(recorded()).containsExactly(id + " service:gateway");
    }

    @Test
    void answersPromptlyAndAnewWithTimeWhereItHasToWait() {
        ask(get("/orders/1"));
        List<Boolean> prompt = new CopyOnWriteArrayList<>();
        fixture().decisions.answer(query -> {
            prompt.add(Prompt.isRequired());
            return Reason.ALLOWED;
        });
        ask(get("/orders/1"));
        assertThat(prompt).containsExactly(true);

        prompt.clear();
        ask(order(at -> alice(at)
                .getRequestBuilder()
                .getHttpBuilder()
                .putHeaders("cookie", "x".repeat(Limits.PROMPT_MESSAGE_BYTES))));
        assertThat(prompt).containsExactly(false);

        prompt.clear();
        fixture().decisions.answer(query -> {
            prompt.add(Prompt.isRequired());
            Prompt.requireTime();
            return Reason.ALLOWED;
        });
        assertThat(ask(get("/orders/1")).getStatus().getCode()).isZero();
        assertThat(prompt).containsExactly(true, false);
        assertThat(counted("allowed")).isEqualTo(4);
    }

    @Test
    void saysInHealthThatItServes() {
        assertThat(HealthGrpc.newBlockingStub(fixture().channel)
                        .check(HealthCheckRequest.newBuilder()
                                .setService("envoy.service.auth.v3.Authorization")
                                .build())
                        .getStatus())
                .isEqualTo(ServingStatus.SERVING);
    }

    private List<String> recorded() {
        return fixture().records.packs(GrpcFixture.ACME).values().stream()
                .flatMap(List::stream)
                .map(record -> RecordedDecision.of(0, 0, record).content())
                .map(record -> record.decisionId() + " " + record.caller())
                .toList();
    }

    private GrpcFixture fixture() {
        return Objects.requireNonNull(fixture);
    }

    private CheckQuery query() {
        return fixture().decisions.lastQuery();
    }

    private void assertQuery(String resource, String action, String tenant, String env) {
        assertThat(query().resource()).hasToString(resource);
        assertThat(query().action()).hasToString(action);
        assertThat(query().tenant()).hasToString(tenant);
        assertThat(query().env()).hasToString(env);
    }

    private void obligation(String type) {
        fixture()
                .decisions
                .finish(answer -> new Answer(
                        answer.reason(),
                        answer.decidedBy(),
                        answer.revision(),
                        answer.platformRevision(),
                        answer.validUntil(),
                        List.of(new Obligation("one", type, new TreeMap<>(Map.of("level", "info"))))));
    }

    private void assertFails(String reason) {
        assertThatThrownBy(() -> ask(get("/orders/1")))
                .isInstanceOfSatisfying(StatusRuntimeException.class, failure -> {
                    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
                    assertThat(failure.getStatus().getDescription()).startsWith(reason);
                });
    }

    private double counted(String outcome) {
        return fixture()
                .meters
                .get("assize.envoy.answers")
                .tag("outcome", outcome)
                .counter()
                .count();
    }

    private static void assertRefused(CheckResponse answer, int status, String reason) {
        assertThat(metadata(answer, "reason")).as(answer.toString()).isEqualTo(reason);
        assertThat(answer.getStatus().getCode()).isNotZero();
        assertThat(answer.getDeniedResponse().getStatus().getCode()).isEqualTo(status);
        assertThat(answer.getDeniedResponse().getHeadersList())
                .allMatch(option -> option.getAppendAction() == HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD);
        assertThat(answer.getDynamicMetadata().containsFields("decision_id")).isFalse();
    }

    private static String header(CheckResponse answer, String name) {
        return answer.getDeniedResponse().getHeadersList().stream()
                .map(HeaderValueOption::getHeader)
                .filter(header -> header.getKey().equals(name))
                .map(HeaderValue::getValue)
                .findFirst()
                .orElse("");
    }

    private static String metadata(CheckResponse answer, String name) {
        return answer.getDynamicMetadata()
                .getFieldsOrDefault(name, Value.getDefaultInstance())
                .getStringValue();
    }

    private CheckResponse ask(CheckRequest request) {
        return ask(request.toByteArray());
    }

    private CheckResponse ask(byte[] message) {
        MethodDescriptor<byte[], CheckResponse> raw = AuthorizationGrpc.getCheckMethod().toBuilder(
                        new RawBytes(), AuthorizationGrpc.getCheckMethod().getResponseMarshaller())
                .build();
        io.grpc.Metadata headers = new io.grpc.Metadata();
        if (!key.isEmpty()) {
            headers.put(
                    io.grpc.Metadata.Key.of("authorization", io.grpc.Metadata.ASCII_STRING_MARSHALLER),
                    "Bearer " + key);
        }
        return ClientCalls.blockingUnaryCall(
                ClientInterceptors.intercept(fixture().channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
                raw,
                CallOptions.DEFAULT,
                message);
    }

    private static CheckRequest get(String path) {
        return request("GET", "shop.example.com", path, AuthorizationServiceTest::alice);
    }

    private static CheckRequest order(Consumer<AttributeContext.Builder> more) {
        return request("GET", "shop.example.com", "/orders/1", more);
    }

    private static CheckRequest request(
            String method, String host, String path, Consumer<AttributeContext.Builder> more) {
        AttributeContext.Builder attributes = AttributeContext.newBuilder();
        attributes
                .getRequestBuilder()
                .getHttpBuilder()
                .setMethod(method)
                .setHost(host)
                .setPath(path);
        more.accept(attributes);
        return CheckRequest.newBuilder().setAttributes(attributes).build();
    }

    private static AttributeContext.Builder alice(AttributeContext.Builder attributes) {
        return token(attributes, Map.of("sub", "alice", "iss", "https://id.example.com"));
    }

    /** As `jwt_authn` leaves it. */
    private static AttributeContext.Builder token(AttributeContext.Builder attributes, Map<String, String> claims) {
        Struct.Builder payload = Struct.newBuilder();
        claims.forEach((name, value) -> payload.putFields(name, text(value)));
        return claims(attributes, payload);
    }

    /** Alice's token with one more claim. */
    private static AttributeContext.Builder level(AttributeContext.Builder attributes, Value level) {
        return claims(
                attributes,
                Struct.newBuilder()
                        .putFields("sub", text("alice"))
                        .putFields("iss", text("https://id.example.com"))
                        .putFields("level", level));
    }

    /** Lists in one another, the innermost with a text. */
    private static Value nested(int depth) {
        return depth == 0
                ? text("x")
                : Value.newBuilder()
                        .setListValue(ListValue.newBuilder().addValues(nested(depth - 1)))
                        .build();
    }

    private static Value text(String value) {
        return Value.newBuilder().setStringValue(value).build();
    }

    private static AttributeContext.Builder claims(AttributeContext.Builder attributes, Struct.Builder payload) {
        return attributes.setMetadataContext(Metadata.newBuilder()
                .putFilterMetadata(
                        "envoy.filters.http.jwt_authn",
                        Struct.newBuilder()
                                .putFields(
                                        "token",
                                        Value.newBuilder()
                                                .setStructValue(payload)
                                                .build())
                                .build()));
    }

    private static HeaderValue raw(String name, String value) {
        return HeaderValue.newBuilder()
                .setKey(name)
                .setRawValue(ByteString.copyFrom(value, StandardCharsets.UTF_8))
                .build();
    }
}
