package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.CleanUpGrantsRequest;
import dev.assize.proto.v1.CleanUpGrantsResponse;
import dev.assize.proto.v1.EndedGrant;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Deletes bindings that ended long ago, now. */
@Command(
        name = "clean-up",
        description = {
            "Deletes the bindings of --tenant that ended long ago, as one recorded change of at most 1000 of them. The server"
                    + " does so by itself once a day.",
            "What has a `metadata.manager` stays: whoever keeps it would write it again. Needs the permission `apply` on"
                    + " `policy`."
        })
public final class AccessCleanUpCommand extends ClientCommand {

    @Option(names = "--dry-run", description = "Show what would go, and change nothing.")
    private boolean dryRun;

    @Option(
            names = "--ended-for",
            paramLabel = "DURATION",
            description = "How long ago they ended, at least, for example 30d; default: as the server is configured.")
    private @Nullable Duration endedFor;

    AccessCleanUpCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        CleanUpGrantsRequest.Builder request =
                CleanUpGrantsRequest.newBuilder().setTenant(tenant()).setDryRun(dryRun);
        if (endedFor != null) {
            request.setEndedFor(FreezeCommand.wire(endedFor));
        }
        CleanUpGrantsResponse response = connection.access().cleanUpGrants(request.build());
        if (wantsJson()) {
            print(json(response));
            return ExitCodes.DONE;
        }
        Table table = new Table("BINDING", "ROLE", "SUBJECTS", "ENDED");
        response.getGrantsList()
                .forEach(it -> table.row(
                        it.getBinding(),
                        it.getRole(),
                        String.join(",", it.getSubjectsList()),
                        Answers.time(it.getNotAfter())));
        if (response.getGrantsCount() > 0) {
            table.print(out());
        }
        out().println(verdict(response));
        return ExitCodes.DONE;
    }

    private String verdict(CleanUpGrantsResponse response) {
        String more = response.getTruncated() ? "; there are more" : "";
        String bindings = response.getGrantsCount() + (response.getGrantsCount() == 1 ? " binding" : " bindings");
        if (dryRun) {
            return "WOULD DELETE " + bindings + more;
        }
        return response.getRevision() == 0
                ? "NOTHING TO DELETE"
                : "DELETED " + bindings + "  revision " + response.getRevision() + ", recorded as entry "
                        + response.getSeq() + more;
    }

    private ObjectNode json(CleanUpGrantsResponse response) {
        ObjectNode json = object().put("dryRun", dryRun)
                .put("truncated", response.getTruncated())
                .put("revision", response.getRevision())
                .put("seq", response.getSeq());
        ArrayNode grants = json.putArray("grants");
        for (EndedGrant it : response.getGrantsList()) {
            ObjectNode grant = grants.addObject()
                    .put("binding", it.getBinding())
                    .put("role", it.getRole())
                    .put("notAfter", Answers.time(it.getNotAfter()));
            it.getSubjectsList().forEach(grant.putArray("subjects")::add);
        }
        return json;
    }
}
