package dev.assize.server.cli;

import dev.assize.proto.v1.ListRevisionsRequest;
import dev.assize.proto.v1.PolicyRevision;
import dev.assize.server.policy.DocumentReader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Option;

/** Deletes what files had that were applied earlier, and now no longer have. */
final class Pruning {

    private static final String PLATFORM = "platform";

    @Option(
            names = "--prune",
            description = "Delete what the same manager wrote earlier in the same tenants and the files no longer have;"
                    + " never a Tenant or a Freeze.")
    private boolean prune;

    @Option(
            names = "--manager",
            paramLabel = "NAME",
            description = "With --prune: whose documents these are, as their `metadata.manager` says. Default: the one"
                    + " that all documents of the files name.")
    private String manager = "";

    @Option(
            names = "--prune-in",
            paramLabel = "TENANT",
            description = "With --prune: also in this tenant (`platform` for the platform), of which the files may have"
                    + " nothing left; may be repeated.")
    private List<String> tenants = new ArrayList<>();

    void require(ClientCommand command, String idempotencyKey) {
        if (!prune && !manager.isEmpty()) {
            throw command.usage("--manager NAME goes with --prune");
        }
        if (!prune && !tenants.isEmpty()) {
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

    /** Whose documents go; empty for nobody's. */
    String manager(List<PolicyFiles.Piece> pieces, ClientCommand command) {
        if (!prune || !manager.isEmpty()) {
            return manager;
        }
        Set<String> named = new HashSet<>();
        for (PolicyFiles.Piece piece : pieces) {
            DocumentReader.read(piece.file(), piece.line(), piece.yaml())
                    .documents()
                    .forEach(it -> named.add(
                            it.metadata().manager() == null ? "" : it.metadata().manager()));
        }
        if (named.size() != 1 || named.contains("")) {
            throw command.usage(
                    "--prune: expected --manager NAME, or documents that all have the same `metadata.manager`");
        }
        return named.iterator().next();
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
