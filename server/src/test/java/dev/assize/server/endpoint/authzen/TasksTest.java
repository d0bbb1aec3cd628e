package dev.assize.server.endpoint.authzen;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.assize.server.administration.ApprovalResult.Done;
import dev.assize.server.administration.FiledApproval;
import dev.assize.server.decision.approval.ApprovalRequest;
import dev.assize.server.decision.approval.ApprovalRequest.PinnedRule;
import dev.assize.server.decision.approval.ApprovalRequest.Vote;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A task ends once, whatever becomes of the approval. */
class TasksTest {

    private static final TenantId ACME = new TenantId("acme");
    private static final Instant ASKED = Instant.parse("2026-03-01T12:00:00Z");
    private static final Duration WAITS = Duration.ofHours(1);
    private static final Duration HOLDS = Duration.ofMinutes(15);

    @Test
    void waitsUntilEveryoneHasSpoken() {
        assertThat(task(request(null, null), 10)).isEqualTo("pending");
        assertThat(task(request(null, null, yes("carol", 1)), 10)).isEqualTo("pending");
        assertThat(task(request(null, null, yes("carol", 1), yes("dave", 5)), 10))
                .isEqualTo("approved from 12:05 until 12:20");
    }

    @Test
    void whatWasNeverApprovedEndsOtherwise() {
        assertThat(task(request(null, null, yes("carol", 1), no("dave", 2)), 10))
                .isEqualTo("denied");
        assertThat(task(request(null, null, yes("carol", 1)), 60)).isEqualTo("expired");
        assertThat(task(request(2, null, yes("carol", 1)), 10)).isEqualTo("cancelled");
    }

    @Test
    void whatWasApprovedStaysSoUntilItWasOver() {
        Vote[] both = {yes("carol", 1), yes("dave", 5)};
        assertThat(task(request(null, null, both), 20)).isEqualTo("approved from 12:05 until 12:20");
        assertThat(task(request(null, null, both), 500)).isEqualTo("approved from 12:05 until 12:20");
        assertThat(task(request(null, 7, both), 10)).isEqualTo("approved from 12:05 until 12:07");
        assertThat(task(request(8, null, both), 10)).isEqualTo("approved from 12:05 until 12:08");
    }

    private static String task(ApprovalRequest request, int minutes) {
        Instant now = ASKED.plus(Duration.ofMinutes(minutes));
        FiledApproval filed = new FiledApproval(request, null, null, null, List.of(), List.of());
        Tasks tasks = new Tasks(new AuthzenConfig("https://pdp.example.com", true), InstantSource.fixed(now));
        JsonNode written = tasks.written(ACME, new Done(filed, filed.standing(List.of(), now)));
        assertThat(written.at("/task/status_endpoint").textValue())
                .isEqualTo("https://pdp.example.com/acme/access/v1/requests/1");
        JsonNode approval = written.at("/result/approval");
        return written.at("/task/status").textValue()
                + (approval.isMissingNode()
                        ? ""
                        : " from " + clock(approval.path("approved_at")) + " until "
                                + clock(approval.path("approved_until")));
    }

    private static String clock(JsonNode instant) {
        return instant.textValue().substring(11, 16);
    }

    private static Vote yes(String approver, int minutes) {
        return vote(approver, true, minutes);
    }

    private static Vote no(String approver, int minutes) {
        return vote(approver, false, minutes);
    }

    private static Vote vote(String approver, boolean approves, int minutes) {
        return new Vote(
                new Subject("user", approver),
                ACME,
                approves,
                List.of("payments"),
                null,
                ASKED.plus(Duration.ofMinutes(minutes)));
    }

    private static ApprovalRequest request(@Nullable Integer cancelled, @Nullable Integer used, Vote... votes) {
        return new ApprovalRequest(
                "1",
                ACME,
                new Subject("user", "alice"),
                ACME,
                new Subject("agent", "payments"),
                ACME,
                new Action("pay"),
                ResourcePath.parse("invoice:7"),
                Environment.DEFAULT,
                List.of(new PinnedRule("payments", 2, "approver", List.of("user"), WAITS, HOLDS, used != null)),
                Arrays.asList(votes),
                ASKED,
                cancelled == null ? null : ASKED.plus(Duration.ofMinutes(cancelled)),
                used == null ? null : ASKED.plus(Duration.ofMinutes(used)));
    }
}
