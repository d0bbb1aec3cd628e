package dev.assize.server.cli;

import dev.assize.proto.v1.ApplyPolicyHeader;
import dev.assize.proto.v1.ApplyPolicyResponse;
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

    @Option(names = "--dry-run", description = "Validate and compare; change nothing.")
    private boolean dryRun;

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

    @Option(
            names = "--prune",
            description = "Delete what --manager wrote earlier in the same tenants and the files no longer have;"
                    + " never a Tenant or a Freeze.")
    private boolean prune;

    @Option(
            names = "--manager",
            paramLabel = "NAME",
            description = "With --prune: whose documents these are, as their `metadata.manager` says.")
    private String manager = "";

    @Option(
            names = "--idempotency-key",
            paramLabel = "KEY",
            description = "Changes nothing where a change under this key was applied before; then says what that did.")
    private String idempotencyKey = "";

    @Mixin
    private AgainstLedger ledger = new AgainstLedger();

    PolicyApplyCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) throws Exception {
        if (paths.isEmpty() && deletes.isEmpty()) {
            throw usage("Nothing to apply: expected DIR|FILE or --delete");
        }
        if (prune == manager.isEmpty()) {
            throw usage("--prune and --manager NAME go together");
        }
        if (ledger.isAsked() && !dryRun) {
            throw usage("--against-ledger goes with --dry-run");
        }
        ApplyPolicyHeader.Builder header = ApplyPolicyHeader.newBuilder()
                .setDryRun(dryRun)
                .setReason(reason)
                .setForce(force)
                .setPruneManager(manager)
                .setIdempotencyKey(idempotencyKey);
        ledger.addTo(header, this);
        expected.forEach((tenant, revision) -> header.addPreconditions(RevisionPrecondition.newBuilder()
                .setTenant(tenant.equals("platform") ? "" : tenant)
                .setRevision(revision)));
        ApplyPolicyResponse response = PolicyChange.send(
                connection,
                header.build(),
                PolicyFiles.read(paths),
                deletes.stream().map(text -> PolicyFiles.key(text, this)).toList());
        if (wantsJson()) {
            print(PolicyChange.json(response));
        } else {
            PolicyChange.print(response, this);
        }
        return PolicyChange.exitCode(response);
    }
}
