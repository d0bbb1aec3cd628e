package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.DecidedBy;
import dev.assize.proto.v1.Decision;
import dev.assize.proto.v1.QueryDecisionsRequest;
import dev.assize.proto.v1.QueryDecisionsResponse;
import dev.assize.proto.v1.Reason;
import dev.assize.proto.v1.RecordedDecision;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Finds decisions on record. */
@Command(
        name = "decisions",
        description =
                "Finds decisions of --tenant that are on record, newest first. All conditions given must hold. Which decisions"
                        + " go on record says `audit.decisionLog` of the tenant.")
public final class AuditDecisionsCommand extends ClientCommand {

    @Option(names = "--from", paramLabel = "TIME", description = "Decided at or after, as 2026-02-22T14:02:00Z.")
    private @Nullable Instant from;

    @Option(names = "--to", paramLabel = "TIME", description = "Decided before.")
    private @Nullable Instant to;

    @Option(names = "--subject", paramLabel = "SUBJECT", description = "About whom.")
    private String subject = "";

    @Option(names = "--action", paramLabel = "ACTION", description = "What was to be done.")
    private String action = "";

    @Option(names = "--resource", paramLabel = "RESOURCE", description = "On what, with everything under it.")
    private String resource = "";

    @Option(names = "--decision", paramLabel = "DECISION", description = "allow or deny.")
    private @Nullable Answer decision;

    @Option(names = "--reason", paramLabel = "REASON", description = "Why, as NO_GRANT.")
    private String reason = "";

    @Option(names = "--id", paramLabel = "ID", description = "The one of that id.")
    private String id = "";

    @Option(names = "--oldest-first", description = "From the beginning.")
    private boolean ascending;

    @Option(names = "--limit", paramLabel = "N", description = "At most so many; default: ${DEFAULT-VALUE}.")
    private int limit = 100;

    AuditDecisionsCommand(Surroundings surroundings) {
        super(surroundings);
    }

    /** What was decided. */
    enum Answer {
        allow,
        deny
    }

    @Override
    int run(Connection connection) {
        List<RecordedDecision> found = fetch(connection, request());
        if (wantsJson()) {
            print(json(found));
        } else {
            table(found).print(out());
        }
        return ExitCodes.DONE;
    }

    private QueryDecisionsRequest.Builder request() {
        QueryDecisionsRequest.Builder request = QueryDecisionsRequest.newBuilder()
                .setTenant(tenant())
                .setSubject(subject)
                .setAction(action)
                .setResource(resource)
                .setReason(reason())
                .setDecisionId(id)
                .setAscending(ascending);
        if (decision != null) {
            request.setDecision(decision == Answer.allow ? Decision.DECISION_ALLOW : Decision.DECISION_DENY);
        }
        if (from != null) {
            request.setFrom(Times.timestamp(from));
        }
        if (to != null) {
            request.setTo(Times.timestamp(to));
        }
        return request;
    }

    private Reason reason() {
        if (reason.isEmpty()) {
            return Reason.REASON_UNSPECIFIED;
        }
        Set<String> known = Stream.of(Reason.values())
                .filter(each -> each != Reason.UNRECOGNIZED && each != Reason.REASON_UNSPECIFIED)
                .map(each -> Answers.bare(each.name(), "REASON_"))
                .collect(Collectors.toSet());
        if (!known.contains(reason.toUpperCase(Locale.ROOT))) {
            throw usage("--reason `" + reason + "`: expected a reason, such as NO_GRANT");
        }
        return Reason.valueOf("REASON_" + reason.toUpperCase(Locale.ROOT));
    }

    private List<RecordedDecision> fetch(Connection connection, QueryDecisionsRequest.Builder request) {
        List<RecordedDecision> found = new ArrayList<>();
        do {
            QueryDecisionsResponse response = connection
                    .decisions()
                    .queryDecisions(request.setPageSize(Math.clamp(limit - found.size(), 1, 1000))
                            .setIncludeRecords(wantsJson())
                            .build());
            found.addAll(response.getDecisionsList());
            request.setPageToken(response.getNextPageToken());
        } while (!request.getPageToken().isEmpty() && found.size() < limit);
        return found;
    }

    private static Table table(List<RecordedDecision> found) {
        Table table =
                new Table("ID", "DECIDED", "SUBJECT", "ACTION", "RESOURCE", "ENV", "DECISION", "REASON", "BY", "ENTRY");
        for (RecordedDecision decision : found) {
            table.row(
                    decision.getDecisionId(),
                    Answers.time(decision.getDecidedAt()),
                    decision.getSubject()
                            + (decision.getOnBehalfOf().isEmpty() ? "" : " for " + decision.getOnBehalfOf()),
                    decision.getAction(),
                    decision.getResource(),
                    decision.getEnv(),
                    Answers.bare(decision.getDecision().name(), "DECISION_"),
                    Answers.bare(decision.getReason().name(), "REASON_"),
                    by(decision.getDecidedBy()),
                    decision.getSeq());
        }
        return table;
    }

    private static String by(DecidedBy by) {
        return Stream.of(by.getBinding(), by.getFreeze(), by.getSeparationOfDuty(), by.getApprovalRule())
                .filter(name -> !name.isEmpty())
                .findFirst()
                .orElse("");
    }

    private static ObjectNode json(List<RecordedDecision> found) {
        ObjectNode json = object();
        ArrayNode array = json.putArray("decisions");
        for (RecordedDecision decision : found) {
            DecidedBy by = decision.getDecidedBy();
            ObjectNode node = array.addObject()
                    .put("decisionId", decision.getDecisionId())
                    .put("seq", decision.getSeq())
                    .put("position", decision.getPosition())
                    .put("decidedAt", Answers.time(decision.getDecidedAt()))
                    .put("caller", decision.getCaller())
                    .put("callerTenant", decision.getCallerTenant())
                    .put("subject", decision.getSubject())
                    .put("subjectTenant", decision.getSubjectTenant())
                    .put("onBehalfOf", decision.getOnBehalfOf())
                    .put("onBehalfOfTenant", decision.getOnBehalfOfTenant())
                    .put("action", decision.getAction())
                    .put("resource", decision.getResource())
                    .put("env", decision.getEnv())
                    .put("runId", decision.getRunId())
                    .put("decision", Answers.bare(decision.getDecision().name(), "DECISION_"))
                    .put("reason", Answers.bare(decision.getReason().name(), "REASON_"))
                    .put(
                            "delegatorReason",
                            decision.getDelegatorReason() == Reason.REASON_UNSPECIFIED
                                    ? ""
                                    : Answers.bare(decision.getDelegatorReason().name(), "REASON_"))
                    .put("binding", by.getBinding())
                    .put("role", by.getRole())
                    .put("rule", by.getRule())
                    .put("freeze", by.getFreeze())
                    .put("separationOfDuty", by.getSeparationOfDuty())
                    .put("approvalRule", by.getApprovalRule())
                    .put("revision", decision.getRevision())
                    .put("platformRevision", decision.getPlatformRevision())
                    .put("approvalId", decision.getApprovalId())
                    .put("attributesDigest", PolicyChange.hex(decision.getAttributesDigest()))
                    .put("traceContext", decision.getTraceContext())
                    .put(
                            "record",
                            Base64.getEncoder()
                                    .encodeToString(decision.getRecord().toByteArray()));
            decision.getActiveRolesList().forEach(node.putArray("activeRoles")::add);
            decision.getObligationIdsList().forEach(node.putArray("obligationIds")::add);
        }
        return json;
    }
}
