package dev.assize.server.cli;

import dev.assize.client.ledger.DecisionField;
import dev.assize.client.ledger.DecisionProof;
import dev.assize.client.ledger.DecisionRecord;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Gets and verifies the proof that one decision is on record. */
@Command(
        name = "decision",
        description =
                "Verifies that a decision of --tenant is on record, and shows it. With --output it keeps the proof in a file:"
                        + " the decision, the entry that vouches for it, and a signed checkpoint, without a word about other"
                        + " decisions. `assize audit verify FILE` verifies it without a server.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:no proof could be had", "2:usage", "3:the record is not what was signed"})
public final class AuditDecisionCommand extends ProofCommand {

    private static final List<DecisionField> SHOWN = List.of(
            DecisionField.SUBJECT,
            DecisionField.ON_BEHALF_OF,
            DecisionField.ACTION,
            DecisionField.RESOURCE,
            DecisionField.ENV,
            DecisionField.REASON,
            DecisionField.DELEGATOR_REASON,
            DecisionField.BINDING,
            DecisionField.ROLE,
            DecisionField.FREEZE,
            DecisionField.SEPARATION_OF_DUTY,
            DecisionField.APPROVAL_RULE,
            DecisionField.CALLER);

    @Parameters(paramLabel = "ID", description = "The decision's id, as the answer named it.")
    private String id = "";

    AuditDecisionCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) throws Exception {
        if (output().isGiven()) {
            requireOutput();
        }
        return proving((proofs, keys) -> {
            DecisionProof proof = proofs.proveDecision(id);
            DecisionRecord record = proof.verify(keys).record();
            out().println("PROVEN  decision " + Printable.text(id)
                    + (output().isGiven()
                            ? ", in "
                                    + output().write(to -> {
                                        to.write(proof.toString().getBytes(StandardCharsets.UTF_8));
                                        return output().toString();
                                    })
                            : ""));
            show(record, (name, value) -> out().println(line(name, value)));
        });
    }

    /** What the record says, by name. */
    static void show(DecisionRecord record, BiConsumer<String, String> shown) {
        shown.accept("decision", record.isAllow() ? "ALLOW" : "DENY");
        shown.accept("decided_at", record.decidedAt().toString());
        for (DecisionField field : SHOWN) {
            record.text(field).ifPresent(text -> shown.accept(field.name().toLowerCase(Locale.ROOT), text));
        }
        shown.accept(
                "revision",
                record.number(DecisionField.REVISION).orElse(0) + ", platform "
                        + record.number(DecisionField.PLATFORM_REVISION).orElse(0));
    }

    static String line(String name, String value) {
        return name + " ".repeat(Math.max(1, 20 - name.length())) + Printable.text(value);
    }
}
