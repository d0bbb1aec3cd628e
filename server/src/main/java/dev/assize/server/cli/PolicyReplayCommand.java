package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.PolicyDrift;
import dev.assize.proto.v1.ReplayPolicyRequest;
import dev.assize.proto.v1.ReplayPolicyResponse;
import dev.assize.proto.v1.ReplayResult;
import java.nio.file.Path;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Has a policy rebuilt from its ledger, or rebuilds it from a bundle. */
@Command(
        name = "replay",
        description = {
            "Rebuilds the policy of --tenant, or of the platform, from the ledger alone, compares the result with what is"
                    + " stored, and names what is not the same.",
            "With --from FILE, verifies a bundle (`assize audit export --format bundle`) and rebuilds the policy from it,"
                    + " without a server, a key or a network."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:rebuilt, and the same", "1:could not be rebuilt", "2:usage", "3:not the same, or not told"})
public final class PolicyReplayCommand extends ClientCommand {

    @Option(names = "--platform", description = "The platform's own policy, from the ledger of tenant `assize`.")
    private boolean platform;

    @Option(
            names = "--revision",
            paramLabel = "N",
            converter = Count.class,
            description = "The revision to rebuild; default: the last.")
    private @Nullable Integer revision;

    @Option(
            names = "--whole",
            description = "Begin at the first revision that the ledger has, not at the newest snapshot, and check the"
                    + " snapshots on the way.")
    private boolean whole;

    @Option(
            names = "--from",
            paramLabel = "FILE",
            description = "A bundle, as a tar file or unpacked into a directory. It is read whole.")
    private @Nullable Path bundle;

    @Mixin
    private TrustedKeys trusted = new TrustedKeys();

    PolicyReplayCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    public Integer call() throws Exception {
        if (bundle == null) {
            if (!trusted.read().isEmpty()) {
                throw usage("--vkey and --vkeys are for a bundle: give it with --from FILE");
            }
            return super.call();
        }
        if (whole) {
            throw usage("a bundle is read whole: leave out --whole");
        }
        try {
            return new OfflineReplay(this, bundle, trusted.read(), platform, revision == null ? 0 : revision).run();
        } finally {
            out().flush();
        }
    }

    @Override
    int run(Connection connection) {
        ReplayResult result = replay(
                connection,
                ReplayPolicyRequest.newBuilder()
                        .setTenant(platform ? "" : tenant())
                        .setRevision(revision == null ? 0 : revision)
                        .setWhole(whole)
                        .build());
        if (wantsJson()) {
            print(json(result));
        } else {
            print(result);
        }
        return result.getEqual() ? ExitCodes.DONE : ExitCodes.NO;
    }

    private static ReplayResult replay(Connection connection, ReplayPolicyRequest request) {
        Iterator<ReplayPolicyResponse> updates =
                connection.policyWithoutDeadline().replayPolicy(request);
        while (updates.hasNext()) {
            ReplayPolicyResponse update = updates.next();
            if (update.hasResult()) {
                return update.getResult();
            }
        }
        throw new CommandException("the server ended the replay without a result");
    }

    private void print(ReplayResult result) {
        if (result.hasFault()) {
            out().println("NOT TOLD  from entry " + result.getFault().getSeq() + "; rebuilt up to revision "
                    + result.getRevision());
            out().println(Printable.text(result.getFault().getMessage()));
            return;
        }
        out().println((result.getEqual() ? "EQUAL  " : "DRIFT  ") + "revision " + result.getRevision() + ", "
                + result.getDocuments() + (result.getDocuments() == 1 ? " document" : " documents") + ", from "
                + result.getEntries() + (result.getEntries() == 1 ? " entry" : " entries")
                + (result.hasSnapshotSeq() ? " behind the snapshot at " + result.getSnapshotSeq() : ""));
        out().println("policy " + PolicyChange.hex(result.getPolicyDigest()));
        result.getDriftsList().forEach(this::print);
        long more = result.getDriftCount() - result.getDriftsCount();
        if (more > 0) {
            out().println("and " + more + " more");
        }
    }

    /** What the ledger tells with `- `, what is stored with `+ `. */
    private void print(PolicyDrift drift) {
        out().println(Printable.text("  ! " + drift.getMessage()));
        if (!drift.getTold().isEmpty() && !drift.getStored().isEmpty()) {
            LineDiff.of(drift.getTold().toStringUtf8(), drift.getStored().toStringUtf8())
                    .forEach(line -> out().println(Printable.text("      " + line)));
        }
    }

    private static ObjectNode json(ReplayResult result) {
        ObjectNode json = object().put("equal", result.getEqual())
                .put("revision", result.getRevision())
                .put("policyDigest", PolicyChange.hex(result.getPolicyDigest()))
                .put("documents", result.getDocuments())
                .put("entries", result.getEntries());
        if (result.hasSnapshotSeq()) {
            json.put("snapshotSeq", result.getSnapshotSeq());
        }
        ArrayNode drifts = json.putArray("drifts");
        for (PolicyDrift drift : result.getDriftsList()) {
            ObjectNode to = drifts.addObject()
                    .put("type", Answers.bare(drift.getType().name(), "POLICY_DRIFT_TYPE_"))
                    .put("kind", drift.getKind())
                    .put("name", drift.getName())
                    .put("message", drift.getMessage())
                    .put("told", drift.getTold().toStringUtf8())
                    .put("stored", drift.getStored().toStringUtf8());
            if (drift.hasSeq()) {
                to.put("seq", drift.getSeq());
            }
        }
        json.put("driftCount", result.getDriftCount());
        if (result.hasFault()) {
            json.putObject("fault")
                    .put("seq", result.getFault().getSeq())
                    .put("message", result.getFault().getMessage());
        }
        return json;
    }
}
