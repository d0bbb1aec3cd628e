package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.rpc.RetryInfo;
import dev.assize.proto.v1.AttributeList;
import dev.assize.proto.v1.AttributeValue;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Detail;
import dev.assize.proto.v1.Reason;
import dev.assize.server.decision.EvaluationFailedException;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.model.Limits;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DecisionEndpointTest {

    @TempDir
    Path directory;

    private GrpcFixture door;

    @BeforeEach
    void open() {
        door = new GrpcFixture(directory);
        door.decisions.grant("service:replay", "check", "tenant:acme/policy");
    }

    @AfterEach
    void close() {
        door.close();
    }

    @Test
    void refusesMalformedNamesOfEachKindByTheirField() {
        refuses(request().setTenant("no tenant"), "tenant");
        refuses(request().setTenant(""), "tenant");
        refuses(request().setSubject("alice"), "subject");
        refuses(request().setSubject("group:noc"), "subject");
        refuses(request().setSubject("user:" + "a".repeat(257)), "subject");
        refuses(request().setSubject("user:a\u200Bb"), "subject");
        refuses(request().setResource("replay:a/b%2f"), "resource");
        refuses(request().setResource("replay:" + "a/b:".repeat(9)), "resource");
        refuses(request().setAction("1st"), "action");
        refuses(request().setAction(""), "action");
        refuses(request().setEnv("no env"), "env");
        refuses(request().setSubjectTenant("-"), "subject_tenant");
        refuses(request().setMinRevision(-1), "min_revision");
        refuses(request().setDetailValue(99), "detail");
        refuses(
                request()
                        .setUnknownFields(UnknownFieldSet.newBuilder()
                                .addField(
                                        99,
                                        UnknownFieldSet.Field.newBuilder()
                                                .addVarint(1)
                                                .build())
                                .build()),
                "request");
        Refusal.of(() -> batch(CheckBatchRequest.newBuilder()
                        .setTenant("acme")
                        .setDetailValue(99)
                        .addItems(request())))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("detail");
    }

    @Test
    void refusesMoreThan64AttributesButNot64() {
        CheckRequest.Builder request = request();
        for (int i = 0; i < Limits.ATTRIBUTES; i++) {
            request.putContext("a" + i, text("x"));
        }
        assertThat(check(request).getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        refuses(request.putSubjectAttributes("one-more", text("x")), "context");
    }

    @Test
    void refusesAnAttributeOver4KiBButNotOneOf4KiB() {
        AttributeValue full = text("x".repeat(Limits.ATTRIBUTE_BYTES - 3));
        assertThat(full.getSerializedSize()).isEqualTo(Limits.ATTRIBUTE_BYTES);
        assertThat(check(request().putContext("full", full)).getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        refuses(request().putContext("over", text("x".repeat(Limits.ATTRIBUTE_BYTES - 2))), "context[over]");
    }

    @Test
    void refusesAnAttributeOfAMegabyte() {
        refuses(request().putContext("huge", text("x".repeat(1_000_000))), "request");
    }

    @Test
    void refusesARequestOver64KiBButNotOneOf64KiB() {
        CheckRequest.Builder request = request();
        for (int i = 0; i < 16; i++) {
            request.putContext("a" + i, text("x".repeat(4_000)));
        }
        int left = Limits.REQUEST_BYTES - request.build().getSerializedSize();
        request.putContext("rest", text("x".repeat(left - 15)));
        assertThat(request.build().getSerializedSize()).isEqualTo(Limits.REQUEST_BYTES);
        assertThat(check(request).getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        refuses(request.putContext("a", text("")), "request");
    }

    @Test
    void refusesListsFiveDeepButNotFour() {
        assertThat(check(request().putContext("deep", nested(4))).getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        refuses(request().putContext("deep", nested(5)), "context[deep]");
    }

    @Test
    void refusesAnAttributeWithoutAValueOrName() {
        refuses(request().putContext("none", AttributeValue.getDefaultInstance()), "context[none]");
        refuses(request().putContext("", text("x")), "context");
    }

    @Test
    void refusesTheTraceWithoutItsPermission() {
        Refusal.of(() -> check(request().setExplain(true))).is(ErrorReason.PERMISSION_MISSING);

        door.decisions.grant("service:replay", "explain", "tenant:acme/policy");
        assertThat(check(request().setExplain(true)).getExplanation().getGroupsList())
                .containsExactly("a-group");
    }

    @Test
    void refusesARevisionThatWasNeverCommitted() {
        Refusal.of(() -> check(request().setMinRevision(1_000)))
                .is(ErrorReason.REVISION_NEVER_COMMITTED)
                .naming("min_revision");
    }

    @Test
    void saysWhenThisNodeHasNotSeenARevision() {
        Refusal refusal = Refusal.of(() -> check(request().setMinRevision(8))).is(ErrorReason.REVISION_NOT_REACHED);
        assertThat(refusal.detail(RetryInfo.class)).isPresent();
        assertThat(check(request().setMinRevision(7)).getRevision()).isEqualTo(7);
    }

    @Test
    void answersUnavailableWhileThePolicyMayBeStale() {
        door.decisions.answer(query -> {
            throw new PolicyStaleException(Duration.ofSeconds(70), Duration.ofSeconds(60));
        });
        Refusal refusal = Refusal.of(() -> check(request())).is(ErrorReason.POLICY_STALE);
        assertThat(refusal.detail(RetryInfo.class)).isPresent();
    }

    @Test
    void answersABugOfTheEngineWithoutDetailsAndCountsIt() {
        door.decisions.answer(query -> {
            throw new EvaluationFailedException(new IllegalStateException("secret detail"));
        });
        Refusal refusal = Refusal.of(() -> check(request())).is(ErrorReason.INTERNAL_ERROR);
        assertThat(refusal.status().toString()).doesNotContain("secret detail");
        assertThat(door.meters.counter("assize.rpc.internal.errors").count()).isOne();
    }

    @Test
    void refusesAnEnvironmentTheCredentialIsNotFor() {
        String limited = door.key("service:replay", "acme", false, Set.of("staging"), Set.of(), "acme");
        Refusal.of(() -> door.decisions(limited)
                        .check(request().setEnv("production").build()))
                .is(ErrorReason.ENVIRONMENT_NOT_ALLOWED);
        assertThat(door.decisions(limited)
                        .check(request().setEnv("staging").build())
                        .getDecision())
                .isEqualTo(Decision.DECISION_ALLOW);
    }

    @Test
    void answersADenyAsAnAnswer() {
        door.decisions.answer(query -> dev.assize.server.model.Reason.OUT_OF_SCOPE);
        CheckResponse response = check(request());
        assertThat(response.getDecision()).isEqualTo(Decision.DECISION_DENY);
        assertThat(response.getReason()).isEqualTo(Reason.REASON_OUT_OF_SCOPE);
    }

    @Test
    void answersATenantThatDoesNotExistWithADenyWhereTheCallerReachesIt() {
        CheckResponse response =
                door.decisions(door.admin).check(request().setTenant("nowhere").build());
        assertThat(response.getReason()).isEqualTo(Reason.REASON_TENANT_UNKNOWN);
    }

    @Test
    void leavesOutAllButDecisionAndReasonWhereLittleIsWanted() {
        CheckResponse minimal = check(request().setDetail(Detail.DETAIL_MINIMAL));
        assertThat(minimal)
                .isEqualTo(CheckResponse.newBuilder()
                        .setDecision(Decision.DECISION_ALLOW)
                        .setReason(Reason.REASON_ALLOWED)
                        .build());
    }

    @Test
    void namesEachAnswerDifferently() {
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < 1_000; i++) {
            ids.add(check(request()).getDecisionId());
        }
        assertThat(ids).hasSize(1_000).allMatch(id -> id.matches("[0-9a-f]{32}"));
    }

    @Test
    void hasAWordForEveryReason() {
        for (dev.assize.server.model.Reason reason : dev.assize.server.model.Reason.values()) {
            door.decisions.answer(query -> reason);
            assertThat(check(request()).getReason().name()).isEqualTo("REASON_" + reason.name());
        }
    }

    @Test
    void refusesABatchOfNothingAndOfMoreThan1000() {
        Refusal.of(() -> batch(CheckBatchRequest.newBuilder().setTenant("acme")))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("items");
        CheckBatchRequest.Builder full = CheckBatchRequest.newBuilder()
                .setTenant("acme")
                .addAllItems(Collections.nCopies(Limits.BATCH_ITEMS, request().build()));
        assertThat(batch(full).getResultsCount()).isEqualTo(Limits.BATCH_ITEMS);
        Refusal.of(() -> batch(full.addItems(request().build())))
                .is(ErrorReason.REQUEST_INVALID)
                .naming("items");
    }

    @Test
    void failsAMalformedItemAloneAndKeepsTheOrder() {
        CheckBatchResponse response = batch(CheckBatchRequest.newBuilder()
                .setTenant("acme")
                .addItems(request().clearTenant())
                .addItems(request().setSubject("nobody"))
                .addItems(request().setTenant("other"))
                .addItems(request().setExplain(true))
                .addItems(request().setMinRevision(1_000))
                .addItems(request().setAction("read")));

        assertThat(response.getResults(0).getResponse().getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        new Refusal(response.getResults(1).getError())
                .is(ErrorReason.REQUEST_INVALID)
                .naming("items[1].subject");
        new Refusal(response.getResults(2).getError())
                .is(ErrorReason.REQUEST_INVALID)
                .naming("items[2].tenant");
        new Refusal(response.getResults(3).getError()).is(ErrorReason.PERMISSION_MISSING);
        new Refusal(response.getResults(4).getError())
                .is(ErrorReason.REVISION_NEVER_COMMITTED)
                .naming("items[4].min_revision");
        assertThat(response.getResults(5).getResponse().getDecision()).isEqualTo(Decision.DECISION_ALLOW);
    }

    @Test
    void asksForTheBatchsEnvironmentWhereAnItemNamesNone() {
        door.decisions.answer(query -> query.env().value().equals("staging")
                ? dev.assize.server.model.Reason.ALLOWED
                : dev.assize.server.model.Reason.ENVIRONMENT_UNKNOWN);
        CheckBatchResponse response = batch(CheckBatchRequest.newBuilder()
                .setTenant("acme")
                .setEnv("staging")
                .setDetail(Detail.DETAIL_MINIMAL)
                .addItems(request())
                .addItems(request().setEnv("other").setDetail(Detail.DETAIL_FULL)));

        assertThat(response.getResults(0).getResponse().getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        assertThat(response.getResults(0).getResponse().getDecisionId()).isEmpty();
        assertThat(response.getResults(1).getResponse().getReason()).isEqualTo(Reason.REASON_ENVIRONMENT_UNKNOWN);
        assertThat(response.getResults(1).getResponse().getDecisionId()).isNotEmpty();
    }

    private void refuses(CheckRequest.Builder request, String field) {
        Refusal.of(() -> check(request)).is(ErrorReason.REQUEST_INVALID).naming(field);
    }

    private CheckResponse check(CheckRequest.Builder request) {
        return door.decisions(door.replay).check(request.build());
    }

    private CheckBatchResponse batch(CheckBatchRequest.Builder request) {
        return door.decisions(door.replay).checkBatch(request.build());
    }

    private static CheckRequest.Builder request() {
        return CheckRequest.newBuilder()
                .setSubject("user:alice@fund.com")
                .setResource("replay:922")
                .setAction("execute")
                .setTenant("acme");
    }

    private static AttributeValue text(String text) {
        return AttributeValue.newBuilder()
                .setStringValueBytes(ByteString.copyFromUtf8(text))
                .build();
    }

    private static AttributeValue nested(int depth) {
        AttributeValue value = text("x");
        for (int i = 0; i < depth; i++) {
            value = AttributeValue.newBuilder()
                    .setListValue(AttributeList.newBuilder().addValues(value))
                    .build();
        }
        return value;
    }
}
