package dev.assize.server.cli;

import dev.assize.server.policy.Problem;
import dev.assize.server.policy.SourceLayout;
import dev.assize.server.policy.SourceLayout.Laid;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes policy files in the layout that `export` prints. */
@Command(
        name = "fmt",
        mixinStandardHelpOptions = true,
        description = {
            "Writes policy files in the layout that `policy export` prints, and names those that it changed.",
            "Documents keep their order, and comments what they stand beside. Needs no server. A file in which something"
                    + " is wrong stays as it is."
        })
public final class PolicyFmtCommand implements Callable<Integer> {

    @Parameters(arity = "1..*", paramLabel = "DIR|FILE", description = "Policy files, or directories of them.")
    private List<Path> paths = new ArrayList<>();

    @Option(
            names = "--check",
            description = "Write nothing; name the files that would change, and exit with 3 if there are any.")
    private boolean check;

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        if (spec == null) {
            throw new IllegalStateException("Not run by a command line");
        }
        boolean refused = false;
        boolean changed = false;
        for (Path path : paths) {
            for (Path file : PolicyFiles.filesOf(path)) {
                byte[] content = PolicyFiles.contentOf(file);
                List<Problem> problems = new ArrayList<>();
                byte[] laid = laidOut(file, content, problems);
                if (!problems.isEmpty()) {
                    refused = true;
                    problems.forEach(it -> spec.commandLine().getErr().println(Printable.text(it.message())));
                } else if (!Arrays.equals(content, laid)) {
                    changed = true;
                    if (!check) {
                        replace(file, laid);
                    }
                    spec.commandLine().getOut().println(Printable.text(file.toString()));
                }
            }
        }
        if (refused) {
            return ExitCodes.ERROR;
        }
        return check && changed ? ExitCodes.NO : ExitCodes.DONE;
    }

    private static byte[] laidOut(Path file, byte[] content, List<Problem> problems) {
        StringBuilder text = new StringBuilder();
        for (PolicyFiles.Piece piece : PolicyFiles.cutAll(file.toString(), content)) {
            Laid laid = SourceLayout.of(piece.file(), piece.line(), piece.yaml());
            problems.addAll(laid.problems());
            text.append(laid.text());
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** Whole or not at all, where a link leads to, with the permissions that the file has. */
    private static void replace(Path link, byte[] content) throws IOException {
        try {
            Path file = link.toRealPath();
            Path part = Files.createTempFile(file.getParent(), "." + file.getFileName(), ".part");
            try {
                Files.write(part, content);
                PosixFileAttributeView view = Files.getFileAttributeView(part, PosixFileAttributeView.class);
                if (view != null) {
                    view.setPermissions(Files.getPosixFilePermissions(file));
                }
                move(part, file);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException unable) {
            throw new CommandException("cannot write " + link + ": " + unable.getMessage(), unable);
        }
    }

    private static void move(Path part, Path file) throws IOException {
        try {
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException otherwise) {
            Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
