package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.PolicyCommit;
import dev.assize.proto.v1.RevokeRequest;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Takes a role away. */
@Command(
        name = "revoke",
        description = "Takes away what a RoleBinding of --tenant gives: deletes it, or takes one subject out of it.")
public final class RevokeCommand extends ClientCommand {

    @Parameters(
            paramLabel = "BINDING",
            description = "The RoleBinding, as `grant`, `explain` and `policy export` show it.")
    private String binding = "";

    @Option(
            names = "--subject",
            paramLabel = "SUBJECT",
            description = "Only this one, as it stands in the binding; default: the whole binding.")
    private String subject = "";

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why; kept in the history and in the ledger.")
    private String reason = "";

    @Option(
            names = "--idempotency-key",
            paramLabel = "KEY",
            description = "Run again with the same key, the command is answered as at first.")
    private String idempotencyKey = "";

    RevokeCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        PolicyCommit commit = connection
                .policy()
                .revoke(RevokeRequest.newBuilder()
                        .setTenant(tenant())
                        .setBinding(binding)
                        .setSubject(subject)
                        .setReason(reason)
                        .setIdempotencyKey(idempotencyKey)
                        .build())
                .getCommit();
        if (wantsJson()) {
            ObjectNode json = object().put("name", binding);
            FreezeCommand.add(json, commit);
            print(json);
        } else {
            out().println(Printable.text("REVOKED " + binding) + "  " + FreezeCommand.describe(commit));
        }
        return ExitCodes.DONE;
    }
}
