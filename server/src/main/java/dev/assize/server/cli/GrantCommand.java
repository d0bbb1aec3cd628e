package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.GrantRequest;
import dev.assize.proto.v1.GrantResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Gives a role. */
@Command(
        name = "grant",
        description = "Gives a role in --tenant, with --env only there. Makes one RoleBinding, and prints its name.")
public final class GrantCommand extends ClientCommand {

    @Option(
            names = "--subject",
            required = true,
            split = ",",
            paramLabel = "SUBJECT",
            description = "To whom: user:alice, group:noc, user:* or *; may be repeated.")
    private List<String> subjects = new ArrayList<>();

    @Option(names = "--role", required = true, paramLabel = "ROLE", description = "Which role.")
    private String role = "";

    @Option(names = "--resource", paramLabel = "PATH", description = "On this path and under it only; may be repeated.")
    private List<String> resources = new ArrayList<>();

    @Option(
            names = "--resource-type",
            split = ",",
            paramLabel = "TYPE",
            description = "On resources of this type only; may be repeated.")
    private List<String> types = new ArrayList<>();

    @Option(
            names = "--from-tenant",
            paramLabel = "TENANT",
            description = "The subjects' home; default: --tenant itself.")
    private String fromTenant = "";

    @Option(names = "--from", paramLabel = "TIME", description = "Not before, for example 2026-02-22T14:00:00Z.")
    private @Nullable Instant from;

    @Option(names = "--until", paramLabel = "TIME", description = "Until then, excluded.")
    private @Nullable Instant until;

    @Option(names = "--for", paramLabel = "DURATION", description = "For so long from now on, for example 8h.")
    private @Nullable Duration duration;

    @Option(names = "--when", paramLabel = "CEL", description = "Only where this condition holds.")
    private String when = "";

    @Option(names = "--name", paramLabel = "NAME", description = "Of the binding; default: a new one.")
    private String name = "";

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why; kept in the history and in the ledger.")
    private String reason = "";

    @Option(
            names = "--idempotency-key",
            paramLabel = "KEY",
            description = "Run again with the same key, the command is answered as at first.")
    private String idempotencyKey = "";

    GrantCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        GrantRequest.Builder request = GrantRequest.newBuilder()
                .setTenant(tenant())
                .setName(name)
                .addAllSubjects(subjects)
                .setRole(role)
                .addAllResources(resources)
                .addAllResourceTypes(types)
                .setFromTenant(fromTenant)
                .setWhen(when)
                .setReason(reason)
                .setIdempotencyKey(idempotencyKey);
        if (!env().isEmpty()) {
            request.addEnvironments(env());
        }
        if (from != null) {
            request.setNotBefore(Times.timestamp(from));
        }
        Instant end = FreezeCommand.end(this, until, duration);
        if (end != null) {
            request.setNotAfter(Times.timestamp(end));
        }
        GrantResponse response = connection.policy().grant(request.build());
        if (wantsJson()) {
            ObjectNode json = object().put("name", response.getName());
            FreezeCommand.add(json, response.getCommit());
            print(json);
        } else {
            out().println(Printable.text("GRANTED " + response.getName()) + "  "
                    + FreezeCommand.describe(response.getCommit()));
        }
        return ExitCodes.DONE;
    }
}
