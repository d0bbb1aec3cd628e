package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.IdentifyActorsRequest;
import dev.assize.proto.v1.IdentifyActorsResponse;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Says who stands behind pseudonyms. */
@Command(
        name = "identify",
        description = {
            "Says which subjects stand behind pseudonyms of --tenant's ledger, or which pseudonyms stand for subjects, and"
                    + " records that it was asked, without the names.",
            "`audit list --actor` then finds what was done under a pseudonym. Of what was erased, or never stood there,"
                    + " nothing is printed."
        })
public final class AuditIdentifyCommand extends ClientCommand {

    @Parameters(arity = "1..*", paramLabel = "ACTOR", description = "A pseudonym, as entries have it, or a subject.")
    private List<String> actors = new ArrayList<>();

    @Option(names = "--reason", required = true, paramLabel = "TEXT", description = "Why, for the record.")
    private String reason = "";

    AuditIdentifyCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        IdentifyActorsResponse answer = connection
                .ledger()
                .identifyActors(IdentifyActorsRequest.newBuilder()
                        .setTenant(tenant())
                        .addAllActors(actors)
                        .setReason(reason)
                        .build());
        if (wantsJson()) {
            ObjectNode json = object();
            ArrayNode array = json.putArray("actors");
            answer.getActorsList()
                    .forEach(actor -> array.addObject()
                            .put("pseudonym", actor.getPseudonym())
                            .put("subject", actor.getSubject())
                            .put("salt", PolicyChange.hex(actor.getSalt())));
            if (answer.hasEntry()) {
                json.put("recordedSeq", answer.getEntry().getSeq());
            }
            print(json);
        } else {
            Table table = new Table("SUBJECT", "PSEUDONYM");
            answer.getActorsList().forEach(actor -> table.row(actor.getSubject(), actor.getPseudonym()));
            table.print(out());
        }
        return ExitCodes.DONE;
    }
}
