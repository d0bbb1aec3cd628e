package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.EraseActorRequest;
import dev.assize.proto.v1.EraseActorResponse;
import dev.assize.proto.v1.EraseAuditRequest;
import dev.assize.proto.v1.EraseAuditResponse;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Erases what entries keep so that it can be erased. */
@Command(
        name = "erase",
        description = {
            "Erases values that entries of --tenant keep so that they can be erased, and records that it was done. All or"
                    + " none; what is erased already stays so. Entries, hashes and proofs stay what they are. An entry under"
                    + " a legal hold is not touched. With --actor it is the name behind a pseudonym that is erased.",
            "@|bold This cannot be undone.|@ Backups and exports that hold the values are not reached by it."
        })
public final class AuditEraseCommand extends ClientCommand {

    @Option(
            names = "--seq",
            split = ",",
            paramLabel = "SEQ",
            description = "Position of an entry; may be repeated, or several with commas between them.")
    private List<Long> seqs = new ArrayList<>();

    @Option(
            names = "--actor",
            paramLabel = "ACTOR",
            description =
                    "A pseudonym, or the subject that it stands for: entries keep the pseudonym, and nobody can tell"
                            + " any more whose it was.")
    private String actor = "";

    @Option(
            names = "--field",
            paramLabel = "FIELD",
            description = "payload, reason or on_behalf_of; may be repeated. Default: all that can be erased of each.")
    private List<String> fields = new ArrayList<>();

    @Option(
            names = "--basis",
            required = true,
            paramLabel = "TEXT",
            description = "On what basis, for the record, such as the number of a request; without personal data.")
    private String basis = "";

    AuditEraseCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        if (actor.isEmpty() == seqs.isEmpty() || (!actor.isEmpty() && !fields.isEmpty())) {
            throw usage("give --seq, with or without --field, or --actor alone");
        }
        return actor.isEmpty() ? eraseValues(connection) : eraseName(connection);
    }

    private int eraseName(Connection connection) {
        EraseActorResponse answer = connection
                .ledger()
                .eraseActor(EraseActorRequest.newBuilder()
                        .setTenant(tenant())
                        .setActor(actor)
                        .setBasis(basis)
                        .build());
        if (wantsJson()) {
            print(object().put("pseudonym", answer.getPseudonym())
                    .put("recordedSeq", answer.getEntry().getSeq()));
        } else {
            out().println("erased the name behind " + answer.getPseudonym() + ", recorded as entry "
                    + answer.getEntry().getSeq());
        }
        return ExitCodes.DONE;
    }

    private int eraseValues(Connection connection) {
        EraseAuditResponse answer = connection
                .ledger()
                .eraseAudit(EraseAuditRequest.newBuilder()
                        .setTenant(tenant())
                        .addAllSeqs(seqs)
                        .addAllFields(fields)
                        .setBasis(basis)
                        .build());
        if (wantsJson()) {
            ObjectNode json = object();
            ArrayNode erasures = json.putArray("erasures");
            answer.getErasuresList().forEach(erasure -> {
                ArrayNode names = erasures.addObject()
                        .put("seq", erasure.getSeq())
                        .put("recordedSeq", erasure.getEntry().getSeq())
                        .putArray("fields");
                erasure.getFieldsList().forEach(names::add);
            });
            print(json);
        } else {
            Table table = new Table("SEQ", "ERASED", "RECORDED AS");
            answer.getErasuresList()
                    .forEach(erasure -> table.row(
                            erasure.getSeq(),
                            erasure.getFieldsCount() == 0 ? "before" : String.join(", ", erasure.getFieldsList()),
                            erasure.getEntry().getSeq()));
            table.print(out());
        }
        return ExitCodes.DONE;
    }
}
