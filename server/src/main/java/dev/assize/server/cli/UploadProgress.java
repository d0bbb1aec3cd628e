package dev.assize.server.cli;

import picocli.CommandLine.Option;

/** Shows how far a change of many documents has come. */
final class UploadProgress {

    /** Fewer are sent and judged before anybody wonders. */
    private static final int MANY = 1_000;

    @Option(
            names = "--progress",
            description = "Show on standard error how many documents were sent; default: on a terminal, of " + MANY
                    + " or more.")
    private boolean shown;

    ProgressBar bar(ClientCommand command, int documents) {
        return new ProgressBar(command.err(), shown || (command.surroundings().terminal() && documents >= MANY));
    }
}
