package dev.assize.server.app.witness;

import picocli.CommandLine.Command;

/** A witness of others' logs. */
@Command(
        name = "witness",
        mixinStandardHelpOptions = true,
        description = "A witness: signs that the logs of others continue what it saw of them before.",
        subcommands = WitnessServeCommand.class)
public final class WitnessCommand {}
