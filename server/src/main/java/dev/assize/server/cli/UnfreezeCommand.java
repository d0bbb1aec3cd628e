package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.UnfreezeRequest;
import dev.assize.proto.v1.UnfreezeResponse;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lifts a freeze. */
@Command(
        name = "unfreeze",
        description = "Lifts a freeze of --tenant. Needs a permission of its own: `lift` on `freeze`.")
public final class UnfreezeCommand extends ClientCommand {

    @Parameters(paramLabel = "NAME", description = "The freeze, as `freeze` and `freeze --list` show it.")
    private String name = "";

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why; kept in the history and in the ledger.")
    private String reason = "";

    @Option(
            names = "--wait",
            paramLabel = "DURATION",
            description = "How long to wait for the nodes to confirm, at most 10s; default: 1s.")
    private Duration wait = Duration.ofSeconds(1);

    @Option(
            names = "--idempotency-key",
            paramLabel = "KEY",
            description = "Run again with the same key, the command is answered as at first.")
    private String idempotencyKey = "";

    UnfreezeCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        UnfreezeResponse response = connection
                .policy()
                .unfreeze(UnfreezeRequest.newBuilder()
                        .setTenant(tenant())
                        .setName(name)
                        .setReason(reason)
                        .setIdempotencyKey(idempotencyKey)
                        .setWait(FreezeCommand.wire(wait))
                        .build());
        if (wantsJson()) {
            ObjectNode json = object().put("name", name);
            FreezeCommand.add(json, response.getCommit());
            FreezeCommand.add(json, response.getNodes());
            print(json);
        } else {
            out().println(Printable.text("LIFTED " + name) + "  " + FreezeCommand.describe(response.getCommit()));
            FreezeCommand.print(response.getNodes(), this);
        }
        return ExitCodes.DONE;
    }
}
