package dev.assize.server.app.witness;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.server.anchor.FileOutsideStore;
import dev.assize.server.anchor.OutsideUnavailableException;
import dev.assize.server.cli.CommandException;
import dev.assize.server.cli.ConnectionOptions;
import dev.assize.server.cli.ExitCodes;
import dev.assize.server.cli.Surroundings;
import dev.assize.server.ledger.note.MalformedNoteException;
import dev.assize.server.ledger.note.NoteSigner;
import dev.assize.server.ledger.note.WitnessKey;
import dev.assize.server.secret.OwnedFileException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs a witness until it is told to stop. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        description = {
            "Signs checkpoints of the logs named by --log where each continues the one signed before, and keeps the last"
                    + " of each. Run it where whoever runs the logs has no rights. Ctrl-C stops it."
        })
final class WitnessServeCommand implements Callable<Integer> {

    private static final int MAX_PORT = 65_535;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            description = "Where its key and what it saw are kept; default: witness, in $$ASSIZE_HOME.")
    private @Nullable Path home;

    @Option(
            names = "--log",
            paramLabel = "VKEY[@ORIGIN]",
            required = true,
            description =
                    "A log to watch, by a key that signs its checkpoints (a line of signing-keys/verifiers); may be"
                            + " given several times. Without an origin: the log of heads of the deployment whose key it is.")
    private List<String> logs = new ArrayList<>();

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            description = "The address to listen on; default: ${DEFAULT-VALUE}.")
    private String host = "127.0.0.1";

    @Option(
            names = "--port",
            paramLabel = "PORT",
            description = "The port, 0 for any free one; default: ${DEFAULT-VALUE}.")
    private int port = 7490;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "Under which it signs, for example witness.example.com; the first start makes the key, and it"
                    + " stays. Default: assize.local/witness.")
    private @Nullable String name;

    @Option(names = "--output", paramLabel = "table|json", description = "How to print the key; default: table.")
    private ConnectionOptions.@Nullable Output output;

    @Spec
    private @Nullable CommandSpec spec;

    private final Surroundings surroundings;

    WitnessServeCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws InterruptedException {
        if (spec == null) {
            throw new IllegalStateException("Not run by a command line");
        }
        if (port < 0 || port > MAX_PORT) {
            throw new ParameterException(spec.commandLine(), "--port `" + port + "`: expected 0 to " + MAX_PORT);
        }
        Witness witness = witness(spec);
        WitnessServer server = open(witness);
        try {
            print(spec, witness, server.port());
            CountDownLatch stopped = new CountDownLatch(1);
            // The process ends when its hooks have: the one under way must be answered by then.
            Runtime.getRuntime()
                    .addShutdownHook(new Thread(
                            () -> {
                                server.close();
                                stopped.countDown();
                            },
                            "stop"));
            stopped.await();
        } finally {
            server.close();
        }
        return ExitCodes.DONE;
    }

    private Witness witness(CommandSpec command) {
        List<WatchedLog> watched;
        try {
            watched = WatchedLog.parse(logs);
        } catch (NotProvenException e) {
            throw new ParameterException(command.commandLine(), "--log: " + e.getMessage(), e);
        }
        Path directory = home == null ? surroundings.home().resolve("witness") : home.toAbsolutePath();
        try {
            NoteSigner signer = WitnessKey.open(directory.resolve("key"), Optional.ofNullable(name));
            return new Witness(signer, watched, new FileOutsideStore(directory.resolve("logs")), surroundings.clock());
        } catch (OwnedFileException | OutsideUnavailableException | MalformedNoteException e) {
            throw new CommandException(String.valueOf(e.getMessage()), e);
        } catch (NotProvenException e) {
            throw new CommandException(
                    "what is kept in " + directory.resolve("logs") + " is not what this witness has signed: "
                            + e.getMessage(),
                    e);
        }
    }

    private WitnessServer open(Witness witness) {
        try {
            return WitnessServer.start(witness, host, port);
        } catch (IOException | RuntimeException e) {
            throw new CommandException(
                    "cannot listen on " + host + ":" + port + ": " + e.getMessage() + "; see --host and --port", e);
        }
    }

    private void print(CommandSpec command, Witness witness, int opened) {
        PrintWriter out = command.commandLine().getOut();
        String url = "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + opened;
        if (ConnectionOptions.wantsJson(output, command)) {
            ObjectNode json = JsonNodeFactory.instance.objectNode();
            out.println(json.put("url", url).put("verifierKey", witness.verifierKey()));
        } else {
            out.println("Witness at " + url);
            out.println("  key  " + witness.verifierKey());
            out.println("Ctrl-C stops it.");
        }
        out.flush();
    }
}
