package dev.assize.server.app;

import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Stage;
import dev.assize.server.anchor.OutsideCorruptException;
import dev.assize.server.anchor.OutsideUnavailableException;
import dev.assize.server.anchor.Rebinding;
import dev.assize.server.anchor.Rebinding.Findings;
import dev.assize.server.anchor.Rebinding.NotLostException;
import dev.assize.server.cli.CommandException;
import dev.assize.server.cli.ExitCodes;
import dev.assize.server.cli.Surroundings;
import dev.assize.server.ledger.LedgerHaltedException;
import dev.assize.server.ledger.LedgerUnanchoredException;
import dev.assize.server.ledger.Receipt;
import dev.assize.server.secret.OwnedFileException;
import dev.assize.server.storage.Database;
import dev.assize.server.storage.StorageException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Binds the database to a new place outside, where the one before is lost. */
@Command(
        name = "rebind",
        mixinStandardHelpOptions = true,
        description = {
            "Keeps the heads in the place that is configured now, where the one before is lost for good. Stop the servers"
                    + " first. Verifies every ledger by the database's own checkpoints and prints what it finds; with"
                    + " --force and --reason it then makes the new copy, halts what failed, and records it in the ledger of"
                    + " tenant assize.",
            "What only the lost copy could show, that the database has lost entries since or was put back, can never be"
                    + " shown again. If the objects of the old place are anywhere, copy them instead."
        })
final class AnchorRebindCommand implements Callable<Integer> {

    private static final int MAX_REASON = 1_024;

    @Mixin
    private StartOptions options = new StartOptions();

    @Option(names = "--force", description = "Do it, and not only print what is found.")
    private boolean force;

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why; it is recorded. Needed with --force.")
    private @Nullable String reason;

    @Spec
    private @Nullable CommandSpec spec;

    private final Surroundings surroundings;

    AnchorRebindCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() {
        if (spec == null) {
            throw new IllegalStateException("Not run by a command line");
        }
        String why = reason == null ? "" : reason.strip();
        if (force && why.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--force needs --reason: it is recorded");
        }
        if (why.length() > MAX_REASON) {
            throw new ParameterException(
                    spec.commandLine(), "--reason: expected at most " + MAX_REASON + " characters");
        }
        ServerConfig config = options.read(surroundings);
        PrintWriter out = spec.commandLine().getOut();
        try {
            return run(config, why, out);
        } catch (NotLostException
                | OutsideUnavailableException
                | OutsideCorruptException
                | LedgerUnanchoredException
                | LedgerHaltedException
                | OwnedFileException
                | StorageException e) {
            throw new CommandException(String.valueOf(e.getMessage()), e);
        } finally {
            out.flush();
        }
    }

    private int run(ServerConfig config, String why, PrintWriter out) {
        Injector injector = Guice.createInjector(Stage.DEVELOPMENT, new ServerModule(config));
        try (Database database = injector.getInstance(Database.class)) {
            database.start();
            Rebinding rebinding = injector.getInstance(Rebinding.class);
            Findings findings = rebinding.examine();
            print(findings, out);
            if (!force) {
                throw new CommandException("nothing was changed: what the lost copy alone could show would be given up;"
                        + " say --force --reason TEXT to go on without it");
            }
            Receipt entry = rebinding.rebind(findings, why);
            out.println("bound      entry " + entry.seq() + " of the ledger of tenant assize records it");
            return ExitCodes.DONE;
        }
    }

    private static void print(Findings findings, PrintWriter out) {
        out.println("lost       " + findings.from());
        out.println("new place  " + findings.place());
        out.println("verified   " + findings.entries() + " signed entries of " + findings.ledgers() + " ledgers");
        findings.metaFault().ifPresent(fault -> out.println("log of heads  " + fault));
        findings.faults().forEach((tenant, fault) -> out.println("failed     " + tenant + ": " + fault));
    }
}
