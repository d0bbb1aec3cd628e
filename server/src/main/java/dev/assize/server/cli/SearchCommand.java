package dev.assize.server.cli;

import picocli.CommandLine.Command;

/** Checks turned round: who may, on what, and what. */
@Command(
        name = "search",
        mixinStandardHelpOptions = true,
        description = "Who may do it, on what, or what? Says yes exactly where `check` would.",
        subcommands = {SearchSubjectsCommand.class, SearchResourcesCommand.class, SearchActionsCommand.class})
public final class SearchCommand {}
