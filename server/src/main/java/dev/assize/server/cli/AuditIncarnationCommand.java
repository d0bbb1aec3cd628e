package dev.assize.server.cli;

import dev.assize.proto.v1.BeginIncarnationRequest;
import dev.assize.proto.v1.BeginIncarnationResponse;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lets a ledger that has lost entries go on. */
@Command(
        name = "incarnation",
        description = {
            "Continues the ledger of --tenant that has lost entries which were signed, or is halted because what is"
                    + " stored is not what was signed. Where neither is so, the server refuses.",
            "@|bold This cannot be undone.|@ What is lost stays lost: a backup that still has it can no longer be"
                    + " restored. Restore first, if you can. The loss is recorded, with your name and reason, and everyone who kept"
                    + " a checkpoint can prove it."
        })
public final class AuditIncarnationCommand extends ClientCommand {

    @Option(names = "--reason", required = true, paramLabel = "TEXT", description = "Why, for the record.")
    private String reason = "";

    AuditIncarnationCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        String tenant = tenant();
        err().println("assize: continuing the ledger of `" + Printable.text(tenant) + "` without what it has lost, for"
                + " good: the loss is recorded, and whoever kept a checkpoint can prove it");
        BeginIncarnationResponse begun = connection
                .ledger()
                .beginIncarnation(BeginIncarnationRequest.newBuilder()
                        .setTenant(tenant)
                        .setReason(reason)
                        .build());
        if (wantsJson()) {
            print(object().put("incarnation", begun.getIncarnation())
                    .put("seq", begun.getEntry().getSeq())
                    .put("entryHash", PolicyChange.hex(begun.getEntry().getEntryHash())));
        } else {
            out().println("INCARNATION " + begun.getIncarnation() + "  recorded as entry "
                    + begun.getEntry().getSeq());
        }
        return ExitCodes.DONE;
    }
}
