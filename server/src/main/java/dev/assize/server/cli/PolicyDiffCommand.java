package dev.assize.server.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.DiffRevisionsRequest;
import dev.assize.proto.v1.DiffRevisionsResponse;
import dev.assize.proto.v1.PolicyRevision;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what applying would change, or what changed between two revisions. */
@Command(
        name = "diff",
        description = {
            "Shows what applying the files would change on the server, of documents that it would replace the lines, and"
                    + " whose answers would be others; changes nothing.",
            "With --from-revision or --to-revision and without files, shows what is not the same at two revisions of"
                    + " --tenant, or of the platform."
        })
public final class PolicyDiffCommand extends ClientCommand {

    @Parameters(arity = "0..*", paramLabel = "DIR|FILE", description = "Policy files, or directories of them.")
    private List<Path> paths = new ArrayList<>();

    @Option(
            names = "--from-revision",
            paramLabel = "N",
            converter = Count.class,
            description = "The one revision; default: the empty policy before the first.")
    private @Nullable Integer fromRevision;

    @Option(
            names = "--to-revision",
            paramLabel = "N",
            converter = Count.class,
            description = "The other revision; default: the present one.")
    private @Nullable Integer toRevision;

    @Option(names = "--platform", description = "With revisions: the platform's own.")
    private boolean platform;

    @Mixin
    private AgainstLedger ledger = new AgainstLedger();

    @Option(
            names = "--detailed-exitcode",
            description = "With files: exit with 3 where applying them would change something.")
    private boolean detailedExitCode;

    @Mixin
    private UploadProgress progress = new UploadProgress();

    PolicyDiffCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) throws Exception {
        boolean ofRevisions = fromRevision != null || toRevision != null;
        if (ofRevisions != paths.isEmpty()) {
            throw usage("expected DIR|FILE, or --from-revision and --to-revision");
        }
        if (ofRevisions && ledger.isAsked()) {
            throw usage("--against-ledger goes with files: decisions are put to what is and to what would be");
        }
        if (ofRevisions && detailedExitCode) {
            throw usage("--detailed-exitcode goes with files");
        }
        if (platform && !ofRevisions) {
            throw usage("--platform goes with revisions: documents carry their tenant themselves");
        }
        return ofRevisions ? revisions(connection) : files(connection);
    }

    private int revisions(Connection connection) {
        Iterator<DiffRevisionsResponse> parts = connection
                .policyWithoutDeadline()
                .diffRevisions(DiffRevisionsRequest.newBuilder()
                        .setTenant(platform ? "" : tenant())
                        .setFromRevision(fromRevision == null ? 0 : fromRevision)
                        .setToRevision(toRevision == null ? 0 : toRevision)
                        .build());
        ObjectNode json = object();
        ArrayNode documents = json.putArray("documents");
        while (parts.hasNext()) {
            DiffRevisionsResponse part = parts.next();
            if (wantsJson()) {
                if (part.hasRevisions()) {
                    json.set(
                            "from",
                            side(
                                    part.getRevisions().hasFrom(),
                                    part.getRevisions().getFrom()));
                    json.set(
                            "to",
                            side(
                                    part.getRevisions().hasTo(),
                                    part.getRevisions().getTo()));
                } else {
                    documents.add(PolicyChange.json(part.getDocument()));
                }
            } else if (part.hasRevisions()) {
                out().println(Printable.text((platform ? "platform" : "tenant " + tenant()) + ": revision "
                        + part.getRevisions().getFrom().getRevision() + " -> "
                        + part.getRevisions().getTo().getRevision()));
            } else {
                PolicyChange.print(part.getDocument(), this);
            }
        }
        if (wantsJson()) {
            print(json);
        }
        return ExitCodes.DONE;
    }

    private static JsonNode side(boolean there, PolicyRevision revision) {
        return there ? PolicyHistoryCommand.json(revision) : NullNode.getInstance();
    }

    private int files(Connection connection) throws Exception {
        ApplyPolicyHeader.Builder header = ApplyPolicyHeader.newBuilder().setDryRun(true);
        ledger.addTo(header, this);
        List<PolicyFiles.Piece> pieces = PolicyFiles.read(paths);
        ApplyPolicyResponse response;
        try (ProgressBar bar = progress.bar(this, pieces.size())) {
            response = PolicyChange.send(connection, header.build(), pieces, List.of(), bar);
        }
        if (wantsJson()) {
            print(PolicyChange.json(response));
        } else {
            PolicyChange.print(response, this);
        }
        return PolicyChange.exitCode(response, detailedExitCode);
    }
}
