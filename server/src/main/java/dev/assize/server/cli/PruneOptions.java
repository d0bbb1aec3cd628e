package dev.assize.server.cli;

import dev.assize.server.policy.DocumentReader;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Option;

/** Options that say whose documents go that the files no longer have. */
class PruneOptions {

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

    /** That the options go together. */
    final void require(ClientCommand command) {
        if (!prune && !manager.isEmpty()) {
            throw command.usage("--manager NAME goes with --prune");
        }
    }

    final boolean prunes() {
        return prune;
    }

    /** Whose documents go; empty for nobody's. */
    final String manager(List<PolicyFiles.Piece> pieces, ClientCommand command) {
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
}
