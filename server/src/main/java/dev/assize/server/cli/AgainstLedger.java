package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Duration;
import dev.assize.proto.v1.AnswerChange;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.DecisionFlip;
import dev.assize.proto.v1.LedgerComparison;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Asks for, and shows, which decisions on record a change would turn. */
final class AgainstLedger {

    @Option(
            names = "--against-ledger",
            paramLabel = "PERIOD",
            description =
                    "Also put the decisions on record of the last 7d, 12h and so on to the policy as it is and as it"
                            + " would be, and show which would be others.")
    private @Nullable String period;

    boolean isAsked() {
        return period != null;
    }

    void addTo(ApplyPolicyHeader.Builder header, ServerCommand command) {
        if (period == null) {
            return;
        }
        try {
            java.time.Duration parsed = Times.parseDuration(period);
            header.setAgainstLedger(
                    Duration.newBuilder().setSeconds(parsed.getSeconds()).setNanos(parsed.getNano()));
        } catch (TypeConversionException malformed) {
            throw command.usage("--against-ledger " + malformed.getMessage());
        }
    }

    static void print(ApplyPolicyResponse response, ClientCommand command) {
        response.getAgainstLedgerList().forEach(comparison -> print(comparison, command));
    }

    private static void print(LedgerComparison comparison, ClientCommand command) {
        command.out()
                .println(Printable.text("tenant " + comparison.getTenant() + ", on record since "
                        + Answers.time(comparison.getFrom()) + ": of " + comparison.getDecisions()
                        + (comparison.getComplete() ? "" : " (the newest; there are more)")
                        + (comparison.getDecisions() == 1 ? " decision " : " decisions ") + comparison.getFlipped()
                        + " would be another"));
        if (comparison.getFlipsCount() > 0) {
            Table table = new Table("SUBJECT", "ACTION", "RESOURCE", "ENV", "FROM", "TO", "BY", "TIMES", "LAST");
            for (DecisionFlip flip : comparison.getFlipsList()) {
                AnswerChange change = flip.getChange();
                table.row(
                        PolicyImpact.subject(change, comparison.getTenant())
                                + (flip.getOnBehalfOf().isEmpty() ? "" : " for " + flip.getOnBehalfOf()),
                        change.getAction(),
                        change.getResource(),
                        change.getEnv() + (change.getRunId().isEmpty() ? "" : ", run " + change.getRunId()),
                        PolicyImpact.text(change.getFrom()),
                        PolicyImpact.text(change.getTo()),
                        PolicyImpact.by(change),
                        flip.getAllowed() + flip.getDenied(),
                        flip.getDecisionId());
            }
            table.print(command.out());
        }
        note(comparison.getFlipCount() - comparison.getFlipsCount(), "more requests are not shown", command);
        note(comparison.getOpen(), "decisions may be others: attributes of their requests are not on record", command);
        note(comparison.getOutside(), "decisions rest on history or approvals, too, which are not asked here", command);
        note(comparison.getMoved(), "decisions would be others already by the present policy", command);
        note(comparison.getUnreadable(), "decisions cannot be asked again by this version", command);
    }

    private static void note(long count, String what, ClientCommand command) {
        if (count > 0) {
            command.out().println("  ! " + count + " " + what);
        }
    }

    static void addTo(ObjectNode json, ApplyPolicyResponse response) {
        if (response.getAgainstLedgerCount() == 0) {
            return;
        }
        ArrayNode comparisons = json.putArray("againstLedger");
        for (LedgerComparison comparison : response.getAgainstLedgerList()) {
            ObjectNode to = comparisons
                    .addObject()
                    .put("tenant", comparison.getTenant())
                    .put("from", Answers.time(comparison.getFrom()))
                    .put("decisions", comparison.getDecisions())
                    .put("complete", comparison.getComplete())
                    .put("requests", comparison.getRequests())
                    .put("flipCount", comparison.getFlipCount())
                    .put("flipped", comparison.getFlipped())
                    .put("open", comparison.getOpen())
                    .put("moved", comparison.getMoved())
                    .put("outside", comparison.getOutside())
                    .put("unreadable", comparison.getUnreadable());
            ArrayNode flips = to.putArray("flips");
            for (DecisionFlip flip : comparison.getFlipsList()) {
                PolicyImpact.json(flip.getChange(), flips.addObject())
                        .put("onBehalfOf", flip.getOnBehalfOf())
                        .put("onBehalfOfTenant", flip.getOnBehalfOfTenant())
                        .put("allowed", flip.getAllowed())
                        .put("denied", flip.getDenied())
                        .put("decisionId", flip.getDecisionId());
            }
        }
    }
}
