package dev.assize.server.app;

import dev.assize.server.cli.ExitCodes;
import dev.assize.server.cli.Surroundings;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Starts a server and shows on it what Assize does. */
@Command(
        name = "quickstart",
        mixinStandardHelpOptions = true,
        description = {
            "Starts a server with its own PostgreSQL under $$ASSIZE_HOME (default ~/.assize), shows on the TraceFlux"
                    + " policy what Assize does, and keeps serving. Run again, it starts from the kept data."
        })
final class QuickstartCommand implements Callable<Integer> {

    @Option(names = "--exit", description = "Stop after the tour.")
    private boolean exit;

    @Mixin
    private StartOptions options = new StartOptions();

    @Spec
    private @Nullable CommandSpec spec;

    private final Surroundings surroundings;

    QuickstartCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws Exception {
        if (spec == null) {
            throw new IllegalStateException("Not run by a command line");
        }
        PrintWriter out = spec.commandLine().getOut();
        TourScreen screen = new TourScreen(out, surroundings.colours());
        screen.say("Assize " + Version.text()
                + ": decides who may do what, and keeps a record nobody can quietly change.");
        screen.step("Start the server");
        ServerConfig config = options.read(surroundings);
        screen.say("starting, data under " + config.home() + " (the very first start unpacks PostgreSQL) ...");
        try (ServerProcess<AssizeServer> process = ServerProcess.start(config)) {
            boolean asExpected =
                    new Tour(process.server(), screen, spec.commandLine().getErr(), surroundings.terminal()).run();
            if (exit) {
                return asExpected ? ExitCodes.DONE : ExitCodes.ERROR;
            }
            out.println();
            screen.say("Serving until Ctrl-C.");
            process.awaitStop();
            return ExitCodes.DONE;
        }
    }
}
