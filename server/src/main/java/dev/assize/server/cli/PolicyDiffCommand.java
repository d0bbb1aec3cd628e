package dev.assize.server.cli;

import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Shows what applying would change. */
@Command(
        name = "diff",
        description = "Shows what applying the files would change on the server, of documents that it would replace the"
                + " lines, and whose answers would be others; changes nothing.")
public final class PolicyDiffCommand extends ClientCommand {

    @Parameters(arity = "1..*", paramLabel = "DIR|FILE", description = "Policy files, or directories of them.")
    private List<Path> paths = new ArrayList<>();

    PolicyDiffCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) throws Exception {
        ApplyPolicyResponse response = PolicyChange.send(
                connection, ApplyPolicyHeader.newBuilder().setDryRun(true).build(), PolicyFiles.read(paths), List.of());
        if (wantsJson()) {
            print(PolicyChange.json(response));
        } else {
            PolicyChange.print(response, this);
        }
        return PolicyChange.exitCode(response);
    }
}
