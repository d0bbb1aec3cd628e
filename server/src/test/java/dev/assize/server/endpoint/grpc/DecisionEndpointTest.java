package dev.assize.server.endpoint.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import com.google.protobuf.UnknownFieldSet;
import com.google.rpc.RetryInfo;
import dev.assize.proto.v1.AttributeList;
import dev.assize.proto.v1.AttributeValue;
import dev.assize.proto.v1.BindingState;
import dev.assize.proto.v1.CheckBatchRequest;
import dev.assize.proto.v1.CheckBatchResponse;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Detail;
import dev.assize.proto.v1.PermissionState;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.RuleTrace;
import dev.assize.server.decision.EvaluationFailedException;
import dev.assize.server.decision.PolicyStaleException;
import dev.assize.server.decision.check.Answer;
import dev.assize.server.decision.check.CheckQuery;
import dev.assize.server.decision.check.CheckQuery.Delegator;
import dev.assize.server.decision.check.Explanation;
import dev.assize.server.decision.check.PointInTime;
import dev.assize.server.endpoint.call.ErrorReason;
import dev.assize.server.endpoint.call.Fields;
import dev.assize.server.model.AttributeValue.Fraction;
import dev.assize.server.model.AttributeValue.Many;
import dev.assize.server.model.AttributeValue.Text;
import dev.assize.server.model.AttributeValue.Whole;
import dev.assize.server.model.Limits;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.Revision;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Document;
import dev.assize.server.policy.SourcePlace;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
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
        AttributeValue full = text("x".repeat(Limits.ATTRIBUTE_BYTES));
        assertThat(check(request().putContext("full", full)).getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        refuses(request().putContext("over", text("x".repeat(Limits.ATTRIBUTE_BYTES + 1))), "context[over]");
        AttributeValue list = listOf(text("x".repeat(Limits.ATTRIBUTE_BYTES - 9)));
        assertThat(list.getSerializedSize()).isEqualTo(Limits.ATTRIBUTE_BYTES);
        assertThat(check(request().putContext("full", list)).getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        refuses(request().putContext("over", listOf(text("x".repeat(Limits.ATTRIBUTE_BYTES - 8)))), "context[over]");
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
    void refusesNumbersThatAreNone() {
        for (double number : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            AttributeValue value =
                    AttributeValue.newBuilder().setDoubleValue(number).build();
            refuses(request().putSubjectAttributes("level", value), "subject_attributes[level]");
            refuses(request().putResourceAttributes("level", listOf(value)), "resource_attributes[level]");
        }
        check(request()
                .putContext(
                        "level",
                        AttributeValue.newBuilder()
                                .setDoubleValue(Double.MAX_VALUE)
                                .build()));
    }

    @Test
    void refusesMoreThan32ActiveRolesButNot32NamedTwice() {
        CheckRequest.Builder request = request();
        for (int i = 0; i < Limits.ACTIVE_ROLES; i++) {
            request.addActiveRoles("role-" + i);
        }
        check(request.clone().addAllActiveRoles(request.getActiveRolesList()));
        assertThat(door.decisions.lastQuery().activeRoles())
                .hasSize(Limits.ACTIVE_ROLES)
                .startsWith("role-0", "role-1");
        refuses(request.clone().addActiveRoles("one-more"), "active_roles");
        refuses(request().addActiveRoles("operator").addActiveRoles("no role"), "active_roles[1]");
        refuses(request().addActiveRoles(""), "active_roles[0]");
    }

    @Test
    void refusesMalformedDelegatorsAndRuns() {
        refuses(request().setOnBehalfOf("alice"), "on_behalf_of");
        refuses(request().setOnBehalfOf("group:noc"), "on_behalf_of");
        refuses(request().setOnBehalfOf("user:bob").setOnBehalfOfTenant("-"), "on_behalf_of_tenant");
        refuses(request().setOnBehalfOfTenant("acme"), "on_behalf_of_tenant");
        refuses(request().setRunId("r".repeat(257)), "run_id");
        refuses(request().setRunId("a\nb"), "run_id");
    }

    @Test
    void asksTheEngineWhatTheRequestSays() {
        check(request()
                .setRunId("r".repeat(256))
                .setOnBehalfOf("user:bob")
                .setOnBehalfOfTenant("there")
                .addActiveRoles("operator")
                .putSubjectAttributes(
                        "level", AttributeValue.newBuilder().setIntValue(3).build())
                .putResourceAttributes("tags", listOf(text("a")))
                .putContext(
                        "share", AttributeValue.newBuilder().setDoubleValue(0.5).build()));

        CheckQuery query = door.decisions.lastQuery();
        assertThat(query.runId()).isEqualTo("r".repeat(256));
        assertThat(query.onBehalfOf()).isEqualTo(new Delegator(Subject.parse("user:bob"), new TenantId("there")));
        assertThat(query.activeRoles()).containsExactly("operator");
        assertThat(query.subjectAttributes()).isEqualTo(Map.of("level", new Whole(3)));
        assertThat(query.resourceAttributes()).isEqualTo(Map.of("tags", new Many(List.of(new Text("a")))));
        assertThat(query.context()).isEqualTo(Map.of("share", new Fraction(0.5)));
        assertThat(door.decisions.lastMoment()).isEqualTo(PointInTime.NOW);

        check(request().setOnBehalfOf("user:bob"));
        assertThat(door.decisions.lastQuery().onBehalfOf())
                .isEqualTo(new Delegator(Subject.parse("user:bob"), GrpcFixture.ACME));
    }

    @Test
    void refusesAPastThatIsMalformedByItsField() {
        door.decisions.grant("service:replay", "read-history", "tenant:acme/policy");
        refuses(request().setAtRevision(-1), "at_revision");
        refuses(request().setAsOf(Timestamp.newBuilder().setSeconds(Long.MAX_VALUE)), "as_of");
        refuses(request().setAsOf(Fields.timestamp(door.clock.instant().plusNanos(1))), "as_of");
        refuses(request().setAtRevision(1).setMinRevision(1), "min_revision");
        refuses(request().setAsOf(Timestamp.newBuilder()).setMinRevision(1), "min_revision");
        Refusal.of(() -> check(request().setAtRevision(8)))
                .is(ErrorReason.REVISION_NEVER_COMMITTED)
                .naming("at_revision");
    }

    @Test
    void refusesThePastWithoutThePermissionToReadHistory() {
        Refusal.of(() -> check(request().setAtRevision(1))).is(ErrorReason.PERMISSION_MISSING);
        Refusal.of(() -> check(request().setAsOf(Timestamp.newBuilder()))).is(ErrorReason.PERMISSION_MISSING);
    }

    @Test
    void marksAnswersAboutThePastAndGivesThemNoEnd() {
        door.decisions.grant("service:replay", "read-history", "tenant:acme/policy");
        Instant now = door.clock.instant();

        CheckResponse past = check(request().setAtRevision(3).setAsOf(Fields.timestamp(now)));

        assertThat(door.decisions.lastMoment()).isEqualTo(new PointInTime.Past(new Revision(3), now));
        assertThat(past.getHistorical()).isTrue();
        assertThat(past.hasValidUntil()).isFalse();
        assertThat(check(request()).getHistorical()).isFalse();
        assertThat(check(request().setAtRevision(3).setDetail(Detail.DETAIL_MINIMAL))
                        .getHistorical())
                .as("whoever wants little still learns that he may not act on it")
                .isTrue();
    }

    @Test
    void refusesAnAttributeTheEngineFindsMalformedByItsField() {
        door.decisions.answer(query -> {
            throw new MalformedException("subject_attributes[level]", "high", "an int");
        });
        refuses(request(), "subject_attributes[level]");
    }

    @Test
    void handsOnTheDelegatorsReasonAndTheApproval() {
        door.decisions.answer(query -> dev.assize.server.model.Reason.DELEGATOR_DENIED);
        door.decisions.finish(answer -> new Answer(
                answer.reason(),
                null,
                answer.revision(),
                answer.platformRevision(),
                answer.validUntil(),
                List.of(),
                dev.assize.server.model.Reason.OUT_OF_SCOPE,
                "an-approval"));

        CheckResponse response = check(request().setOnBehalfOf("user:bob"));

        assertThat(response.getReason()).isEqualTo(Reason.REASON_DELEGATOR_DENIED);
        assertThat(response.getDelegatorReason()).isEqualTo(Reason.REASON_OUT_OF_SCOPE);
        assertThat(response.getApprovalId()).isEqualTo("an-approval");
    }

    @Test
    void handsOnTheWholeTrace() {
        door.decisions.grant("service:replay", "explain", "tenant:acme/policy");
        door.decisions.trace(trace(trace(null, "user:bob"), "user:alice"));

        dev.assize.proto.v1.Explanation wire = check(request().setExplain(true)).getExplanation();

        assertThat(wire.getDecision()).isEqualTo(Decision.DECISION_DENY);
        assertThat(wire.getReason()).isEqualTo(Reason.REASON_FROZEN);
        assertThat(wire.getActiveRolesList()).containsExactly("operator");
        assertThat(wire.getFreezesList())
                .containsExactly(RuleTrace.newBuilder()
                        .setName("a-freeze")
                        .setDenies(true)
                        .setDetail("It freezes.")
                        .setSource("policy.yaml:7")
                        .build());
        assertThat(wire.getSeparationsOfDuty(0).getName()).isEqualTo("a-duty");
        assertThat(wire.getApprovalRules(0).getName()).isEqualTo("an-approval-rule");
        assertThat(wire.getBindings(0).getMatchedSubject()).isEqualTo("user:alice");
        assertThat(wire.getBindings(0).getState()).isEqualTo(BindingState.BINDING_STATE_NOT_ACTIVE);
        assertThat(wire.getBindings(0).getPermissions(0).getState())
                .isEqualTo(PermissionState.PERMISSION_STATE_ROLE_FROZEN);
        assertThat(wire.getBindings(0).getPermissions(0).getDetail()).isEqualTo("It is cut.");
        assertThat(wire.getDelegator().getBindings(0).getMatchedSubject()).isEqualTo("user:bob");
        assertThat(wire.getDelegator().hasDelegator()).isFalse();
    }

    @Test
    void hasAWordForEveryState() {
        for (var state : Explanation.BindingState.values()) {
            assertThat(AnswerTranslator.explanation(trace(state, Explanation.PermissionState.HOLDS))
                            .getBindings(0)
                            .getState()
                            .name())
                    .isEqualTo("BINDING_STATE_" + state);
        }
        for (var state : Explanation.PermissionState.values()) {
            assertThat(AnswerTranslator.explanation(trace(Explanation.BindingState.HOLDS, state))
                            .getBindings(0)
                            .getPermissions(0)
                            .getState()
                            .name())
                    .isEqualTo("PERMISSION_STATE_" + state);
        }
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
    void answersEachItemOfABatchAtItsOwnMoment() {
        door.decisions.grant("service:replay", "read-history", "tenant:acme/policy");
        CheckBatchResponse response = batch(CheckBatchRequest.newBuilder()
                .setTenant("acme")
                .addItems(request().setAtRevision(3))
                .addItems(request())
                .addItems(request().setAtRevision(8))
                .addItems(request().setAtRevision(3).setMinRevision(2)));

        assertThat(response.getResults(0).getResponse().getHistorical()).isTrue();
        assertThat(response.getResults(1).getResponse().getHistorical()).isFalse();
        assertThat(response.getResults(1).getResponse().hasValidUntil()).isTrue();
        new Refusal(response.getResults(2).getError())
                .is(ErrorReason.REVISION_NEVER_COMMITTED)
                .naming("items[2].at_revision");
        new Refusal(response.getResults(3).getError())
                .is(ErrorReason.REQUEST_INVALID)
                .naming("items[3].min_revision");
    }

    @Test
    void failsAnItemAloneThatOnlyTheEngineFindsMalformed() {
        door.decisions.answer(query -> {
            if (query.action().value().equals("judge")) {
                throw new MalformedException("context[age]", "old", "an int");
            }
            return dev.assize.server.model.Reason.ALLOWED;
        });
        CheckBatchResponse response = batch(CheckBatchRequest.newBuilder()
                .setTenant("acme")
                .addItems(request())
                .addItems(request().setAction("judge"))
                .addItems(request().setAction("judge").setAsOf(Timestamp.newBuilder()))
                .addItems(request()));

        assertThat(response.getResults(0).getResponse().getDecision()).isEqualTo(Decision.DECISION_ALLOW);
        new Refusal(response.getResults(1).getError())
                .is(ErrorReason.REQUEST_INVALID)
                .naming("items[1].context[age]");
        new Refusal(response.getResults(2).getError()).is(ErrorReason.PERMISSION_MISSING);
        assertThat(response.getResults(3).getResponse().getDecision()).isEqualTo(Decision.DECISION_ALLOW);
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
            value = listOf(value);
        }
        return value;
    }

    private static AttributeValue listOf(AttributeValue value) {
        return AttributeValue.newBuilder()
                .setListValue(AttributeList.newBuilder().addValues(value))
                .build();
    }

    private static Explanation trace(Explanation.BindingState state, Explanation.PermissionState permission) {
        return trace(null, "user:alice", state, permission);
    }

    private static Explanation trace(@Nullable Explanation delegator, String subject) {
        return trace(delegator, subject, Explanation.BindingState.NOT_ACTIVE, Explanation.PermissionState.ROLE_FROZEN);
    }

    private static Explanation trace(
            @Nullable Explanation delegator,
            String subject,
            Explanation.BindingState state,
            Explanation.PermissionState permission) {
        SourcePlace place = new SourcePlace("policy.yaml", 7, 1);
        return new Explanation(
                new Answer(
                        dev.assize.server.model.Reason.FROZEN,
                        new Answer.DecidedBy.Freeze("a-freeze"),
                        new Revision(7),
                        Revision.NONE,
                        Instant.EPOCH,
                        List.of()),
                List.of("noc"),
                List.of("operator"),
                List.of(new Explanation.RuleTrace("a-freeze", true, "It freezes.", place)),
                List.of(new Explanation.BindingTrace(
                        "a-binding",
                        "operator",
                        subject,
                        state,
                        "Its role is not named.",
                        place,
                        List.of(new Explanation.PermissionTrace(
                                "operator",
                                0,
                                Document.Effect.ALLOW,
                                permission,
                                List.of("operator"),
                                "It is cut.",
                                place)))),
                List.of(new Explanation.RuleTrace("a-duty", false, "Nothing was done.", place)),
                List.of(new Explanation.RuleTrace("an-approval-rule", false, "Approved.", place)),
                delegator);
    }
}
