package dev.assize.server.app;

import static dev.assize.server.app.CentreFixture.with;
import static dev.assize.server.app.ServedSidecar.question;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.assize.proto.envoy.v3.AttributeContext;
import dev.assize.proto.envoy.v3.AuthorizationGrpc;
import dev.assize.proto.envoy.v3.CheckRequest;
import dev.assize.proto.envoy.v3.CheckResponse;
import dev.assize.proto.v1.AppendAuditRequest;
import dev.assize.proto.v1.AuditEvent;
import dev.assize.proto.v1.DecisionServiceGrpc;
import dev.assize.proto.v1.LedgerServiceGrpc;
import dev.assize.proto.v1.Outcome;
import dev.assize.proto.v1.QueryDecisionsRequest;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.RecordedDecision;
import dev.assize.server.endpoint.envoy.MappingException;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Envoy's messages at a sidecar: what needs the centre is asked there, and what is not answered there is no allow. */
@Timeout(240)
class SidecarEnvoyTest {

    private static final String MAPPING = """
            tenant: acme
            subjects: [{header: {type: user, name: x-user}}]
            obligations: [log]
            routes:
              - {name: vault, path: "/vaults/{vault}", actions: {GET: read}, resource: "vault:{vault}"}
              - {name: invoice, path: "/invoices/{invoice}", actions: {POST: release}, resource: "invoice:{invoice}"}
              - {name: payment, path: "/payments/{payment}", actions: {POST: send}, resource: "payment:{payment}"}
              - {name: recorded, path: "/recorded/{vault}", actions: {GET: read, DELETE: destroy}, resource: "vault:{vault}", tenant: recorded}
            """;

    private static CentreFixture centre;
    private static Path home;
    private static Map<String, String> environment;
    private static ServedSidecar sidecar;

    @BeforeAll
    static void start(@TempDir Path directory) throws IOException {
        centre = new CentreFixture(directory);
        centre.apply(ServedSidecar.POLICY);
        home = centre.home();
        environment = centre.environment(home, centre.key("acme", "recorded"), "acme,recorded");
        environment.put(
                "ASSIZE_ENVOY_MAPPING_FILE",
                Files.writeString(directory.resolve("mapping.yaml"), MAPPING).toString());
        sidecar = new ServedSidecar(home, CentreFixture.sidecar(home, environment));
    }

    @AfterAll
    static void stop() {
        sidecar.close();
        centre.close();
    }

    @Test
    void doesNotStartWithAMappingThatMakesNoSense(@TempDir Path directory) throws IOException {
        Map<String, String> wrong = new HashMap<>(environment);
        wrong.put(
                "ASSIZE_ENVOY_MAPPING_FILE",
                Files.writeString(directory.resolve("wrong.yaml"), "tenant: a b")
                        .toString());
        assertThatThrownBy(() -> CentreFixture.sidecar(home, wrong)).isInstanceOf(MappingException.class);
    }

    @Test
    void deniesWhoeverDoesNotPresentItsKey() {
        CheckResponse answer =
                AuthorizationGrpc.newBlockingStub(sidecar.channel()).check(request("GET", "/vaults/1"));
        assertThat(answer.getDeniedResponse().getStatus().getCode()).isEqualTo(403);
        assertThat(text(answer, "reason")).isEqualTo("CALLER_REFUSED");
    }

    @Test
    void deniesByHistoryThatOnlyTheCentreKnows() {
        assertThat(text(ask("POST", "/invoices/1"), "reason")).isEqualTo("ALLOWED");
        var _ = with(LedgerServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .appendAudit(AppendAuditRequest.newBuilder()
                        .setTenant("acme")
                        .addEvents(AuditEvent.newBuilder()
                                .setType("invoice.submitted")
                                .setActor("user:alice")
                                .setAction("submit")
                                .setResource("invoice:1")
                                .setOutcome(Outcome.OUTCOME_SUCCESS))
                        .build());

        CheckResponse denied = ask("POST", "/invoices/1");

        assertThat(denied.getDeniedResponse().getStatus().getCode()).isEqualTo(403);
        assertThat(text(denied, "reason")).isEqualTo("SEPARATION_OF_DUTY");
        assertThat(text(denied, "decision_id")).matches("[0-9a-f]{32}");
        assertThat(number(denied, "revision")).isPositive();
        assertThat(text(ask("POST", "/invoices/2"), "reason")).isEqualTo("ALLOWED");
        assertThat(text(ask("POST", "/payments/1"), "reason")).isEqualTo("APPROVAL_REQUIRED");
    }

    @Test
    void allowsAsTheCentreDoesWithTheSameWords() {
        CheckResponse here = ask("GET", "/vaults/1");
        CheckResponse there = ask("POST", "/invoices/3");
        for (CheckResponse allowed : List.of(here, there)) {
            assertThat(allowed.getStatus().getCode()).isZero();
            assertThat(allowed.getDynamicMetadata().getFieldsMap().keySet())
                    .containsExactlyInAnyOrder(
                            "decision_id",
                            "reason",
                            "revision",
                            "platform_revision",
                            "route",
                            "tenant",
                            "role",
                            "binding");
            assertThat(text(allowed, "role")).isEqualTo("clerk");
        }
        assertThat(number(here, "revision")).isEqualTo(number(there, "revision"));
    }

    @Test
    void hasTheCentreGiveWhatGoesOnRecord() {
        assertThat(text(ask("GET", "/recorded/1"), "reason")).isEqualTo("ALLOWED");
        CheckResponse denied = ask("DELETE", "/recorded/1");
        assertThat(text(denied, "reason")).isEqualTo("NO_GRANT");

        List<RecordedDecision> records = with(DecisionServiceGrpc.newBlockingStub(centre.channel()), centre.admin())
                .queryDecisions(
                        QueryDecisionsRequest.newBuilder().setTenant("recorded").build())
                .getDecisionsList();

        assertThat(records).singleElement().satisfies(record -> {
            assertThat(record.getCaller()).isEqualTo("service:sidecar");
            assertThat(record.getDecisionId()).isEqualTo(text(denied, "decision_id"));
        });
    }

    @Test
    void failsTheCallWhereTheCentreIsAwayAndDecidesTheRest() {
        centre.network().cut();
        assertThatThrownBy(() -> ask("POST", "/invoices/4"))
                .isInstanceOf(StatusRuntimeException.class)
                .hasMessageContaining("UPSTREAM_UNAVAILABLE");
        assertThatThrownBy(() -> ask("DELETE", "/recorded/1"))
                .isInstanceOf(StatusRuntimeException.class)
                .hasMessageContaining("UPSTREAM_UNAVAILABLE");
        assertThat(text(ask("GET", "/vaults/1"), "reason")).isEqualTo("ALLOWED");

        centre.network().restore();
        sidecar.until(
                Reason.REASON_ALLOWED,
                question().setResource("invoice:4").setAction("release").build());
        assertThat(text(ask("POST", "/invoices/4"), "reason")).isEqualTo("ALLOWED");
    }

    private static CheckResponse ask(String method, String path) {
        return with(AuthorizationGrpc.newBlockingStub(sidecar.channel()), sidecar.key())
                .withDeadlineAfter(10, TimeUnit.SECONDS)
                .check(request(method, path));
    }

    private static CheckRequest request(String method, String path) {
        AttributeContext.Builder attributes = AttributeContext.newBuilder();
        attributes
                .getRequestBuilder()
                .getHttpBuilder()
                .setMethod(method)
                .setHost("shop.example.com")
                .setPath(path)
                .putHeaders("x-user", "alice");
        return CheckRequest.newBuilder().setAttributes(attributes).build();
    }

    private static String text(CheckResponse answer, String name) {
        return value(answer.getDynamicMetadata(), name).getStringValue();
    }

    private static double number(CheckResponse answer, String name) {
        return value(answer.getDynamicMetadata(), name).getNumberValue();
    }

    private static Value value(Struct metadata, String name) {
        return metadata.getFieldsOrDefault(name, Value.getDefaultInstance());
    }
}
