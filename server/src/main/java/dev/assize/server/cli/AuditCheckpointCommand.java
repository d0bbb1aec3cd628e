package dev.assize.server.cli;

import dev.assize.client.ledger.LedgerHead;
import dev.assize.client.ledger.NotProvenException;
import dev.assize.client.ledger.SignedNote;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Gets what is to be kept elsewhere. */
@Command(
        name = "checkpoint",
        description = {
            "Prints the latest signed checkpoint of the ledger of --tenant, or keeps it in a file.",
            "Keep it where whoever runs the server cannot reach it: from it anyone can prove later that nothing before"
                    + " it was changed, with --continues or `assize audit verify FILE --checkpoint`."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:no checkpoint could be had", "2:usage", "3:the ledger is not what was signed"})
public final class AuditCheckpointCommand extends ProofCommand {

    @ArgGroup
    private @Nullable What what;

    @Option(
            names = "--continues",
            paramLabel = "FILE",
            description = "Requires the ledger to continue a checkpoint of it that was kept.")
    private @Nullable Path kept;

    /** What is wanted in place of the checkpoint. */
    static final class What {
        @Option(
                names = "--meta",
                description =
                        "The checkpoint of the log of heads instead, which is what is kept outside of the database.")
        private boolean meta;

        @Option(
                names = "--keys",
                description = "The keys that sign, one a line, for --vkeys. Compare them before you trust them.")
        private boolean keys;
    }

    AuditCheckpointCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) throws Exception {
        output().requireFree();
        SignedNote before = kept == null ? null : read(kept);
        return proving(proofs -> {
            if (before != null) {
                SignedNote _ = proofs.requireContinues(before);
            }
            keep(wanted(proofs.head()));
        });
    }

    private String wanted(LedgerHead head) {
        if (what != null && what.keys) {
            StringBuilder keys = new StringBuilder();
            head.keys().forEach(key -> keys.append(key).append('\n'));
            return keys.toString();
        }
        return (what != null && what.meta ? head.place().checkpoint() : head.checkpoint()).toString();
    }

    private void keep(String text) throws Exception {
        if (!output().isGiven()) {
            out().print(Printable.lines(text));
            return;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out().println("KEPT  "
                + output().write(to -> {
                    to.write(bytes);
                    return text.lines().findFirst().orElse("") + ", in " + output();
                }));
    }

    /** A checkpoint in a file. */
    static SignedNote read(Path file) {
        try {
            return SignedNote.parse(Files.readAllBytes(file));
        } catch (NotProvenException malformed) {
            throw new CommandException(file + " is no checkpoint: " + malformed.getMessage(), malformed);
        } catch (IOException unreadable) {
            throw new CommandException(file + " cannot be read", unreadable);
        }
    }
}
