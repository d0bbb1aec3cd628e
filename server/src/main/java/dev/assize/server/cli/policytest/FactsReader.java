package dev.assize.server.cli.policytest;

import dev.assize.server.cli.policytest.TestSuite.Facts;
import dev.assize.server.cli.policytest.TestSuite.GivenApproval;
import dev.assize.server.cli.policytest.TestSuite.PastAction;
import dev.assize.server.model.Action;
import dev.assize.server.model.Environment;
import dev.assize.server.model.MalformedException;
import dev.assize.server.model.ResourcePath;
import dev.assize.server.model.Subject;
import dev.assize.server.model.TenantId;
import dev.assize.server.policy.Fields;
import dev.assize.server.policy.Forms;
import dev.assize.server.policy.Problems;
import dev.assize.server.policy.YamlNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.stream.Stream;

/** Reads what a suite or a case takes for granted: what the ledger shows, and what was approved. */
final class FactsReader {

    private static final String OUTCOME_EXPECTED = "`SUCCESS`, `PARTIAL`, `FAILURE` or `DENIED`";

    private final Problems problems;
    private final TenantId home;

    FactsReader(Problems problems, TenantId home) {
        this.problems = problems;
        this.home = home;
    }

    /** The facts of a suite or a case, behind those that hold already. */
    Facts read(Fields fields, Facts known) {
        List<PastAction> history = entries(fields, "history", this::past);
        List<GivenApproval> approvals = entries(fields, "approvals", this::approval);
        return new Facts(
                Stream.concat(known.history().stream(), history.stream()).toList(),
                Stream.concat(known.approvals().stream(), approvals.stream()).toList());
    }

    private <T> List<T> entries(Fields fields, String key, BiFunction<String, YamlNode.Mapping, Optional<T>> read) {
        List<T> entries = new ArrayList<>();
        fields.optionalNode(key).ifPresent(node -> {
            int index = 0;
            for (YamlNode item : fields.items(key, node, "a list with at least one entry")) {
                String field = fields.nameOf(key) + "[" + index++ + "]";
                Fields.mapping(problems, field, item, "a mapping")
                        .flatMap(mapping -> read.apply(field + ".", mapping))
                        .ifPresent(entries::add);
            }
        });
        return entries;
    }

    private Optional<PastAction> past(String prefix, YamlNode.Mapping node) {
        Fields fields =
                new Fields(problems, prefix, node, List.of("actor", "action", "resource", "outcome", "at"), List.of());
        Optional<Subject> actor = fields.value("actor", "who did it", Subject::parseOfRequest);
        Optional<Action> action = fields.value("action", "what was done", Action::new);
        Optional<ResourcePath> resource = fields.value("resource", "what it was done to", ResourcePath::parse);
        boolean done = fields.optionalValue("outcome", FactsReader::isDone).orElse(true);
        Instant at = fields.optionalValue("at", Forms::time).orElse(Instant.EPOCH);
        return actor.isEmpty() || action.isEmpty() || resource.isEmpty()
                ? Optional.empty()
                : Optional.of(new PastAction(actor.get(), action.get(), resource.get(), done, at));
    }

    private static boolean isDone(String outcome) {
        return switch (outcome) {
            case "SUCCESS", "PARTIAL" -> true;
            case "FAILURE", "DENIED" -> false;
            default -> throw new MalformedException(outcome, OUTCOME_EXPECTED);
        };
    }

    private Optional<GivenApproval> approval(String prefix, YamlNode.Mapping node) {
        Fields fields = new Fields(
                problems,
                prefix,
                node,
                List.of(
                        "requester",
                        "subject",
                        "subjectTenant",
                        "action",
                        "resource",
                        "environment",
                        "requestedAt",
                        "approvedBy",
                        "rejectedBy",
                        "resolvedAt",
                        "cancelledAt",
                        "usedAt"),
                List.of());
        Optional<Subject> subject = fields.value("subject", "who may act once it is approved", Subject::parseOfRequest);
        Optional<Action> action = fields.value("action", "what is to be approved", Action::new);
        Optional<ResourcePath> resource = fields.value("resource", "on what", ResourcePath::parse);
        Optional<Instant> requestedAt = fields.value("requestedAt", "when it was asked for", Forms::time);
        if (subject.isEmpty() || action.isEmpty() || resource.isEmpty() || requestedAt.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new GivenApproval(
                fields.optionalValue("requester", Subject::parseOfRequest).orElse(subject.get()),
                subject.get(),
                fields.optionalValue("subjectTenant", TenantId::new).orElse(home),
                action.get(),
                resource.get(),
                fields.optionalValue("environment", Environment::new).orElse(Environment.DEFAULT),
                requestedAt.get(),
                fields.optionalList("approvedBy", Subject::parseOfRequest).orElse(List.of()),
                fields.optionalValue("rejectedBy", Subject::parseOfRequest).orElse(null),
                fields.optionalValue("resolvedAt", Forms::time).orElse(requestedAt.get()),
                fields.optionalValue("cancelledAt", Forms::time).orElse(null),
                fields.optionalValue("usedAt", Forms::time).orElse(null)));
    }
}
