package dev.assize.server.cli;

import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.PolicyRevision;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** Deletes what files had that were applied earlier, and now no longer have. */
final class Pruning extends PruneOptions {

    private static final String PLATFORM = "platform";

    @Option(
            names = "--prune-in",
            paramLabel = "TENANT",
            description = "With --prune: also in this tenant (`platform` for the platform), of which the files may have"
                    + " nothing left; may be repeated.")
    private List<String> tenants = new ArrayList<>();

    void require(ClientCommand command, String idempotencyKey) {
        require(command);
        if (!prunes() && !tenants.isEmpty()) {
            throw command.usage("--prune-in TENANT goes with --prune");
        }
        if (!tenants.isEmpty() && !idempotencyKey.isEmpty()) {
            throw command.usage("--prune-in asks for the present revision, which is another one after the change: with"
                    + " --idempotency-key give --expect TENANT=REVISION instead");
        }
    }

    /** Whether there is something to do without any file. */
    boolean namesTenants() {
        return !tenants.isEmpty();
    }

    /** A change covers the tenants whose documents it has, and those of which it says the revision. */
    Map<String, Long> revisions(Connection connection) {
        Map<String, Long> revisions = new LinkedHashMap<>();
        for (String tenant : tenants) {
            List<PolicyRevision> newest = connection
                    .policy()
                    .listRevisions(ListRevisionsRequest.newBuilder()
                            .setTenant(tenant.equals(PLATFORM) ? "" : tenant)
                            .setPageSize(1)
                            .build())
                    .getRevisionsList();
            revisions.put(tenant, newest.isEmpty() ? 0 : newest.getFirst().getRevision());
        }
        return revisions;
    }
}
