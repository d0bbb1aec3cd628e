package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.ListRevisionsResponse;
import dev.assize.proto.v1.PolicyRevision;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists the accepted changes. */
@Command(name = "history", description = "Lists the accepted changes of --tenant, or of the platform, newest first.")
public final class PolicyHistoryCommand extends ClientCommand {

    @Option(names = "--platform", description = "The platform's own changes.")
    private boolean platform;

    @Option(
            names = "--limit",
            paramLabel = "N",
            converter = Count.class,
            description = "At most so many; default: ${DEFAULT-VALUE}.")
    private int limit = 100;

    PolicyHistoryCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        List<PolicyRevision> revisions = fetch(connection, platform ? "" : tenant(), limit);
        if (wantsJson()) {
            print(json(revisions));
        } else {
            Table table =
                    new Table("REVISION", "COMMITTED", "BY", "THROUGH", "ACCEPTED BY", "CHANGES", "ENTRY", "REASON");
            revisions.forEach(it -> table.row(
                    it.getRevision(),
                    Answers.time(it.getCommittedAt()),
                    it.getActor(),
                    through(it),
                    String.join(", ", it.getApproversList()),
                    it.getChangeCount(),
                    it.getSeq(),
                    it.getReason()));
            table.print(out());
        }
        return ExitCodes.DONE;
    }

    /** The latest changes of a tenant, or of the platform where it has no name, newest first. */
    static List<PolicyRevision> fetch(Connection connection, String tenant, int limit) {
        List<PolicyRevision> revisions = new ArrayList<>();
        String page = "";
        do {
            ListRevisionsResponse response = connection
                    .policy()
                    .listRevisions(ListRevisionsRequest.newBuilder()
                            .setTenant(tenant)
                            .setPageSize(Math.clamp(limit - revisions.size(), 1, 1000))
                            .setPageToken(page)
                            .build());
            revisions.addAll(response.getRevisionsList());
            page = response.getNextPageToken();
        } while (!page.isEmpty() && revisions.size() < limit);
        return revisions;
    }

    /** What made it; a proposal by its name. */
    private static String through(PolicyRevision revision) {
        return revision.getProposal().isEmpty() ? revision.getOrigin() : "proposal " + revision.getProposal();
    }

    static ObjectNode json(List<PolicyRevision> revisions) {
        ObjectNode json = object();
        ArrayNode to = json.putArray("revisions");
        revisions.forEach(it -> to.add(json(it)));
        return json;
    }

    static ObjectNode json(PolicyRevision revision) {
        ObjectNode json = object().put("revision", revision.getRevision())
                .put("committedAt", Answers.time(revision.getCommittedAt()))
                .put("actor", revision.getActor())
                .put("reason", revision.getReason())
                .put("changeCount", revision.getChangeCount())
                .put("changeDigest", PolicyChange.hex(revision.getChangeDigest()))
                .put("policyDigest", PolicyChange.hex(revision.getPolicyDigest()))
                .put("seq", revision.getSeq())
                .put("origin", revision.getOrigin())
                .put("proposal", revision.getProposal());
        revision.getApproversList().forEach(json.putArray("approvers")::add);
        return json;
    }
}
