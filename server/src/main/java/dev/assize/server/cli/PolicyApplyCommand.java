package dev.assize.server.cli;

import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyResponse;
import dev.assize.proto.v1.DocumentKey;
import dev.assize.proto.v1.RevisionPrecondition;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Applies policy files as one change: all or nothing. */
@Command(
        name = "apply",
        description = {
            "Applies policy files as one change, all or nothing. Documents carry their tenant themselves.",
            "Directories are searched for *.yaml and *.yml, but for hidden files and those under `tests`."
        })
public final class PolicyApplyCommand extends ClientCommand {

    @Parameters(arity = "0..*", paramLabel = "DIR|FILE", description = "Policy files, or directories of them.")
    private List<Path> paths = new ArrayList<>();

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "A directory of policy files, as DIR by itself; may be repeated.")
    private List<Path> directories = new ArrayList<>();

    @Option(names = "--dry-run", description = "Validate and compare; change nothing.")
    private boolean dryRun;

    @Option(
            names = "--detailed-exitcode",
            description = "With --dry-run: exit with 3 where applying would change something.")
    private boolean detailedExitCode;

    @Option(
            names = "--delete",
            paramLabel = "KIND/NAME",
            description = "Delete a document of --tenant (or, without one, of the platform); may be repeated.")
    private List<String> deletes = new ArrayList<>();

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why; kept in the history and in the ledger.")
    private String reason = "";

    @Option(
            names = "--expect",
            paramLabel = "TENANT=REVISION",
            description = "Apply only if the tenant is at this revision (`platform` for the platform).")
    private Map<String, Long> expected = new LinkedHashMap<>();

    @Option(
            names = "--force",
            description = "Accept subjects that already hold what a new separation of duty keeps apart.")
    private boolean force;

    @Mixin
    private Pruning pruning = new Pruning();

    @Option(
            names = "--idempotency-key",
            paramLabel = "KEY",
            description = "Changes nothing where a change under this key was applied before; then says what that did.")
    private String idempotencyKey = "";

    @Mixin
    private AgainstLedger ledger = new AgainstLedger();

    @Mixin
    private UploadProgress progress = new UploadProgress();

    PolicyApplyCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) throws Exception {
        List<Path> all = new ArrayList<>(paths);
        all.addAll(directories);
        if (all.isEmpty() && deletes.isEmpty() && !pruning.namesTenants()) {
            throw usage("Nothing to apply: expected DIR|FILE or --delete");
        }
        pruning.require(this, idempotencyKey);
        if (ledger.isAsked() && !dryRun) {
            throw usage("--against-ledger goes with --dry-run");
        }
        if (detailedExitCode && !dryRun) {
            throw usage("--detailed-exitcode goes with --dry-run");
        }
        List<PolicyFiles.Piece> pieces =
                pruning.namesTenants() ? PolicyFiles.readWhatThereIs(all) : PolicyFiles.read(all);
        ApplyPolicyHeader.Builder header = ApplyPolicyHeader.newBuilder()
                .setDryRun(dryRun)
                .setReason(reason)
                .setForce(force)
                .setPruneManager(pruning.manager(pieces, this))
                .setIdempotencyKey(idempotencyKey);
        ledger.addTo(header, this);
        Map<String, Long> preconditions = pruning.revisions(connection);
        preconditions.putAll(expected);
        preconditions.forEach((tenant, revision) -> header.addPreconditions(RevisionPrecondition.newBuilder()
                .setTenant(tenant.equals("platform") ? "" : tenant)
                .setRevision(revision)));
        List<DocumentKey> keys =
                deletes.stream().map(text -> PolicyFiles.key(text, this)).toList();
        ApplyPolicyResponse response;
        try (ProgressBar bar = progress.bar(this, pieces.size() + keys.size())) {
            response = PolicyChange.send(connection, header.build(), pieces, keys, bar);
        }
        if (wantsJson()) {
            print(PolicyChange.json(response));
        } else {
            PolicyChange.print(response, this);
        }
        return PolicyChange.exitCode(response, detailedExitCode);
    }
}
