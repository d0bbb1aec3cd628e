package dev.assize.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.assize.proto.v1.BindingState;
import dev.assize.proto.v1.BindingTrace;
import dev.assize.proto.v1.CheckRequest;
import dev.assize.proto.v1.CheckResponse;
import dev.assize.proto.v1.DecidedBy;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.Effect;
import dev.assize.proto.v1.Explanation;
import dev.assize.proto.v1.PermissionState;
import dev.assize.proto.v1.PermissionTrace;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.RuleTrace;
import dev.assize.proto.v1.SearchActionsResponse;
import dev.assize.proto.v1.SearchResourcesRequest;
import dev.assize.proto.v1.SearchResourcesResponse;
import dev.assize.proto.v1.SearchSubjectsRequest;
import dev.assize.proto.v1.SearchSubjectsResponse;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The commands that ask for decisions, against a server that gives prepared answers. */
class QuestionCommandsTest extends CommandsFixture {

    @Test
    void anAllowExitsWithZero() {
        server.check = CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_ALLOW)
                .setReason(Reason.REASON_ALLOWED)
                .setDecidedBy(DecidedBy.newBuilder()
                        .setBinding("noc")
                        .setRole("operator")
                        .setRule("permissions[0]"))
                .setRevision(3)
                .build();

        assertThat(run("check", "user:alice", "incident:1", "read", "--env", "staging"))
                .isZero();

        assertThat(out.toString()).startsWith("ALLOW  ALLOWED").contains("noc", "operator", "permissions[0]");
        CheckRequest asked = server.request(CheckRequest.class);
        assertThat(asked.getSubject()).isEqualTo("user:alice");
        assertThat(asked.getResource()).isEqualTo("incident:1");
        assertThat(asked.getAction()).isEqualTo("read");
        assertThat(asked.getTenant()).isEqualTo("acme");
        assertThat(asked.getEnv()).isEqualTo("staging");
        assertThat(server.credentials).containsExactly("Bearer asz_test_key");
    }

    @Test
    void aDenyExitsWithThree() {
        server.check = deny(Reason.REASON_NO_GRANT);

        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(3);
        assertThat(out.toString()).startsWith("DENY  NO_GRANT");
    }

    @Test
    void anUnspecifiedDecisionExitsWithThree() {
        assertThat(run("check", "user:alice", "incident:1", "read")).isEqualTo(3);
    }

    @Test
    void asksEverythingThatAQuestionHas() {
        server.check = deny(Reason.REASON_NO_GRANT);

        run(
                "check",
                "agent:feed",
                "incident:1",
                "read",
                "--active-role",
                "operator",
                "--active-role",
                "viewer",
                "--on-behalf-of",
                "user:bob",
                "--on-behalf-of-tenant",
                "there",
                "--run",
                "run-1",
                "--at-revision",
                "7",
                "--as-of",
                "2026-02-22T14:02:00Z",
                "--subject-attr",
                "level=3",
                "--resource-attr",
                "tags=[\"a\",true]",
                "--context",
                "share=0.5",
                "--context",
                "at=@2026-02-22T14:02:00Z",
                "--context",
                "name=a=b",
                "--context",
                "number=\"3\"",
                "--context",
                "nothing=null");

        CheckRequest asked = server.request(CheckRequest.class);
        assertThat(asked.getActiveRolesList()).containsExactly("operator", "viewer");
        assertThat(asked.getOnBehalfOf()).isEqualTo("user:bob");
        assertThat(asked.getOnBehalfOfTenant()).isEqualTo("there");
        assertThat(asked.getRunId()).isEqualTo("run-1");
        assertThat(asked.getAtRevision()).isEqualTo(7);
        assertThat(Answers.time(asked.getAsOf())).isEqualTo("2026-02-22T14:02:00Z");
        assertThat(asked.getSubjectAttributesOrThrow("level").getIntValue()).isEqualTo(3);
        assertThat(asked.getResourceAttributesOrThrow("tags").getListValue().getValuesList())
                .containsExactly(
                        dev.assize.proto.v1.AttributeValue.newBuilder()
                                .setStringValue("a")
                                .build(),
                        dev.assize.proto.v1.AttributeValue.newBuilder()
                                .setBoolValue(true)
                                .build());
        assertThat(asked.getContextOrThrow("share").getDoubleValue()).isEqualTo(0.5);
        assertThat(asked.getContextOrThrow("at").getTimestampValue()).isEqualTo(asked.getAsOf());
        assertThat(asked.getContextOrThrow("name").getStringValue()).isEqualTo("a=b");
        assertThat(asked.getContextOrThrow("number").getStringValue()).isEqualTo("3");
        assertThat(asked.getContextOrThrow("nothing").getStringValue()).isEqualTo("null");
    }

    @Test
    void saysThatNobodyMayActOnAnAnswerAboutThePast() throws IOException {
        server.check = CheckResponse.newBuilder()
                .setDecision(Decision.DECISION_ALLOW)
                .setReason(Reason.REASON_ALLOWED)
                .setHistorical(true)
                .build();

        assertThat(run("check", "user:alice", "incident:1", "read")).isZero();
        assertThat(out.toString()).contains("HISTORICAL", "Nobody may act on it");
        run("--output", "json", "check", "user:alice", "incident:1", "read");
        assertThat(json().get("historical").asBoolean()).isTrue();
    }

    @Test
    void searchPrintsNamesAndThatThereAreMore() throws IOException {
        server.subjects = List.of(
                SearchSubjectsResponse.newBuilder()
                        .addSubjects("user:alice")
                        .addWildcards("user:*")
                        .setCursor("one")
                        .build(),
                SearchSubjectsResponse.newBuilder()
                        .addSubjects("user:b\u001bob")
                        .addWildcards("user:*")
                        .setCursor("two")
                        .setTruncated(true)
                        .build());

        assertThat(run("search", "subjects", "incident:1", "read", "--type", "user", "--limit", "2"))
                .isZero();

        assertThat(out.toString().lines())
                .containsExactly(
                        "SUBJECTS",
                        "user:alice",
                        "user:b\\u001bob",
                        "Besides, bindings name user:*: subjects that no document names may be allowed, too.",
                        "TRUNCATED: there may be more. Go on with --cursor two");
        SearchSubjectsRequest asked = server.request(SearchSubjectsRequest.class);
        assertThat(asked.getCheck().getTenant()).isEqualTo("acme");
        assertThat(asked.getSubjectType()).isEqualTo("user");
        assertThat(asked.getLimit()).isEqualTo(2);
        run("--output", "json", "search", "subjects", "incident:1", "read", "--cursor", "one");
        assertThat(json().get("subjects")).hasSize(2);
        assertThat(json().get("truncated").asBoolean()).isTrue();
        assertThat(json().get("cursor").asText()).isEqualTo("two");
        assertThat(server.request(SearchSubjectsRequest.class).getCursor()).isEqualTo("one");
    }

    @Test
    void searchesForResourcesAndActions() {
        server.resources = List.of(
                SearchResourcesResponse.newBuilder().addResources("incident:1").build());
        server.actions =
                List.of(SearchActionsResponse.newBuilder().addActions("read").build());

        assertThat(run("search", "resources", "user:alice", "read", "incident")).isZero();
        assertThat(out.toString().lines()).containsExactly("RESOURCES", "incident:1");
        assertThat(server.request(SearchResourcesRequest.class).getResourceType())
                .isEqualTo("incident");
        assertThat(run("search", "actions", "user:alice", "incident:1")).isZero();
        assertThat(out.toString().lines()).containsExactly("ACTIONS", "read");
        assertThat(run("search", "actions", "user:alice")).isEqualTo(2);
    }

    @Test
    void explainTellsEverythingThatHadASay() throws IOException {
        Explanation delegator = Explanation.newBuilder()
                .setDecision(Decision.DECISION_DENY)
                .setReason(Reason.REASON_NO_GRANT)
                .build();
        server.check = deny(Reason.REASON_DELEGATOR_DENIED).toBuilder()
                .setDelegatorReason(Reason.REASON_NO_GRANT)
                .setDecidedBy(DecidedBy.newBuilder().setFreeze("stop"))
                .setExplanation(Explanation.newBuilder()
                        .addActiveRoles("operator")
                        .addFreezes(RuleTrace.newBuilder()
                                .setName("stop")
                                .setDenies(true)
                                .setDetail("It has been active since noon.")
                                .setSource("freezes.yaml:3"))
                        .addSeparationsOfDuty(RuleTrace.newBuilder().setName("four-eyes"))
                        .addApprovalRules(
                                RuleTrace.newBuilder().setName("approve-it").setDenies(true))
                        .addBindings(BindingTrace.newBuilder()
                                .setBinding("noc")
                                .setState(BindingState.BINDING_STATE_HOLDS)
                                .addPermissions(PermissionTrace.newBuilder()
                                        .setRole("operator")
                                        .setRule("permissions[1]")
                                        .setEffect(Effect.EFFECT_ALLOW)
                                        .setState(PermissionState.PERMISSION_STATE_CONDITION_FALSE)
                                        .setDetail("`subject.attr.level > 3` is false")))
                        .setDelegator(delegator))
                .build();

        run("explain", "agent:feed", "replay:1", "execute", "--on-behalf-of", "user:bob");

        assertThat(out.toString().lines().map(String::stripTrailing))
                .contains(
                        "DENY  DELEGATOR_DENIED",
                        "Decided by freeze stop  (freezes.yaml:3).",
                        "agent:feed, in no group",
                        "|- Freezes",
                        "|  `- [stops this] stop  (freezes.yaml:3)",
                        "|        It has been active since noon.",
                        "|- Active roles, held against separations of duty: operator",
                        "|     `- [condition false] allow by role operator permissions[1]",
                        "|           `subject.attr.level > 3` is false",
                        "|  `- [no objection] four-eyes",
                        "|  `- [missing] approve-it",
                        "`- On behalf of user:bob, in no group: DENY NO_GRANT",
                        "   |- Bindings: no binding of the tenant names this subject");
        assertThat(out.toString()).isASCII();
        run("--output", "json", "explain", "agent:feed", "replay:1", "execute", "--on-behalf-of", "user:bob");
        JsonNode trace = json().get("explanation");
        assertThat(trace.at("/freezes/0/source").asText()).isEqualTo("freezes.yaml:3");
        assertThat(trace.at("/bindings/0/permissions/0/state").asText()).isEqualTo("CONDITION_FALSE");
        assertThat(trace.at("/delegator/reason").asText()).isEqualTo("NO_GRANT");
        assertThat(json().get("delegatorReason").asText()).isEqualTo("NO_GRANT");
    }

    @Test
    void explainShowsWhatBecameOfEachBinding() {
        environment.put("LANG", "en_GB.UTF-8");
        server.check = deny(Reason.REASON_OUT_OF_SCOPE).toBuilder()
                .setExplanation(Explanation.newBuilder()
                        .addGroups("group:noc")
                        .addBindings(BindingTrace.newBuilder()
                                .setBinding("noc-operators")
                                .setRole("operator")
                                .setMatchedSubject("group:noc")
                                .setState(BindingState.BINDING_STATE_OUT_OF_SCOPE)
                                .setDetail("environment `production` is not among `staging`")
                                .setSource("bindings.yaml:12")
                                .addPermissions(PermissionTrace.newBuilder()
                                        .setRole("viewer")
                                        .setRule("permissions[0]")
                                        .setEffect(Effect.EFFECT_ALLOW)
                                        .addThrough("operator")
                                        .addThrough("viewer")
                                        .setSource("roles.yaml:3"))))
                .build();

        assertThat(run("explain", "user:alice", "replay:1", "execute", "--env", "production"))
                .isEqualTo(3);

        assertThat(server.request(CheckRequest.class).getExplain()).isTrue();
        assertThat(out.toString())
                .contains(
                        "user:alice may not execute replay:1 in environment production of tenant acme.",
                        "│  └─ [out of scope] binding noc-operators gives role operator to group:noc  (bindings.yaml:12)",
                        "environment `production` is not among `staging`",
                        "allow by role viewer permissions[0], inherited: operator < viewer  (roles.yaml:3)");
    }
}
