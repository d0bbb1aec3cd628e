package dev.assize.server.app;

import dev.assize.server.cli.CommandException;
import dev.assize.server.cli.ExitCodes;
import dev.assize.server.cli.Surroundings;
import dev.assize.server.ledger.note.MalformedNoteException;
import dev.assize.server.ledger.note.SigningKeys;
import dev.assize.server.secret.OwnedFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The keys that sign checkpoints: files on this machine, which running servers read anew. */
@Command(
        name = "signing-key",
        mixinStandardHelpOptions = true,
        description =
                "Shows and rotates the key that signs checkpoints. Works on ledger.signingKeys; a running server takes"
                        + " what changes there within a second.",
        subcommands = {SigningKeyCommand.Show.class, SigningKeyCommand.Prepare.class, SigningKeyCommand.Activate.class})
final class SigningKeyCommand {

    /** What the three have in common. */
    abstract static class OfKeys implements Callable<Integer> {

        @Mixin
        private StartOptions options = new StartOptions();

        @Spec
        private @Nullable CommandSpec spec;

        private final Surroundings surroundings;

        OfKeys(Surroundings surroundings) {
            this.surroundings = surroundings;
        }

        @Override
        public Integer call() {
            if (spec == null) {
                throw new IllegalStateException("Not run by a command line");
            }
            Path directory = options.read(surroundings).anchor().signingKeys();
            try {
                String name = SigningKeys.name(directory)
                        .orElseThrow(() -> new CommandException(
                                "no signing key in " + directory + ": a server makes the first one when it starts"));
                work().apply(directory, name).forEach(spec.commandLine().getOut()::println);
            } catch (OwnedFileException | MalformedNoteException e) {
                throw new CommandException(String.valueOf(e.getMessage()), e);
            }
            spec.commandLine().getOut().flush();
            return ExitCodes.DONE;
        }

        /** Lines to print, given the directory and the name of its keys. */
        abstract BiFunction<Path, String, List<String>> work();
    }

    /** Shows the keys. */
    @Command(
            name = "show",
            mixinStandardHelpOptions = true,
            description = "Prints the public keys that verify, the one that signs first.")
    static final class Show extends OfKeys {
        Show(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        BiFunction<Path, String, List<String>> work() {
            return (directory, name) -> SigningKeys.reopen(directory, name).verifierKeys().stream()
                    .map(Object::toString)
                    .toList();
        }
    }

    /** Makes the next key, which does not sign yet. */
    @Command(
            name = "prepare",
            mixinStandardHelpOptions = true,
            description =
                    "Makes the next key and adds its public half to `verifiers`; it does not sign yet. Prints it. Give"
                            + " `verifiers` to every node, witness and verifier before `activate`.")
    static final class Prepare extends OfKeys {
        Prepare(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        BiFunction<Path, String, List<String>> work() {
            return (directory, name) ->
                    List.of(SigningKeys.prepare(directory, name).toString());
        }
    }

    /** Lets the key that was prepared sign. */
    @Command(
            name = "activate",
            mixinStandardHelpOptions = true,
            description =
                    "Lets the key that was prepared sign from now on, and deletes the private half of the one before."
                            + " Prints its public half. Give `signer` and `verifiers` to every node with a directory of its own.")
    static final class Activate extends OfKeys {
        Activate(Surroundings surroundings) {
            super(surroundings);
        }

        @Override
        BiFunction<Path, String, List<String>> work() {
            return (directory, name) -> List.of(
                    SigningKeys.activate(directory, name).signer().verifierKey().toString());
        }
    }
}
