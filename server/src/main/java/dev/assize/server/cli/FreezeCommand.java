package dev.assize.server.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.assize.proto.v1.FreezeEntry;
import dev.assize.proto.v1.FreezeReach;
import dev.assize.proto.v1.FreezeRequest;
import dev.assize.proto.v1.FreezeResponse;
import dev.assize.proto.v1.FrozenBinding;
import dev.assize.proto.v1.ListFreezesRequest;
import dev.assize.proto.v1.ListFreezesResponse;
import dev.assize.proto.v1.NodeConfirmations;
import dev.assize.proto.v1.PolicyCommit;
import dev.assize.proto.v1.UnconfirmedNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The emergency brake. */
@Command(
        name = "freeze",
        description = {
            "Stops what matches, in --tenant and with --env only there, on every node that hears of it. Every option that"
                    + " names something must match. Says which nodes have not confirmed, and which bindings are"
                    + " stopped. Needs the permission `create` on `freeze` and no other.",
            "A node that is cut off from the database stops by itself within its freshness bound."
        })
public final class FreezeCommand extends ClientCommand {

    @Option(names = "--subject", paramLabel = "SUBJECT", description = "Whom: agent:x, or group:g for its members.")
    private String subject = "";

    @Option(names = "--role", paramLabel = "ROLE", description = "Whatever would be allowed through this role.")
    private String role = "";

    @Option(names = "--action", paramLabel = "ACTION", description = "This action.")
    private String action = "";

    @Option(names = "--resource", paramLabel = "PATH", description = "On this path and under it.")
    private String resource = "";

    @Option(names = "--resource-type", paramLabel = "TYPE", description = "On resources of this type.")
    private String resourceType = "";

    @Option(names = "--run", paramLabel = "RUN", description = "This run.")
    private String run = "";

    @Option(names = "--all", description = "Everything in the tenant.")
    private boolean all;

    @Option(
            names = "--reason",
            paramLabel = "TEXT",
            description = "Why; required. Kept in the freeze and in the ledger.")
    private String reason = "";

    @Option(names = "--from", paramLabel = "TIME", description = "Not before, for example 2026-02-22T14:00:00Z.")
    private @Nullable Instant from;

    @Option(names = "--until", paramLabel = "TIME", description = "Until then, excluded; default: until it is lifted.")
    private @Nullable Instant until;

    @Option(names = "--for", paramLabel = "DURATION", description = "For so long from now on, for example 15m.")
    private @Nullable Duration duration;

    @Option(names = "--name", paramLabel = "NAME", description = "Of the freeze; default: a new one.")
    private String name = "";

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

    @Option(names = "--list", description = "Freeze nothing: list the freezes there are.")
    private boolean list;

    FreezeCommand(Surroundings surroundings) {
        super(surroundings);
    }

    @Override
    int run(Connection connection) {
        return list ? list(connection) : freeze(connection);
    }

    private int freeze(Connection connection) {
        if (reason.isEmpty()) {
            throw usage("Missing required option: '--reason=TEXT'");
        }
        FreezeRequest.Builder request = FreezeRequest.newBuilder()
                .setTenant(tenant())
                .setName(name)
                .setSubject(subject)
                .setRole(role)
                .setAction(action)
                .setResource(resource)
                .setResourceType(resourceType)
                .setEnvironment(env())
                .setRun(run)
                .setAll(all)
                .setReason(reason)
                .setIdempotencyKey(idempotencyKey)
                .setWait(wire(wait));
        if (from != null) {
            request.setFrom(Times.timestamp(from));
        }
        Instant end = end(this, until, duration);
        if (end != null) {
            request.setUntil(Times.timestamp(end));
        }
        FreezeResponse response = connection.policy().freeze(request.build());
        if (wantsJson()) {
            ObjectNode json = object().put("name", response.getName());
            add(json, response.getCommit());
            add(json, response.getNodes());
            add(json, response.getReach());
            print(json);
        } else {
            out().println(Printable.text("FROZEN " + response.getName()) + "  " + describe(response.getCommit()));
            print(response.getNodes(), this);
            print(response.getReach());
            out().println(Printable.text(
                    "Lift it with: assize unfreeze " + response.getName() + " --tenant " + tenant()));
        }
        return ExitCodes.DONE;
    }

    private void print(FreezeReach reach) {
        if (reach.getCount() == 0) {
            out().println("No binding allows what it stops.");
            return;
        }
        out().println("Stops what " + counted(reach.getCount(), "binding") + " would allow"
                + (reach.getCount() > reach.getBindingsCount() ? ", the first of them:" : ":"));
        Table table = new Table("BINDING", "ROLE", "SUBJECTS");
        reach.getBindingsList()
                .forEach(it -> table.row(it.getBinding(), it.getRole(), String.join(",", it.getSubjectsList())));
        table.print(out());
    }

    private int list(Connection connection) {
        List<FreezeEntry> freezes = new ArrayList<>();
        String page = "";
        do {
            ListFreezesResponse response = connection
                    .policy()
                    .listFreezes(ListFreezesRequest.newBuilder()
                            .setTenant(tenant())
                            .setPageSize(500)
                            .setPageToken(page)
                            .build());
            freezes.addAll(response.getFreezesList());
            page = response.getNextPageToken();
        } while (!page.isEmpty());
        if (wantsJson()) {
            ObjectNode json = object();
            ArrayNode array = json.putArray("freezes");
            freezes.forEach(freeze -> array.add(json(freeze)));
            print(json);
        } else {
            Table table = new Table("NAME", "STOPS", "ACTIVE", "FROM", "UNTIL", "REASON");
            freezes.forEach(it -> table.row(
                    it.getName(),
                    target(it),
                    it.getActive() ? "yes" : "no",
                    it.hasFrom() ? Answers.time(it.getFrom()) : "",
                    it.hasUntil() ? Answers.time(it.getUntil()) : "lifted",
                    it.getReason()));
            table.print(out());
        }
        return ExitCodes.DONE;
    }

    private static String target(FreezeEntry entry) {
        return entry.getAll()
                ? "everything"
                : String.join(
                        ", ",
                        Stream.of(
                                        named("", entry.getSubject()),
                                        named("role ", entry.getRole()),
                                        named("action ", entry.getAction()),
                                        named("", entry.getResource()),
                                        named("type ", entry.getResourceType()),
                                        named("env ", entry.getEnvironment()),
                                        named("run ", entry.getRun()))
                                .filter(it -> !it.isEmpty())
                                .toList());
    }

    private static String named(String what, String value) {
        return value.isEmpty() ? "" : what + value;
    }

    private static ObjectNode json(FreezeEntry entry) {
        return object().put("name", entry.getName())
                .put("subject", entry.getSubject())
                .put("role", entry.getRole())
                .put("action", entry.getAction())
                .put("resource", entry.getResource())
                .put("resourceType", entry.getResourceType())
                .put("env", entry.getEnvironment())
                .put("run", entry.getRun())
                .put("all", entry.getAll())
                .put("reason", entry.getReason())
                .put("from", entry.hasFrom() ? Answers.time(entry.getFrom()) : "")
                .put("until", entry.hasUntil() ? Answers.time(entry.getUntil()) : "")
                .put("active", entry.getActive());
    }

    /** What --until or --for come to; null for neither. */
    static @Nullable Instant end(ClientCommand command, @Nullable Instant until, @Nullable Duration duration) {
        if (until != null && duration != null) {
            throw command.usage("--until and --for: expected one of them");
        }
        return duration == null
                ? until
                : command.surroundings().clock().instant().plus(duration);
    }

    static String describe(PolicyCommit commit) {
        return "revision " + commit.getRevision() + ", recorded as entry " + commit.getSeq() + ", "
                + Answers.time(commit.getCommittedAt()) + (commit.getReplayed() ? " (by an earlier request)" : "");
    }

    static void add(ObjectNode json, PolicyCommit commit) {
        json.put("revision", commit.getRevision())
                .put("seq", commit.getSeq())
                .put("committedAt", Answers.time(commit.getCommittedAt()))
                .put("replayed", commit.getReplayed());
    }

    static com.google.protobuf.Duration wire(Duration duration) {
        return com.google.protobuf.Duration.newBuilder()
                .setSeconds(duration.toSeconds())
                .setNanos(duration.toNanosPart())
                .build();
    }

    /** Who does not act on it is named on both channels: it is what the reader must see. */
    static void print(NodeConfirmations nodes, ClientCommand command) {
        if (nodes.getUnknown()) {
            command.err().println("assize: the nodes cannot be listed: nobody knows which act on it by now");
            return;
        }
        command.out()
                .println("Confirmed by " + counted(nodes.getConfirmed(), "node")
                        + (nodes.getUnconfirmedCount() == 0
                                ? "."
                                : "; not by " + counted(nodes.getUnconfirmedCount(), "node") + ":"));
        for (UnconfirmedNode node : nodes.getUnconfirmedList()) {
            command.err()
                    .println("assize: not confirmed by " + Printable.text(node.getName()) + ", last seen "
                            + Answers.time(node.getLastSeenAt())
                            + (node.getCutOff()
                                    ? ": cut off; it stops "
                                            + node.getFreshnessBound().getSeconds()
                                            + " s after it last reached the database"
                                    : ""));
        }
    }

    private static String counted(int count, String what) {
        return count + " " + what + (count == 1 ? "" : "s");
    }

    static void add(ObjectNode json, NodeConfirmations nodes) {
        ObjectNode to =
                json.putObject("nodes").put("known", !nodes.getUnknown()).put("confirmed", nodes.getConfirmed());
        ArrayNode unconfirmed = to.putArray("unconfirmed");
        nodes.getUnconfirmedList()
                .forEach(node -> unconfirmed
                        .addObject()
                        .put("name", node.getName())
                        .put("instanceId", node.getInstanceId())
                        .put("lastSeenAt", Answers.time(node.getLastSeenAt()))
                        .put("cutOff", node.getCutOff())
                        .put("freshnessBoundSeconds", node.getFreshnessBound().getSeconds()));
    }

    private static void add(ObjectNode json, FreezeReach reach) {
        ArrayNode bindings =
                json.putObject("reach").put("count", reach.getCount()).putArray("bindings");
        for (FrozenBinding binding : reach.getBindingsList()) {
            ArrayNode subjects = bindings.addObject()
                    .put("binding", binding.getBinding())
                    .put("role", binding.getRole())
                    .putArray("subjects");
            binding.getSubjectsList().forEach(subjects::add);
        }
    }
}
