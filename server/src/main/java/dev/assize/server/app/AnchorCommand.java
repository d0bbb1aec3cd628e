package dev.assize.server.app;

import picocli.CommandLine.Command;

/** The place outside of the database, seen to by who runs the server. */
@Command(
        name = "anchor",
        mixinStandardHelpOptions = true,
        description = "Sees to the place outside of the database where the ledgers' heads are kept.",
        subcommands = AnchorRebindCommand.class)
final class AnchorCommand {}
