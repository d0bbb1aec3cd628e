package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.PruneLedgerRequest;
import dev.assize.proto.v1.PruneLedgerResponse;
import dev.assize.proto.v1.PrunedPart;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Moves the beginning of a ledger into the archive. */
@Command(
        name = "prune",
        description = {
            "Moves the beginning of the ledger of --tenant into the archive, in two steps by two persons: one proposes it with"
                    + " --before or --to, and another agrees with --agree. Only then are entries verified, archived, read back"
                    + " from the archive, and removed.",
            "What a legal hold is on, what is younger than the tenant's retention or not signed, and what stands behind such"
                    + " an entry, stays. --dry-run says what would go, and why not more."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:proposed, or gone", "1:error", "2:usage"})
public final class AuditPruneCommand extends ClientCommand {

    @Option(names = "--before", paramLabel = "TIME", description = "Entries recorded before then, at the most.")
    private @Nullable Instant before;

    @Option(names = "--to", paramLabel = "SEQ", description = "Entries before this position, at the most.")
    private @Nullable Long toSeq;

    @Option(names = "--dry-run", description = "Changes nothing.")
    private boolean dryRun;

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why, for the record of a proposal.")
    private String reason = "";

    @Option(names = "--agree", paramLabel = "PROPOSAL", description = "The id of a proposal of somebody else's.")
    private String agree = "";

    AuditPruneCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        boolean wishes = before != null || toSeq != null;
        if (agree.isEmpty() ? !wishes : wishes || dryRun || !reason.isEmpty()) {
            throw usage("give --before or --to for a proposal, or --agree alone");
        }
        if (agree.isEmpty() && dryRun != reason.isEmpty()) {
            throw usage("give --reason for a proposal, or --dry-run");
        }
        PruneLedgerRequest.Builder request = PruneLedgerRequest.newBuilder()
                .setTenant(tenant())
                .setReason(reason)
                .setDryRun(dryRun);
        if (before != null) {
            request.setBefore(Times.timestamp(before));
        }
        if (toSeq != null) {
            request.setToSeq(toSeq);
        }
        if (agree.isEmpty()) {
            show(connection.ledgerWithoutDeadline().pruneLedger(request.build()));
        } else {
            prune(connection, request.setPruningId(agree).build());
        }
        return ExitCodes.DONE;
    }

    private void show(PruneLedgerResponse answer) {
        if (wantsJson()) {
            ObjectNode json = object();
            if (!answer.getPruningId().isEmpty()) {
                json.put("pruningId", answer.getPruningId())
                        .put("proposedSeq", answer.getProposed().getSeq());
            }
            print(json.put("fromSeq", answer.getFromSeq())
                    .put("toSeq", answer.getToSeq())
                    .put("limit", answer.getLimit())
                    .put("archive", answer.getArchive()));
            return;
        }
        long entries = answer.getToSeq() - answer.getFromSeq();
        String what = entries == 0
                ? "nothing"
                : entries + " entries, " + answer.getFromSeq() + " to " + (answer.getToSeq() - 1);
        if (answer.getPruningId().isEmpty()) {
            out().println("would go  " + what);
        } else {
            out().println("proposed  " + answer.getPruningId() + ": " + what + ", recorded as entry "
                    + answer.getProposed().getSeq());
            out().println("Somebody else agrees with: assize audit prune --tenant " + tenant() + " --agree "
                    + answer.getPruningId());
        }
        out().println("archive   " + Printable.text(answer.getArchive()));
        if (!answer.getLimit().isEmpty()) {
            out().println("not more  " + Printable.text(answer.getLimit()));
        }
    }

    /** Slice by slice, each of which is done when it is printed. */
    private void prune(Connection connection, PruneLedgerRequest request) {
        List<PrunedPart> parts = new ArrayList<>();
        PruneLedgerResponse answer;
        do {
            answer = connection.ledgerWithoutDeadline().pruneLedger(request);
            if (answer.hasPruned()) {
                parts.add(answer.getPruned());
                if (!wantsJson()) {
                    show(answer.getPruned());
                }
            }
        } while (answer.getRemaining() > 0);
        if (wantsJson()) {
            ObjectNode json = object();
            ArrayNode array = json.putArray("pruned");
            parts.forEach(part -> array.addObject()
                    .put("fromSeq", part.getFromSeq())
                    .put("toSeq", part.getToSeq())
                    .put("archiveObject", part.getArchiveObject())
                    .put("archiveDigest", PolicyChange.hex(part.getArchiveDigest()))
                    .put("recordedSeq", part.getEntry().getSeq()));
            print(json);
        } else if (parts.isEmpty()) {
            out().println("all of it has gone before");
        }
    }

    private void show(PrunedPart part) {
        out().println("pruned    entries " + part.getFromSeq() + " to " + (part.getToSeq() - 1) + ", recorded as entry "
                + part.getEntry().getSeq());
        out().println("          " + Printable.text(part.getArchiveObject()) + "  sha256 "
                + PolicyChange.hex(part.getArchiveDigest()));
        out().flush();
    }
}
