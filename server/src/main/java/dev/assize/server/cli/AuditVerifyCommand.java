package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.ChainFault;
import dev.assize.proto.v1.VerifyChainRequest;
import dev.assize.proto.v1.VerifyChainResponse;
import dev.assize.proto.v1.VerifyResult;
import java.nio.file.Path;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Has the ledger recomputed, or verifies a file. */
@Command(
        name = "verify",
        description = {
            "Recomputes the ledger of --tenant and names the first entry that is not as it was recorded.",
            "With FILE, verifies a bundle (`assize audit export --format bundle`) or the proof of an entry (`assize audit"
                    + " proof`), without a server, a key or a network; also one that was archived when entries were pruned. A"
                    + " --tenant that is given must be its tenant."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:as it was recorded", "1:could not be verified", "2:usage", "3:not as it was recorded"})
public final class AuditVerifyCommand extends ClientCommand {

    static final String NOT_AS_RECORDED = "NOT AS RECORDED  ";

    @Parameters(
            arity = "0..1",
            paramLabel = "FILE",
            description = "A bundle, as a tar file or unpacked into a directory, or a .tlog-proof.")
    private @Nullable Path file;

    @Option(names = "--from", paramLabel = "SEQ", description = "First position; default: 0. Not with FILE.")
    private @Nullable Long fromSeq;

    @Option(
            names = "--to",
            paramLabel = "SEQ",
            description = "Last position, included; default: the head. Not with FILE.")
    private @Nullable Long toSeq;

    @Mixin
    private TrustedKeys trusted = new TrustedKeys();

    @Mixin
    private OfflineVerification.Options offline = new OfflineVerification.Options();

    AuditVerifyCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    public Integer call() throws Exception {
        if (file == null) {
            if (!offline.needNoFile() || !trusted.read().isEmpty()) {
                throw usage(
                        "--vkey, --vkeys, --trust-bundled-keys, --frame, --witness and --max-age are for verifying a"
                                + " FILE");
            }
            return super.call();
        }
        if (fromSeq != null || toSeq != null) {
            throw usage("a FILE is verified as a whole: leave out --from and --to");
        }
        try {
            return new OfflineVerification(this, file, trusted.read(), offline).run();
        } finally {
            out().flush();
        }
    }

    @Override
    int run(Connection connection) {
        VerifyChainRequest.Builder request =
                VerifyChainRequest.newBuilder().setTenant(tenant()).setFromSeq(fromSeq == null ? 0 : fromSeq);
        if (toSeq != null) {
            request.setToSeq(toSeq);
        }
        if (offline.checkpoint() != null) {
            request.setTrustedCheckpoint(
                    AuditCheckpointCommand.read(offline.checkpoint()).toString());
        }
        VerifyResult result = verify(connection, request.build());
        if (wantsJson()) {
            print(json(result));
        } else if (result.getValid()) {
            out().println("VALID  " + result.getVerified() + (result.getVerified() == 1 ? " entry" : " entries")
                    + " of " + Printable.text(result.getOrigin()));
            if (result.getVerified() > 0) {
                out().println("head   " + PolicyChange.hex(result.getHeadHash()) + " at " + result.getToSeq());
            }
            out().println("held   to " + checkpoints(result.getCheckpoints()));
            printRedacted(result.getRedacted());
            if (result.hasPruned()) {
                out().println("begins " + PolicyChange.hex(result.getPruned().getLastHash()) + " at "
                        + (result.getPruned().getToSeq() - 1) + ", pruned as entry "
                        + result.getPruned().getPrunedSeq() + " says; archived in "
                        + Printable.text(result.getPruned().getArchiveObject()));
            }
        } else {
            out().println(NOT_AS_RECORDED
                    + (result.hasFirstBadSeq() ? "first bad entry " + result.getFirstBadSeq() + ": " : "")
                    + fault(result));
            out().println(Printable.text(result.getMessage()));
        }
        return result.getValid() ? ExitCodes.DONE : ExitCodes.NO;
    }

    private static String checkpoints(int count) {
        return switch (count) {
            case 0 -> "no signed checkpoint: nothing behind its beginning is signed yet";
            case 1 -> "1 signed checkpoint";
            default -> count + " signed checkpoints";
        };
    }

    /** Says of how many entries something was erased. */
    void printRedacted(long entries) {
        if (entries > 0) {
            out().println("of " + entries + (entries == 1 ? " entry" : " entries")
                    + " something was erased, and other entries say so");
        }
    }

    private VerifyResult verify(Connection connection, VerifyChainRequest request) {
        try (ProgressBar bar = new ProgressBar(err(), surroundings().terminal())) {
            Iterator<VerifyChainResponse> updates =
                    connection.ledgerWithoutDeadline().verifyChain(request);
            while (updates.hasNext()) {
                VerifyChainResponse update = updates.next();
                if (update.hasResult()) {
                    return update.getResult();
                }
                bar.update(
                        update.getProgress().getVerified(), update.getProgress().getTotal());
            }
        }
        throw new CommandException("the server ended the verification without a result");
    }

    private static String fault(VerifyResult result) {
        return result.getFault() == ChainFault.CHAIN_FAULT_UNSPECIFIED
                ? ""
                : Answers.bare(result.getFault().name(), "CHAIN_FAULT_");
    }

    private static ObjectNode json(VerifyResult result) {
        ObjectNode json = object().put("valid", result.getValid())
                .put("verified", result.getVerified())
                .put("checkpoints", result.getCheckpoints())
                .put("redacted", result.getRedacted())
                .put("fromSeq", result.getFromSeq())
                .put("toSeq", result.getToSeq())
                .put("headHash", PolicyChange.hex(result.getHeadHash()))
                .put("origin", result.getOrigin());
        if (result.hasFirstBadSeq()) {
            json.put("firstBadSeq", result.getFirstBadSeq());
        }
        if (result.hasPruned()) {
            json.putObject("pruned")
                    .put("toSeq", result.getPruned().getToSeq())
                    .put("lastHash", PolicyChange.hex(result.getPruned().getLastHash()))
                    .put("rootHash", PolicyChange.hex(result.getPruned().getRootHash()))
                    .put("archiveObject", result.getPruned().getArchiveObject())
                    .put("archiveDigest", PolicyChange.hex(result.getPruned().getArchiveDigest()))
                    .put("recordedSeq", result.getPruned().getPrunedSeq());
        }
        return json.put("fault", fault(result)).put("message", result.getMessage());
    }
}
