package dev.assize.server.cli;

import picocli.CommandLine.Command;

/** Who holds what. */
@Command(
        name = "access",
        mixinStandardHelpOptions = true,
        description = "Who holds what, by whom, and when it was last used.",
        subcommands = {AccessReviewCommand.class, AccessCleanUpCommand.class})
public final class AccessCommand {}
